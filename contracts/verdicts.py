"""Verdicts of the gate that wait for a person, a file for each model, and the champions of the ledger of decisions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json

PROMOTED = "promoted"
"""The decision of the ledger by which the gate, or who approved, lets a challenger become champion."""

REFIT = "refit"
"""The decision of the ledger by which the weights that the gate let become champion give way to the same model, trained
on everything."""

PUT_BACK = "put back"
"""The decision of the ledger by which a person lets an earlier champion become champion again."""


@dataclass(frozen=True)
class Verdict:
    """One challenger that passed the gate and is not champion yet."""

    line: dict[str, Any]
    """The ledger's line of the gate's decision: ds, model, version, previous_champion, reasons, numbers ..."""
    page: str
    """Challenger beside champion, as Markdown, for whoever decides."""


@dataclass(frozen=True)
class Verdicts:
    """All that wait; a model has at most one, as a new decision on it replaces the last."""

    folder: Path

    def record(self, verdict: Verdict) -> None:
        """Let a verdict wait, in one atomic step."""
        write_json(self._file(verdict.line["model"]), asdict(verdict))

    def of(self, model: str) -> Verdict | None:
        """The verdict on a model that waits, if there is one."""
        file = self._file(model)
        return Verdict(**json.loads(file.read_text())) if file.exists() else None

    def waiting(self, models: Iterable[str], ds: str) -> list[dict[str, str]]:
        """Model, version and day of each verdict of that day that waits, in the order of `models`."""
        found = [verdict.line for model in models if (verdict := self.of(model)) is not None]
        return [{key: line[key] for key in ("model", "version", "ds")} for line in found if line["ds"] == ds]

    def forget(self, model: str) -> None:
        """Let no verdict on a model wait any longer."""
        self._file(model).unlink(missing_ok=True)

    def _file(self, model: str) -> Path:
        return self.folder / f"{model}.json"


def championships(ledger: Path) -> list[dict[str, Any]]:
    """The ledger's lines by which a version became champion, oldest first: promotions, refits, what people put back."""
    if not ledger.is_file():
        return []
    lines = [json.loads(line) for line in ledger.read_text().splitlines() if line.strip()]
    return [line for line in lines if line["decision"] in (PROMOTED, REFIT, PUT_BACK) and not line.get("dry_run")]


def last_champions(ledger: Path) -> dict[str, str]:
    """By model the version that became champion last, by the ledger."""
    return {line["model"]: str(line["version"]) for line in championships(ledger)}


def last_put_back(ledger: Path) -> dict[str, str]:
    """By model the version that a person put back last, by the ledger."""
    return {line["model"]: str(line["version"]) for line in championships(ledger) if line["decision"] == PUT_BACK}


@dataclass(frozen=True)
class Champion:
    """A version that is champion by the ledger, and what its metrics were or had to be when the gate promoted it."""

    model: str
    version: str
    promoted_on: str
    """The night of its promotion, YYYY-MM-DD."""
    promised: Mapping[str, tuple[float, float]]
    """Metric -> lower and upper end; empty where it was promoted before that was written down."""


def champions_now(ledger: Path) -> list[Champion]:
    """The champion of each model, also one that was put back: what it promised is what its own promotion says."""
    found: dict[str, Champion] = {}
    promises: dict[tuple[str, str], Champion] = {}
    for line in championships(ledger):
        model, version = line["model"], str(line["version"])
        if line["decision"] in (PROMOTED, REFIT):
            promises[model, version] = Champion(model, version, line["ds"], line.get("promised") or {})
        found[model] = promises.get((model, version)) or Champion(model, version, line["ds"], {})
    return list(found.values())
