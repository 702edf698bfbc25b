"""What a user sees when something goes wrong: some forty failures, provoked through the commands that a user types.

A small town is mapped, resolved, profiled and scored once. Every failure then gets a copy of that home, in which
something is broken, or is broken while a command is at work: its Java is killed, a folder has no room, a table of the
lake is no Parquet file (`bench/provoked.py` has the list). Each must end as the list says: the exit status is 2 where
the user has to change something, 75 where a retry may help, and 0 where it only looks like a failure; the last line is
one sentence that names what was expected; no line is a stack trace of Java or Python or a line of Java's log; and
nothing of the lake is another than before. What needs a mount or a capability is done in a namespace of its own, and
skipped where the system allows none.

    python -m bench.failures [--only "java killed"]
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from bench import result
from bench.provoked import FAILURES, NIGHT, Failure
from bench.steps import run_step
from contracts.entry_point import exit_with_sentence
from contracts.errors import ERROR_MARK, LakeError
from contracts.settings import REPOSITORY, Settings

PEOPLE, DAYS = 150, 4

LIMIT_SECONDS = 600
"""A command that has not ended by then hangs."""

NOT_FOR_USERS = re.compile(
    r"^\s+at [\w.$/]+\(|^Traceback |^Caused by: |Py4JJavaError|Exception in thread|^\s+File \"|"
    r"^\S*\d\d:\d\d:\d\d\S* (ERROR|WARN|FATAL) |^# A fatal error",
    re.MULTILINE,
)
"""Lines of a stack trace of Java or Python, and lines of Java's log."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.failures", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some of them, by the beginnings of their names")
    parser.add_argument("--home", type=Path, help="the home of an earlier run's night, which is made where it is not")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(chosen.only or [""], chosen.home))


def bench(only: list[str], night: Path | None) -> None:
    """Provoke the failures whose names begin so; a line of the results for each.

    Raises:
        LakeError: one did not end as it must.
    """
    root = Settings.from_env().home.bench / "failures"
    shutil.rmtree(root, ignore_errors=True)
    night = (night or root / "night").resolve()
    if not night.exists():
        make_night(night)
    wrong, tried, skipped = [], 0, []
    for failure in FAILURES:
        if not failure.name.startswith(tuple(only)):
            continue
        home = root / "home"
        shutil.copytree(night, home, symlinks=True)
        found = provoke(failure, home)
        subprocess.run(["chmod", "-R", "u+rwX", str(home)], check=True)
        shutil.rmtree(home)
        if found is None:
            skipped.append(failure.name)
            continue
        tried += 1
        result.write({"bench": "failures", "failure": failure.name, **found})
        wrong += [failure.name] if found["wrong"] else []
    left_out = f", skipped: {', '.join(skipped)}" if skipped else ""
    print(f"bench.failures: {tried} tried, {len(wrong)} ended otherwise than they must{left_out}", file=sys.stderr)
    if wrong:
        raise LakeError(
            expected="every failure to end in one sentence, with its exit status, and to leave the lake alone",
            received=f"another end of {', '.join(wrong)}",
            remedy="what was seen is printed above",
        )
    shutil.rmtree(root)


def make_night(home: Path) -> None:
    """A night of a small town, up to the scores."""
    try:
        for command in NIGHT(PEOPLE, DAYS):
            run_step([sys.executable, *command], home, {})
    finally:
        run_step([sys.executable, "-m", "spark_jobs.application", "stop"], home, {})


def provoke(failure: Failure, home: Path) -> dict[str, Any] | None:
    """Run the command of a failure; what is wrong about its end, and what was seen. None where it cannot be tried."""
    within = failure.within(home)
    if within and subprocess.run([*within, "true"], capture_output=True, check=False).returncode:
        return None
    failure.prepare(home)
    before, started = published(home), time.monotonic()
    variables = {"NIGHTSHIFT_HOME": str(home), **failure.settings}
    environment = [*within, "env", *(f"{name}={value.format(home=home)}" for name, value in variables.items())]
    with failure.beside(home):
        process = subprocess.Popen(
            [*environment, sys.executable, *failure.command],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        failure.meanwhile(psutil.Process(process.pid), home)
        try:
            output = process.communicate(timeout=LIMIT_SECONDS)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            output = process.communicate()[0].decode(errors="replace") + "\nit did not end"
    lines = output.strip().splitlines() or [""]
    wrong = []
    if process.returncode != failure.status:
        wrong.append(f"status {process.returncode}, not {failure.status}")
    if NOT_FOR_USERS.search(output):
        wrong.append("a trace")
    if failure.status and not (lines[-1].startswith(ERROR_MARK) or ": error: " in lines[-1]):
        wrong.append("no sentence")
    if failure.status and failure.command[1] == "spark_jobs.main" and output.count(ERROR_MARK) > 1:
        wrong.append("several sentences")
    wrong += [f"nothing of {word!r}" for word in failure.says if word not in output]
    if failure.status and published(home) != before:
        wrong.append("the lake")
    places = {str(home): "<home>", f"{REPOSITORY}/": "", str(Path(sys.prefix).resolve()): ".venv"}
    shown = lines[-60 if wrong else -1 :]
    for place, name in places.items():
        shown = [line.replace(place, name) for line in shown]
    return {
        "command": " ".join(failure.command),
        "status": process.returncode,
        "seconds": round(time.monotonic() - started, 1),
        "wrong": wrong,
        "shown": [re.sub(r" \(trace, [^)]*\)$", "", line) for line in shown],
    }


def published(home: Path) -> dict[str, str]:
    """Every partition of the lake, and the folder that it leads to."""
    return {str(link.relative_to(home)): str(link.readlink()) for link in (home / "lake").glob("*/ds=*")}


if __name__ == "__main__":
    main()
