"""What has landed in raw: days, files, and which files can be read at all.

Spark fails a whole job over one truncated gzip file, or silently keeps a part of it, so every file is looked at here
before Spark reads it: an empty file stops the job, a broken one is set aside whole and counted as one row.
"""

from __future__ import annotations

import gzip
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import RawDataError
from contracts.lake import Lake
from contracts.raw import landed_days
from spark_jobs.mapping.spec import Spec

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Delivery:
    """The files of one source and day: those to read, and those set aside with their reason."""

    ds: str
    files: tuple[Path, ...]
    set_aside: tuple[tuple[str, str], ...]
    """(file name, reason) pairs."""

    @property
    def bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files)


def deliveries_to_map(raw: Path, lake: Lake, spec: Spec, ds: str) -> list[Delivery]:
    """The delivery of `ds`, and every earlier one that is not in the lake yet.

    Raises:
        RawDataError: nothing has landed on `ds` although the source delivers daily, or a file is empty.
    """
    landed = landed_days(raw, spec.source)
    if ds not in landed and (spec.read.delivery == "daily" or not landed):
        raise RawDataError(
            expected=f"a delivery of {spec.source} for {ds} in {raw / spec.source / f'ds={ds}'}",
            received=f"only the days {landed[0]} to {landed[-1]}" if landed else "no day at all",
            remedy="deliver that day, or name one that has landed",
        )
    mapped = {day for day in lake.days("reconciliation") if lake.files("reconciliation", day, owner=spec.source)}
    return [look_at(raw, spec, day) for day in landed if day == ds or (day < ds and day not in mapped)]


def look_at(raw: Path, spec: Spec, ds: str) -> Delivery:
    """The delivery of a source and a day that has landed.

    Raises:
        RawDataError: no file in it fits the mapping, or a file is empty.
    """
    folder = raw / spec.source / f"ds={ds}"
    names = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith((".", "_")))
    matching = [file for file in names if file.match(spec.read.files)]
    if not matching:
        raise RawDataError(
            expected=f"a file {spec.read.files} in {folder}",
            received=f"only {', '.join(file.name for file in names[:5])}" if names else "an empty folder",
            remedy="deliver it again; if the source had nothing that day, remove the folder",
        )
    with ThreadPoolExecutor() as pool:
        problems = dict(zip(matching, pool.map(_problem, matching), strict=True))
    set_aside = [(file.name, problem) for file, problem in problems.items() if problem]
    set_aside += [(file.name, "unexpected_file") for file in names if file not in matching]
    return Delivery(ds, tuple(file for file, problem in problems.items() if not problem), tuple(sorted(set_aside)))


def _problem(file: Path) -> str | None:
    """Why a file cannot be read, or None.

    Raises:
        RawDataError: the file holds nothing.
    """
    try:
        with gzip.open(file) if file.suffix == ".gz" and file.stat().st_size else file.open("rb") as stream:
            size = len(stream.read(_CHUNK_BYTES))
            while size and file.suffix == ".gz" and stream.read(_CHUNK_BYTES):
                pass
    except EOFError:
        return "truncated_gzip"
    except (gzip.BadGzipFile, zlib.error):
        return "broken_gzip"
    if size == 0:
        raise RawDataError(
            expected=f"at least one row in {file}",
            received="an empty file",
            remedy="deliver it again, or remove it if the source had nothing that day; nothing was published",
        )
    return None
