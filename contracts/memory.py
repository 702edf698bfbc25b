"""How much memory a night may take, and how it divides that among what runs at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from contracts.errors import SettingsError

GIB = 1 << 30
LEAST = 2 * GIB
"""With less, Spark and TensorFlow do not start."""

SHARE = 0.5
"""Of what the machine or the container has, for a night that is told nothing: others live there too."""

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says how much a container may take: today's control groups, and those of before."""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": GIB, "t": 1 << 40}


def memory_of(text: str | None) -> int:
    """Bytes that a night may take: as `8g` says, or a share of what there is; at least `LEAST`.

    Raises:
        SettingsError: it is no size, or too small for anything.
    """
    if not text:
        return max(LEAST, int(SHARE * there_is()))
    found = re.fullmatch(r"(\d+)\s*([kmgt]?)i?b?", text.strip().lower())
    size = int(found[1]) * _UNITS[found[2]] if found else 0
    if size < LEAST:
        raise SettingsError(
            expected=f"at least {LEAST // GIB}g in NIGHTSHIFT_MEMORY, as 8g or 6144m",
            received=repr(text),
            remedy="correct it or unset it: by default a night takes half of what the machine or the container has",
        )
    return size


def there_is(limits: Iterable[Path] = _LIMITS) -> int:
    """Bytes of the machine, or of the container where that has less."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in limits:
        try:
            found = min(found, int(file.read_text()))
        except (OSError, ValueError):  # there is none, or it says `max`
            continue
    return found


def spark_share(memory: int) -> str:
    """Memory of Spark's driver, as Spark writes it: a third, from 1 to 16 GiB."""
    return f"{min(16 * GIB, max(GIB, memory // 3)) >> 20}m"


def duckdb_share(memory: int) -> str:
    """Memory limit of DuckDB, as it writes it: a third; it spills what does not fit."""
    return f"{memory // 3 >> 20}MiB"
