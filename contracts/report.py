"""The run report: each step writes its own fragment, the last one merges them.

Fragments are `<reports>/<ds>/<step>.json`; the report is `<reports>/nightly-<ds>.json` with the keys of the design:
ds, seconds, sources, persons, profiles, models, audiences, truth; of the loop also plans, lift, realised, deliveries.
"""

from __future__ import annotations

import json
import resource
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json

PROGRESS_MARK = "nightshift | "
"""Begins every line in which a step says what it does; `make nightly` shows these lines and logs the rest."""


def say(text: str) -> None:
    """Tell whoever watches what a step does, in one line."""
    print(f"{PROGRESS_MARK}{text}", flush=True)


@dataclass(frozen=True)
class Report:
    """The report of one night."""

    folder: Path
    ds: str

    @property
    def file(self) -> Path:
        return self.folder / f"nightly-{self.ds}.json"

    def clear(self) -> None:
        """Forget the fragments of earlier runs of this night."""
        shutil.rmtree(self.folder / self.ds, ignore_errors=True)

    def write(self, step: str, fragment: dict[str, Any]) -> None:
        """Replace the fragment of one step; times stand under `seconds`, for example `{"seconds": {"map": 12.5}}`."""
        write_json(self.folder / self.ds / f"{step}.json", fragment)

    def forget(self, step: str) -> None:
        """Remove the fragment of one step, where there is one."""
        (self.folder / self.ds / f"{step}.json").unlink(missing_ok=True)

    @contextmanager
    def timed(self, step: str, *, part: str | None = None):
        """Time a step and write what it puts into the dictionary that this yields, once it has succeeded.

        Steps that run in parts (one map job per source) name their part; the merge adds up their seconds, and keeps
        the part that took most memory: the most of its process, or of one that this started. Spark runs in another.
        """
        fragment: dict[str, Any] = {}
        started = time.monotonic()
        yield fragment
        fragment["seconds"] = {step: round(time.monotonic() - started, 2)}
        fragment["memory_gib"] = {step: round(_most_resident_kib() / 2**20, 2)}
        self.write(step if part is None else f"{step}-{part}", fragment)

    def merged(self) -> dict[str, Any]:
        """What the fragments that there are say together."""
        merged: dict[str, Any] = {"ds": self.ds, "seconds": {}}
        for file in sorted((self.folder / self.ds).glob("*.json")):
            fragment = json.loads(file.read_text())
            for step, seconds in fragment.pop("seconds", {}).items():
                merged["seconds"][step] = round(merged["seconds"].get(step, 0.0) + seconds, 2)
            for step, memory in fragment.pop("memory_gib", {}).items():
                by_step = merged.setdefault("memory_gib", {})
                by_step[step] = max(by_step.get(step, 0.0), memory)
            _merge_into(merged, fragment)
        return merged

    def merge(self) -> dict[str, Any]:
        """Merge all fragments into the report, write it and return it."""
        merged = self.merged()
        write_json(self.file, merged)
        return merged


def source_entry(counts: Iterable[tuple[str | None, str, str | None, int]]) -> dict[str, Any]:
    """What was read of one source, and what became of it, as `sources` of the report has it.

    Args:
        counts: unit, outcome, rule and rows, as in the contract `reconciliation`, over one or many days; books of
            before units were counted have none, and count rows.

    Returns:
        `read`, `mapped`, `quarantined`, `quarantined_reasons`, `dropped` of rows; the same of `records` and `files`;
        `noted`, `bots`, `unmapped_fields` of all.
    """
    total: Counter[tuple[str, str, str]] = Counter()
    for unit, outcome, rule, rows in counts:
        total[unit or "row", outcome, rule or ""] += rows
    entry = {**_sums(), "noted": {}, "bots": {}, "unmapped_fields": {}, "records": _sums(), "files": _sums()}
    of_unit = {"row": entry, "record": entry["records"], "file": entry["files"]}
    for (unit, outcome, rule), rows in sorted(total.items()):
        sums = of_unit[unit]
        if outcome in ("read", "mapped", "quarantined"):
            sums[outcome] += rows
        if outcome == "quarantined":
            sums["quarantined_reasons"][rule] = rows
        if outcome == "dropped":
            sums["dropped"][rule] = rows
        if outcome == "noted":
            kind, _, name = rule.partition(":")
            named = {"unknown_field": "unmapped_fields", "bot": "bots"}.get(kind)
            noted, name = (entry[named], name) if named else (entry["noted"], rule)
            noted[name] = noted.get(name, 0) + rows
    return entry


def _most_resident_kib() -> int:
    """Of this process or the largest one that it started and that has ended, ever."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _sums() -> dict[str, Any]:
    return {"read": 0, "mapped": 0, "quarantined": 0, "quarantined_reasons": {}, "dropped": {}}


def _merge_into(target: dict[str, Any], addition: dict[str, Any]) -> None:
    for key, value in addition.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge_into(target[key], value)
        else:
            target[key] = value
