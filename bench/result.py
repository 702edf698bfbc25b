"""How a benchmark says what it found: one JSON line, printed and kept in `bench/results/`."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from typing import Any

from contracts.settings import REPOSITORY

RESULTS = REPOSITORY / "bench" / "results"


def write(line: Mapping[str, Any], *, keep: bool = True) -> None:
    """Print a result and append it to `bench/results/<bench>.jsonl`; `bench` is a key of the line.

    Args:
        keep: False for what was measured to choose by, on rows that are no test.
    """
    text = json.dumps({**line, "python": platform.python_version()}, ensure_ascii=False)
    print(text, flush=True)
    if not keep:
        return
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / f"{line['bench']}.jsonl").open("a") as stream:
        stream.write(text + "\n")
