"""What has landed in raw: `<raw>/<source>/ds=YYYY-MM-DD/*`."""

from __future__ import annotations

import re
from pathlib import Path

CONTACTS = "contacts"
"""The source of addresses: read by deliveries alone, and never mapped."""

_DAY_FOLDER = re.compile(r"ds=(\d{4}-\d{2}-\d{2})")


def landed_sources(raw: Path) -> list[str]:
    """The sources to be mapped that have delivered anything, by name: all but `CONTACTS`."""
    return sorted(folder.name for folder in raw.glob("*") if folder.name != CONTACTS and landed_days(raw, folder.name))


def landed_days(raw: Path, source: str) -> list[str]:
    """The days on which a source delivered, oldest first."""
    folders = (raw / source).glob("ds=*")
    return sorted(match[1] for folder in folders if (match := _DAY_FOLDER.fullmatch(folder.name)) and folder.is_dir())


def newest_day(raw: Path) -> str | None:
    """The newest day on which any source delivered; None where nothing has landed."""
    return max((landed_days(raw, source)[-1] for source in landed_sources(raw)), default=None)
