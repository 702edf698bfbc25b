"""One night on one machine: the three DAGs in their order, in Airflow, from raw deliveries to audiences.

Where destinations are configured, `deliver_audiences` follows, unless a person has to be asked first: nobody is there.
What happens is shown as it happens; everything else that Airflow, Spark, dbt and TensorFlow say goes to a log file,
which an error names. Ends with a table, `reports/nightly-<ds>.json` and the page of the night; a night that failed
leaves that page, too.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from contracts.destinations import configured_destinations
from contracts.entry_point import exit_with_sentence
from contracts.errors import RawDataError, SettingsError
from contracts.home import Home
from contracts.lake import Lake
from contracts.raw import landed_days, landed_sources, newest_day
from contracts.report import Report
from contracts.settings import REPOSITORY, Settings
from ops.airflow import prepare_airflow, run_dags
from ops.preloaded import preloaded
from ops.tables import print_report
from ops.usage import Usage

DAGS = ("nightly_profiles", "train_models", "activate_audiences")
DELIVERY = "deliver_audiences"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make nightly", description=__doc__)
    parser.add_argument("--raw", default="town", help="town (simulated), real (bundled), or a folder of deliveries")
    parser.add_argument("--ds", default="", help="the day, YYYY-MM-DD; by default the newest that has landed")
    parser.add_argument("--setup-seconds", type=float, default=0.0, help="what the set-up before this took")
    options = parser.parse_args()
    settings = Settings.from_env()
    lake, console = Lake(settings.home.lake), Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    with lake.step("nightly"), Usage(settings.home) as usage:
        started = time.monotonic()
        lay_raw(options.raw, settings)
        require_own_lake(settings)
        ds = day_to_run(settings.raw, options.ds)
        console.print(f"[bold]nightshift[/bold] {ds}, raw data from {settings.raw}")
        report = Report(settings.home.reports, ds)
        report.clear()
        log = settings.home.logs / f"nightly-{ds}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        prepare_airflow(settings, log)
        try:
            with preloaded():
                failure = run_dags(DAGS, ds, log, console)
                undelivered = "" if failure else deliver(settings, ds, log, console)
        finally:  # where the run was interrupted, Spark would wait for others for some time
            subprocess.run([sys.executable, "-m", "spark_jobs.application", "stop"], check=False)
        if failure:
            make_page(ds, failure)
            console.print(f"page:   {settings.home.pages / 'index.html'}")
            sys.exit(1)
        report.merge()
        subprocess.run([sys.executable, "-m", "sample_data.truth", "--ds", ds], check=True, stdout=subprocess.DEVNULL)
        seconds = {"setup": options.setup_seconds, "total": round(time.monotonic() - started, 2)}
        used = {"peak_memory_gib": round(usage.peak_bytes / 2**30, 2), "cpu_seconds": round(usage.cpu_seconds)}
        report.write("run", {"seconds": seconds, **used})
        print_report(report.merge(), console)
        make_page(ds, undelivered)  # once more, with what is known of the whole run
    console.print(f"page:   {settings.home.pages / 'index.html'}\nreport: {_shared_report(report)}")
    console.print(f"log:    {log}\nlook:   make ui RAW={options.raw}")
    if undelivered:
        sys.exit(1)


def deliver(settings: Settings, ds: str, log: Path, console: Console) -> str:
    """Deliver the audiences where that is configured; the sentence with which it failed, which the report outlives."""
    if not configured_destinations(settings):
        return ""
    if settings.delivery_approval == "ask":
        console.print("  nothing is delivered: a person has to let the audiences go, in `make ui`")
        return ""
    return run_dags([DELIVERY], ds, log, console)


def make_page(ds: str, failure: str = "") -> None:
    """Make the page of the night; a night is no worse without one, and the command says why there is none."""
    command = [sys.executable, "-m", "monitoring.page", "--ds", ds, "--failed", failure]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


def lay_raw(raw: str, settings: Settings) -> None:
    """Make the demo's raw deliveries where the command names them and they are not there yet."""
    makers = {"town": "sample_data.town", "real": "sample_data.real"}
    if raw in makers and not landed_sources(settings.raw):
        subprocess.run([sys.executable, "-m", makers[raw]], check=True)


def require_own_lake(settings: Settings) -> None:
    """Note which deliveries a lake is made of; raise SettingsError when it is made of others."""
    note, root = settings.home.made_of, settings.home.root
    own = settings.raw.relative_to(root) if settings.raw.is_relative_to(root) else None
    made_of = root / note.read_text() if note.exists() else settings.raw
    came_along = (
        own is not None and str(made_of).endswith(f"/{own}") and _was_home(Path(str(made_of).removesuffix(f"/{own}")))
    )
    if made_of != settings.raw and not came_along:
        raise SettingsError(
            expected=f"the lake in {settings.home} to be made from {settings.raw}",
            received=f"one made from {made_of}",
            remedy="set NIGHTSHIFT_HOME to a folder of its own for these deliveries",
        )
    note.write_text(str(own or settings.raw))


def _was_home(folder: Path) -> bool:
    """Whether deliveries below a folder may have come along with a home: it is one still, or was moved away."""
    return not folder.exists() or Home(folder).made_of.exists()


def day_to_run(raw: Path, requested: str) -> str:
    """The requested day, or the newest that has landed.

    Raises:
        RawDataError: nothing has landed, or not on that day.
    """
    newest = newest_day(raw)
    if newest is None:
        raise RawDataError(
            expected=f"deliveries as {raw}/<source>/ds=YYYY-MM-DD/<files>",
            received="none" if raw.is_dir() else "no such folder",
            remedy="deliver there, or name another folder with RAW=",
        )
    ds = requested or newest
    if not any(ds in landed_days(raw, source) for source in landed_sources(raw)):
        raise RawDataError(
            expected=f"a day that has landed in {raw}",
            received=ds,
            remedy=f"name another with DS= (the newest is {newest}), or deliver that day",
        )
    return ds


def _shared_report(report: Report) -> Path:
    """Where the report stands; a lake below `var/` leaves a copy in `var/reports/` too."""
    shared = REPOSITORY / "var" / "reports" / report.file.name
    if shared != report.file and report.file.is_relative_to(REPOSITORY / "var"):
        shared.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(report.file, shared)
        return shared
    return report.file


if __name__ == "__main__":
    exit_with_sentence(main)
