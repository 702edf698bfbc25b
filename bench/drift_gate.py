"""Does the gate let a stale champion go when taste moves, and does it refuse a challenger that has seen its test?

A made-up town acts on items along a chain: after item 7 people act on item 8. On the day of the drift everybody's taste
moves: after item 7 comes item 18. Every night from the one before the drift on is trained, judged and refitted by the
commands of a night, in a home of its own, with the days of `training/configs/gate.yml`. After each night what is served
is measured on the acts of the next day, beside the champion of the night before the drift, which nobody replaced.

On the last night a challenger is trained that learned from all days, as a mistake in a training could let it, and is
put before the gate. The line says what it would have had without the rule: its figure on the days that it had seen.

    python -m bench.drift_gate --seed 7
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.settings import Settings
from training.arguments import choose_backend
from training.parts import DAY, TimeSplit

MODEL = "next_item"
ITEMS, FIRST_DAY = 60, np.datetime64("2026-11-01")
DRIFT_DAY = np.datetime64("2026-11-16")
"""The first day of the new taste."""
STEP_BEFORE, STEP_AFTER = 1, 11
ACTIVE_SHARE, WHIM_SHARE = 0.5, 0.3
"""Of the people who act on a day, each of them on two new items; of the acts that follow no taste at all."""

CONFIG = """
dimensions: 16
batch_size: 32
learning_rate: 0.01
negatives: 60
dropout: 0.0
epochs: 12
patience: 3
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.drift_gate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=7, help="of the town (default 7)")
    parser.add_argument("--people", type=int, default=400, help="(default 400)")
    parser.add_argument("--nights", type=int, default=2, help="nights from the first day of the new taste (default 2)")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(chosen.seed, chosen.people, chosen.nights))


def bench(seed: int, people: int, nights: int) -> dict[str, Any]:
    """Live through the nights, write and return the line."""
    from bench import result

    choose_backend()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="nightshift-drift-gate-") as folder:
        line = {"bench": "drift_gate", "seed": seed, "people": people, **live(Path(folder), seed, people, nights)}
    line["seconds"] = round(time.perf_counter() - started, 1)
    result.write(line)
    return line


def live(home: Path, seed: int, people: int, nights: int) -> dict[str, Any]:
    """The night before the drift and some nights from it on, then the leaky challenger.

    Args:
        home: a folder that is empty.

    Returns:
        A row a night, the first night on which the champion was replaced and on which what is served is surely better
        than the stale champion, and what became of the leaky challenger.
    """
    with _home(home):
        acts = walk(np.random.default_rng(seed), people, days=int((DRIFT_DAY - FIRST_DAY) / DAY) + nights + 1)
        rows, stale = [], None
        for night in range(nights + 1):
            ds = DRIFT_DAY - DAY + night * DAY
            rows.append(_night(home, acts, str(ds)))
            stale = stale or rows[0]["champion"]
            rows[-1] |= _next_day(home, acts, ds, stale)
        leaky = _leaky(home, str(ds))
    replaced = [night for night, row in enumerate(rows) if row["champion"] != stale]
    better = [night for night, row in enumerate(rows) if row["over_stale_low"] > 0]
    return {
        "nights": rows,
        "replaced_on_night": replaced[0] if replaced else None,
        "surely_better_from_night": better[0] if better else None,
        "leaky": leaky,
    }


def walk(random: np.random.Generator, people: int, *, days: int) -> list[tuple[int, np.datetime64, int]]:
    """Person, moment and item of every act, in order of time within a person; nobody acts on an item twice."""
    acts = []
    for person in range(people):
        item, seen = int(random.integers(ITEMS)), set()
        for day in FIRST_DAY + np.arange(days):
            if random.random() > ACTIVE_SHARE:
                continue
            for minute in np.sort(random.choice(1440, 2, replace=False)):
                if len(seen) == ITEMS:
                    break
                step = STEP_AFTER if day >= DRIFT_DAY else STEP_BEFORE
                item = int(random.integers(ITEMS)) if random.random() < WHIM_SHARE else (item + step) % ITEMS
                while item in seen:
                    item = (item + 1) % ITEMS
                seen.add(item)
                acts.append((person, day.astype("datetime64[m]") + np.timedelta64(int(minute), "m"), item))
    return acts


@contextmanager
def _home(folder: Path) -> Iterator[None]:
    (folder / "config.yml").write_text(CONFIG)
    with mock.patch.dict("os.environ", {"NIGHTSHIFT_HOME": str(folder)}):
        yield


