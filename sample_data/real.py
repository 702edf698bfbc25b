"""Lay the bundled real data as raw feeds: film ratings from posts, a web server's log and a survey.

Nobody on this project wrote these data; sample_data/real/NOTICE.md says where they come from. There is no truth to
compare them with. Feeds that are there already are left alone.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from contracts.entry_point import exit_with_sentence
from contracts.errors import RawDataError
from contracts.settings import REPOSITORY, Settings

BUNDLE = REPOSITORY / "sample_data" / "real"

DELIVERIES = {
    "movietweetings_ratings.dat.gz": "movietweetings/ds=2018-05-31/ratings.dat.gz",
    "movietweetings_movies.dat.gz": "movietweetings_items/ds=2018-05-31/movies.dat.gz",
    "apache_access.log.gz": "apache_combined/ds=2018-05-31/access.log.gz",
    "masculinity.csv.gz": "generic_survey_csv/ds=2018-05-31/masculinity.csv.gz",
}
"""Bundled file -> its place below `settings.raw`; all were handed over on one day, after all that is in them."""


def lay_real_data(settings: Settings) -> list[Path]:
    """Copy each file to its place in one step; returns those that were not there yet.

    Raises:
        RawDataError: another file has the place.
    """
    laid = []
    for name, place in DELIVERIES.items():
        source, target = BUNDLE / name, settings.raw / place
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f".{target.name}")
            shutil.copyfile(source, draft)
            draft.rename(target)
            laid.append(target)
        elif target.read_bytes() != source.read_bytes():
            raise RawDataError(
                expected=f"the bundled {name} in {target}",
                received="another file of that name",
                remedy="move it away, or set NIGHTSHIFT_HOME to a new folder",
            )
    return laid


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m sample_data.real",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="The feeds go to $NIGHTSHIFT_RAW/<source>/ds=YYYY-MM-DD/.",
    )
    parser.parse_args()
    settings = Settings.from_env()
    laid = lay_real_data(settings)
    for file in laid:
        print(f"laid {file}")
    if not laid:
        print(f"the real data are in {settings.raw} already; nothing to do")


if __name__ == "__main__":
    exit_with_sentence(main)
