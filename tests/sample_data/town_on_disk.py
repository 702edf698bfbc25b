"""What the tests share: a small town on disk, and settings that point at a temporary home."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.settings import Settings
from sample_data.parameters import Parameters

SMALL = Parameters(people=60, days=4, seed=3)


@dataclass(frozen=True)
class Laid:
    settings: Settings
    truth: dict[str, Any]

    def files(self, source: str, pattern: str) -> list[Path]:
        found = sorted((self.settings.raw / source).glob(f"ds=*/{pattern}"))
        assert found, f"the town has no {pattern} of {source}"
        return found


def settings_in(home: Path) -> Settings:
    return Settings.from_env({"NIGHTSHIFT_HOME": str(home)})
