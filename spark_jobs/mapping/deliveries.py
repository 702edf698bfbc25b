"""What has landed in raw: days, files, and which files can be read at all.

Spark fails a whole job over one truncated gzip file, or silently keeps a part of it, so every file is looked at here
before Spark reads it: an empty file stops the job, a broken one is set aside whole and counted.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from contracts.errors import RawDataError
from contracts.lake import Lake
from contracts.raw import landed_days
from spark_jobs.mapping.readers.packed import Unreadable, size_of, spark_reads
from spark_jobs.mapping.readers.parquet_tables import require_readable
from spark_jobs.mapping.spec import Spec


@dataclass(frozen=True)
class Delivery:
    """The files of one source and day: those to read, and those set aside or left out with their reason."""

    ds: str
    files: tuple[Path, ...]
    set_aside: tuple[tuple[str, str], ...]
    """(name, reason) pairs of what cannot be read or is not expected; each is a quarantined file."""
    left_out: tuple[tuple[str, str], ...] = ()
    """(name, rule) pairs of what is rightly not read; each is a dropped file."""
    to_unpack: frozenset[Path] = frozenset()
    """Those of the files in which Spark would not find the lines that their own tool finds."""
    unpacked_bytes: int = 0
    """Of all files."""

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
    entries = sorted(folder.iterdir())
    left_out = [entry for entry in entries if entry.name.startswith((".", "_"))]
    folders = [entry for entry in entries if entry.is_dir() and entry not in left_out]
    names = [entry for entry in entries if entry not in left_out and entry not in folders]
    matching = [file for file in names if file.is_file() and file.match(spec.read.files)]
    if not matching:
        others = [f"{file.name}, a link to nothing" if not file.exists() else file.name for file in names]
        others += [f"{folder.name}, a folder" for folder in folders]
        raise RawDataError(
            expected=f"a file {spec.read.files} in {folder}",
            received=f"only {'; '.join(others[:5])}" if others else "an empty folder",
            remedy="deliver it again; if the source had nothing that day, remove the folder",
        )
    with ThreadPoolExecutor() as pool:
        seen = dict(zip(matching, pool.map(lambda file: _looked_at(file, spec), matching), strict=True))
    set_aside = [(file.name, problem) for file, problem in seen.items() if isinstance(problem, str)]
    set_aside += [(file.name, "unexpected_file") for file in names if file not in matching]
    set_aside += [
        (entry.name, "unexpected_folder")
        for entry in folders
        if not any(fnmatchcase(entry.name, pattern) for pattern in spec.read.folders)
    ]
    readable = {file: found for file, found in seen.items() if not isinstance(found, str)}
    return Delivery(
        ds,
        tuple(readable),
        tuple(sorted(set_aside)),
        tuple((entry.name, "hidden_file") for entry in left_out),
        frozenset(file for file, (_, by_spark) in readable.items() if not by_spark),
        sum(size for size, _ in readable.values()),
    )


def _looked_at(file: Path, spec: Spec) -> tuple[int, bool] | str:
    """Bytes of a file once it is unpacked, and whether Spark reads it as it is; why nothing can, where nothing can.

    Raises:
        RawDataError: the file holds nothing.
    """
    try:
        size = size_of(file)
        if size and spec.read.format == "parquet":
            require_readable(file)
    except Unreadable as problem:
        return str(problem)
    if size == 0:
        raise RawDataError(
            expected=f"at least one row in {file}",
            received="an empty file",
            remedy="deliver it again, or remove it if the source had nothing that day; nothing was published",
        )
    return size, spark_reads(file, size, spec.read.encoding)
