"""Trainings that a fallen champion asks for: a file for each model, written by watching, taken by the DAG.

A model is asked for once, and then rests: a training that did not help is not begun again each night.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_json


@dataclass(frozen=True)
class Retrainings:
    """The last request of each model."""

    folder: Path

    def ask(self, model: str, ds: str, *, reason: str, rest_days: int) -> bool:
        """Ask for a training of a model on a night's tables; False where the model still rests, or was asked for."""
        before = self._read(model)
        if before is not None:
            age = datetime.date.fromisoformat(ds) - datetime.date.fromisoformat(before["ds"])
            if age.days < rest_days:
                return False
        write_json(self._file(model), {"model": model, "ds": ds, "reason": reason, "taken_by": None})
        return True

    def take(self, ds: str, run: str) -> list[str]:
        """The models that a night asks for and no other run has taken, by name; they are this run's now."""
        taken = []
        for file in sorted(self.folder.glob("*.json")):
            request = json.loads(file.read_text())
            if request["ds"] == ds and request["taken_by"] in (None, run):
                write_json(file, {**request, "taken_by": run})
                taken.append(request["model"])
        return taken

    def _read(self, model: str) -> dict[str, Any] | None:
        file = self._file(model)
        return json.loads(file.read_text()) if file.is_file() else None

    def _file(self, model: str) -> Path:
        return self.folder / f"{model}.json"
