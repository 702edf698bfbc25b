"""The night after the first, on a lake of many days: resolve, profile, score, plan, export, each a command.

The first night reads all of the history, and the next one goes on from it. The champions that score are trained on the
first night for a few minutes and promoted without a gate: how long a ranking takes does not depend on how good it is.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import result
from bench.lake_of_days import LakeOfDays
from bench.steps import COMMANDS, command_of, measured, rows_of, run_step
from contracts.atomic_files import write_whole
from contracts.settings import REPOSITORY, Settings

NIGHTLY = tuple(COMMANDS)

_BOTH_NIGHTS = ("resolve", "profile", "score")

_MODELS = ("next_item", "taste_autoencoder", "response")

_CAMPAIGNS = {
    "front_page": "purpose: personalisation\nitems: {count: 5}\n",
    "letter": "purpose: marketing_contact\nitems: {count: 3}\n",
    "category_letter": "purpose: marketing_contact\nwho:\n  likes: {category: category-3, min_weight: 0.1}\n"
    "items: {count: 3, category: category-3}\n",
}
"""Everybody who agreed gets five items with their reasons, as in the town."""


def bench_next_night(lake_of_days: LakeOfDays, home: Path, steps: Sequence[str], minutes: float) -> None:
    """Make the lake, then run both nights; a line of the results for each step.

    Args:
        home: a folder of its own, which is removed in the end.
        steps: some of `NIGHTLY`.
        minutes: what the training of a champion may take.

    Raises:
        LakeError: a step failed.
    """
    resolves = "resolve" in steps
    size = {
        "people": lake_of_days.people,
        "items": lake_of_days.items,
        "events_a_day": lake_of_days.events_a_day,
        "history_days": lake_of_days.history_days,
    }
    settings = {"NIGHTSHIFT_CAMPAIGNS": str(home / "campaigns")}
    for name, words in _CAMPAIGNS.items():
        write_whole(home / "campaigns" / f"{name}.yml", f"name: {name}\n{words}")
    lake_of_days.deliver_history(persons=not resolves)
    for night, ds in (("first", lake_of_days.days[-2]), ("next", lake_of_days.last)):
        if night == "next":
            lake_of_days.deliver_last_day(persons=not resolves)
        for step in [step for step in NIGHTLY if step in steps and (night == "next" or step in _BOTH_NIGHTS)]:
            if step == "score" and night == "first":
                _train_champions(home, ds, minutes)
            found = measured(command_of(step, ds), home, settings)
            rows = rows_of(lake_of_days.lake, ds)
            result.write({"bench": "night", "step": step, "night": night, **size, **found, "rows": rows})
    shutil.rmtree(home)


def _train_champions(home: Path, ds: str, minutes: float) -> None:
    for model in _MODELS:
        config = home / f"{model}.yml"
        known = (REPOSITORY / "training" / "configs" / f"{model}.yml").read_text()
        config.write_text(f"{known}minutes: {minutes}\n")
        command = ["python", "-m", "training.train", "--model", model, "--ds", ds, "--config", str(config)]
        run_step(command, home, {})
        promotion = [sys.executable, "-c", f"from bench.next_night import promote; promote({model!r})"]
        run_step(promotion, home, {})


def promote(model: str) -> None:
    """Let the challenger of a model become champion; in a process of its own, as the registry takes memory."""
    from training.registry.client import CHALLENGER, Registry

    registry = Registry.of(Settings.from_env())
    version = registry.aliased(model, CHALLENGER)
    if version is None:
        print(f"bench.night: no champion of {model}", file=sys.stderr)
    else:
        registry.promote(version)
