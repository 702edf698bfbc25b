"""How much memory a night may take, and how it divides that among what runs at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from contracts.errors import MemoryLimitError, SettingsError

GIB = 1 << 30
LEAST = 2 * GIB
"""With less, Spark and TensorFlow do not start."""

SHARE = 0.5
"""Of what the machine or the container has, for a night that is told nothing: others live there too."""

LEAST_OF_SPARK = 512 << 20
"""With less, Spark's driver refuses to start."""

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": GIB, "t": 1 << 40}


def memory_of(text: str | None) -> int:
    """Bytes that a night may take: as `8g` says, or a share of what there is; at least `LEAST`.

    Raises:
        SettingsError: it is no size, or too small for anything.
    """
    if not text:
        return max(LEAST, int(SHARE * there_is()))
    size = _size(text)
    if size < LEAST:
        raise SettingsError(
            expected=f"at least {LEAST // GIB}g in NIGHTSHIFT_MEMORY, as 8g or 6144m",
            received=repr(text),
            remedy="correct it or unset it: by default a night takes half of what the machine or the container has",
        )
    return size


def spark_memory_of(text: str | None, memory: int) -> str:
    """Memory of Spark's driver as Spark writes it: what `text` says, or its share of the night's.

    Raises:
        SettingsError: it is no size that Spark knows, or too small for Spark.
    """
    if not text:
        return spark_share(memory)
    if not re.fullmatch(r"\d+[kmgt]b?", text.lower()) or _size(text) < LEAST_OF_SPARK:
        raise SettingsError(
            expected=f"at least {LEAST_OF_SPARK >> 20}m in NIGHTSHIFT_SPARK_DRIVER_MEMORY, as 2g or 1536m",
            received=repr(text),
            remedy="correct it or unset it: by default Spark takes a third of NIGHTSHIFT_MEMORY",
        )
    return text


def require_least(found: int | None = None) -> None:
    """Refuse to start on a machine or in a container that has too little for any night.

    Args:
        found: bytes that it has; by default they are looked up.

    Raises:
        MemoryLimitError: it is so.
    """
    found = there_is() if found is None else found
    if found < LEAST:
        raise MemoryLimitError(
            received=f"a machine or container of {found >> 20}m, where the least is {LEAST // GIB}g",
            remedy="give it more (of a container: raise its memory limit)",
        )


def there_is(limits: Iterable[Path] | None = None) -> int:
    """Bytes of the machine, or of the container where that has less.

    Args:
        limits: files that say how much a container may take; by default those of the control groups of this process.
    """
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in limits_of_groups() if limits is None else limits:
        try:
            found = min(found, int(file.read_text()))
        except (OSError, ValueError):  # there is none, or it says `max`
            continue
    return found


def limits_of_groups(own: Path = _OWN_GROUPS, root: Path = _CONTROL_GROUPS) -> Iterator[Path]:
    """Files with the limits of the control groups of this process and of those around them; some may not be there.

    Args:
        own: names the groups, a line each: `0::/path` (version 2), or `4:memory:/path` (version 1).
    """
    try:
        lines = own.read_text().splitlines()
    except OSError:  # not Linux
        lines = []
    for number, controllers, path in (line.split(":", 2) for line in ["0::/", "1:memory:/", *lines]):
        base, name = (root, "memory.max") if number == "0" else (root / "memory", "memory.limit_in_bytes")
        if number == "0" or "memory" in controllers.split(","):
            group = Path(path.lstrip("/"))
            yield from (base / part / name for part in (group, *group.parents))


def _size(text: str) -> int:
    """Bytes, as `8g`, `6144m` or `2 GiB` say; 0 where it is no size."""
    found = re.fullmatch(r"(\d+)\s*([kmgt]?)i?b?", text.strip().lower())
    return int(found[1]) * _UNITS[found[2]] if found else 0


def spark_share(memory: int) -> str:
    """Memory of Spark's driver, as Spark writes it: a third, from 1 to 16 GiB."""
    return f"{min(16 * GIB, max(GIB, memory // 3)) >> 20}m"


def duckdb_share(memory: int) -> str:
    """Memory limit of DuckDB, as it writes it: a third; it spills what does not fit."""
    return f"{memory // 3 >> 20}MiB"
