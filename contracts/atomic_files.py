"""Files that are replaced whole: a reader sees the old content or the new one, never a part of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_whole(file: Path, content: str | bytes | memoryview) -> None:
    """Replace a file in one atomic step; its folder is made where it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(draft, file)


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Replace a file by an object as indented JSON, in one atomic step."""
    write_whole(file, json.dumps(content, indent=2, sort_keys=False, ensure_ascii=False) + "\n")