def _night(home: Path, acts: list[tuple[int, np.datetime64, int]], ds: str) -> dict[str, Any]:
    """The marts of a day, a training, the gate and the refit; what was decided."""
    from training.promote import promote
    from training.registry.client import CHAMPION, LEARNED_UNTIL, WEIGHTS, Registry
    from training.train import train

    _publish(home, ds, [act for act in acts if act[1].astype("datetime64[D]") <= np.datetime64(ds)])
    version = train(MODEL, ds, home / "config.yml")
    decision = promote(MODEL, ds)
    champion = Registry.of(Settings.from_env()).aliased(MODEL, CHAMPION)
    return {
        "ds": ds,
        "version": version,
        "decision": decision,
        "champion": champion.number,
        "champion_weights": champion.tags[WEIGHTS],
        "champion_learned_until": champion.tags[LEARNED_UNTIL],
    }


def _publish(home: Path, ds: str, acts: list[tuple[int, np.datetime64, int]]) -> None:
    of_people: dict[int, list[tuple[int, np.datetime64, int]]] = {}
    for act in acts:
        of_people.setdefault(act[0], []).append(act)
    ids = {person: f"p{person:016x}" for person in of_people}
    sequences = [
        {
            "person_id": ids[person],
            "item_ids": [f"i{item:02d}" for _, _, item in own],
            "occurred_at": [moment.astype(datetime.datetime) for _, moment, _ in own],
        }
        for person, own in of_people.items()
    ]
    consents = [{"person_id": one, "consent_training": True} for one in ids.values()]
    items = [{"item_id": f"i{item:02d}", "category": "all"} for item in range(ITEMS)]
    tables = {"training_sequences": sequences, "dim_person_consent": consents, "dim_item": items}
    lake = Lake(home / "lake")
    for table, rows in tables.items():
        file = lake.staging(table) / "part-0.parquet"
        pq.write_table(pa.Table.from_pylist(rows), file)
        lake.publish(table, ds, {file.name: file})


def _next_day(
    home: Path, acts: list[tuple[int, np.datetime64, int]], ds: np.datetime64, stale: str
) -> dict[str, float]:
    """NDCG@10 on the acts of the day after, of what is served and of the stale champion, and their difference."""
    from training.gate.decision import bootstrap_interval, gate_of
    from training.models.next_item.learner import LEARNER
    from training.registry.client import CHAMPION, Registry
    from training.sequences.loading import load_sequences

    with tempfile.TemporaryDirectory(dir=home) as folder:
        after = Path(folder)
        _publish(after, str(ds + DAY), [act for act in acts if act[1].astype("datetime64[D]") <= ds + DAY])
        data = load_sequences(Lake(after / "lake").partition("training_sequences", str(ds + DAY)))
        data = dataclasses.replace(data, split=TimeSplit(ds, ds + DAY, ds + DAY))
        registry = Registry.of(Settings.from_env())
        served, before = (
            LEARNER.measure(registry.load(version).unwrap_python_model(), data)
            for version in (registry.aliased(MODEL, CHAMPION), registry.version(MODEL, stale))
        )
    low, high = bootstrap_interval(served.values - before.values, gate_of(MODEL))
    figures = {"served": served.value, "stale": before.value, "over_stale_low": low, "over_stale_high": high}
    return {name: round(value, 4) for name, value in figures.items()}


def _leaky(home: Path, ds: str) -> dict[str, Any]:
    """A challenger that learned from the days of its test: what the gate says, and what it would have had."""
    from training.models.next_item.learner import NextItemLearner
    from training.promote import promote
    from training.registry.client import CHALLENGER, LEARNED_UNTIL, Registry
    from training.train import train

    class Leaky(NextItemLearner):
        """Its training part has no end, as after a mistake."""

        def load(self, settings: Settings, ds: str) -> Any:
            return dataclasses.replace(super().load(settings, ds), everything=True)

    with mock.patch("training.train.load_learner", lambda _: Leaky()):
        train(MODEL, ds, home / "config.yml")
    registry = Registry.of(Settings.from_env())
    challenger = registry.aliased(MODEL, CHALLENGER)
    decision = promote(MODEL, ds)
    line = json.loads((home / "ledger.jsonl").read_text().splitlines()[-1])
    return {
        "decision": decision,
        "reasons": line["reasons"],
        "learned_until": challenger.tags[LEARNED_UNTIL],
        "its_own_figure": round(registry.client.get_run(challenger.run_id).data.metrics["test_ndcg_at_10"], 4),
    }


if __name__ == "__main__":
    main()
