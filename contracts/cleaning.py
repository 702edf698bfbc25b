"""What `ops.clean` and `training.clean` exchange about one cleaning: a file that training writes.

A line of it names things that went, or would go; it says of what kind they are and why, and names no person.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from contracts.atomic_files import write_json
from contracts.errors import LakeError


@dataclass(frozen=True)
class Removed:
    """Things of one kind that went together, or would go."""

    kind: str
    """Where they stood: `lake`, `raw`, `models`, `logs` ..."""
    what: str
    """A table, a source, a model."""
    count: int
    bytes: int
    oldest: str
    """Name of the oldest, a day where it has one."""
    why: str


@dataclass(frozen=True)
class ModelsCleaned:
    """What became of the models, and what those that are left need."""

    removed: tuple[Removed, ...]
    failed: tuple[str, ...]
    """A sentence for each thing that could not be removed."""
    needed: frozenset[tuple[str, str]]
    """Table and day that a version which stays learned from: an erasure looks there who was among them."""

    def write(self, file: Path) -> None:
        content = {"removed": [asdict(one) for one in self.removed], "failed": list(self.failed)}
        write_json(file, {**content, "needed": sorted(self.needed)})

    @classmethod
    def read(cls, file: Path) -> ModelsCleaned:
        """
        Raises:
            LakeError: the file holds something else.
        """
        try:
            content = json.loads(file.read_text())
            return cls(
                tuple(Removed(**one) for one in content["removed"]),
                tuple(content["failed"]),
                frozenset((table, ds) for table, ds in content["needed"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LakeError(
                expected=f"what became of the models in {file}",
                received="a file that says something else",
                remedy="run `python -m ops.clean` again",
            ) from error


def bytes_freed(paths: Iterable[Path]) -> int:
    """Bytes that the disk gets back when all of these files and folders go; a file that has links elsewhere stays."""
    links: Counter[tuple[int, int]] = Counter()
    sizes: dict[tuple[int, int], tuple[int, int]] = {}
    for path in paths:
        for file in [path] if path.is_symlink() or path.is_file() else _files_below(path):
            try:
                found = file.lstat()
            except FileNotFoundError:  # another has removed it meanwhile
                continue
            inode = (found.st_dev, found.st_ino)
            links[inode] += 1
            sizes[inode] = (found.st_nlink, found.st_size)
    return sum(size for inode, (known, size) in sizes.items() if links[inode] >= known)


def _files_below(folder: Path) -> Iterable[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root, name) for name in names)
