"""Build a simulated town and lay what its people leave behind as raw feeds.

The town has people with hidden tastes, a shop that they visit, a Mastodon server and a survey. Its feeds are as
dirty as real ones, but what is dirty is known: the truth stands in a file of its own, out of the pipeline's sight,
and `python -m sample_data.truth` says how much of it the pipeline has found out.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import track

from contracts.entry_point import exit_with_sentence
from contracts.errors import RawDataError, SettingsError
from contracts.lake import Lake
from contracts.settings import Settings
from sample_data.feeds.feed import T, Track, silently
from sample_data.feeds.whole import Town, found_town
from sample_data.parameters import MOST_LINES, Parameters, truth_file


def make_town(settings: Settings, parameters: Parameters, progress: Track = silently) -> bool:
    """Lay the town under `settings.raw`; False where it is there already.

    Everything is written into a draft first. The finished draft gets another name before its days are moved to their
    places: a draft that a killed run left is thrown away, a finished one is moved on to its end.

    Raises:
        RawDataError: another town, or other feeds of the same days, are there.
        BusyError: another process is building a town in the same place.
    """
    finished = settings.raw / ".town-finished"
    with Lake(settings.home.truth).lock("town"):
        if finished.exists():
            _move_in(settings, finished)
        if truth_file(settings).exists():
            _require_same(settings, parameters)
            return False
        town = found_town(parameters, progress)
        _require_free(settings, town)
        _write_draft(settings, town, progress).rename(finished)
        _move_in(settings, finished)
    return True


def _require_same(settings: Settings, parameters: Parameters) -> None:
    present = json.loads(truth_file(settings).read_text())["parameters"]
    if Parameters(**present) != parameters:  # a town of an earlier release does not name what it did not know
        raise RawDataError(
            expected=f"no town or the same town in {settings.raw}",
            received=f"a town of {present}",
            remedy=f"set NIGHTSHIFT_HOME to a new folder, or remove {settings.home} with all that was made from it",
        )


def _require_free(settings: Settings, town: Town) -> None:
    folders = sorted({"/".join(name.split("/")[:2]) for name in town.files})
    if taken := [folder for folder in folders if (settings.raw / folder).exists()]:
        raise RawDataError(
            expected=f"no feeds of the town's days in {settings.raw}",
            received=f"{len(taken)} folders of another owner's, the first {taken[0]}",
            remedy="choose another --last-day, or set NIGHTSHIFT_HOME to a new folder",
        )


def _write_draft(settings: Settings, town: Town, progress: Track) -> Path:
    draft = settings.raw / ".town-draft"
    shutil.rmtree(draft, ignore_errors=True)
    for name, content in progress(list(town.files.items()), "writing"):
        file = draft / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    _truth_draft(settings).write_text(json.dumps(town.truth, indent=1, ensure_ascii=False) + "\n")
    return draft


def _move_in(settings: Settings, finished: Path) -> None:
    """Move the days to their places, then let the truth appear."""
    for folder in sorted(finished.glob("*/ds=*")):
        target = settings.raw / folder.relative_to(finished)
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
    if _truth_draft(settings).exists():
        _truth_draft(settings).rename(truth_file(settings))
    shutil.rmtree(finished)


def _truth_draft(settings: Settings) -> Path:
    return truth_file(settings).with_name(".town-draft.json")


def _shown(things: Iterable[T], label: str) -> Iterable[T]:
    """A `Track` with a bar on stderr."""
    return track(things, description=f"{label:<13}", console=Console(stderr=True))


def read_parameters(arguments: list[str]) -> Parameters:
    """The parameters that a command line asks for.

    Raises:
        SettingsError: a number is below 1, or the last day is no date.
    """
    parser = argparse.ArgumentParser(
        prog="python -m sample_data.town",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=(
            "The feeds go to $NIGHTSHIFT_RAW/<source>/ds=YYYY-MM-DD/, the truth to $NIGHTSHIFT_HOME/truth/town.json.\n"
            "A town that is there already is left alone. Equal arguments make equal towns, byte for byte.\n\n"
            "example, a small town in a place of its own:\n"
            "  NIGHTSHIFT_HOME=/tmp/small python -m sample_data.town --people 200 --days 10"
        ),
    )
    default = Parameters()
    parser.add_argument("--people", type=int, default=default.people, help="how many people live in it (%(default)s)")
    parser.add_argument("--days", type=int, default=default.days, help="how many days of feeds to lay (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="another number, another town (%(default)s)")
    parser.add_argument("--last-day", default=default.last_day, help="last day of the feeds, YYYY-MM-DD (%(default)s)")
    parser.add_argument(
        "--lines",
        type=int,
        default=default.lines,
        help="lines of five items in each category (%(default)s)",
    )
    parameters = Parameters(**vars(parser.parse_args(arguments)))
    if min(parameters.people, parameters.days) < 1 or parameters.seed < 0:
        raise SettingsError(
            expected="at least 1 person, 1 day and a seed of 0 or more",
            received=str(parameters.as_dict()),
            remedy="correct the command line",
        )
    if not 1 <= parameters.lines <= MOST_LINES:
        raise SettingsError(
            expected=f"--lines from 1 to {MOST_LINES}",
            received=str(parameters.lines),
            remedy="correct the command line",
        )
    try:
        datetime.date.fromisoformat(parameters.last_day)
    except ValueError:
        raise SettingsError(
            expected="--last-day as YYYY-MM-DD", received=repr(parameters.last_day), remedy="correct the command line"
        ) from None
    return parameters


def main() -> None:
    parameters = read_parameters(sys.argv[1:])
    settings = Settings.from_env()
    started = time.monotonic()
    if make_town(settings, parameters, _shown):
        sources = json.loads(truth_file(settings).read_text())["sources"]
        counts = ", ".join(f"{source} {tally['read']:,}" for source, tally in sources.items())
        print(f"laid the town in {settings.raw} in {time.monotonic() - started:.0f} s: {counts} records")
    else:
        print(f"the town is in {settings.raw} already; nothing to do")


if __name__ == "__main__":
    exit_with_sentence(main)
