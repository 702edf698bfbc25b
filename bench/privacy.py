"""The privacy-utility curve on the simulated town and on Bank Marketing: epsilon inf, 8, 3 and 1.

    python -m bench.privacy --home var --ds 2026-11-19 --data bank_marketing.csv.gz --seeds 1 2 3

The town is a home after `make nightly`; its marts of that day are read. Bank Marketing (Moro et al., 2014) is split in
the order of time as in `bench.response`, but a tenth of the training rows, at random, is set aside as strangers for the
membership attack. There a person is a row; the categories and the ranges of numbers are those that its description
states, and no private training takes them from the rows. Without privacy the models' own configurations are used.
Prints a JSON line for each curve.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.response import read_table
from bench.result import write
from contracts.entry_point import exit_with_sentence
from contracts.settings import Settings
from training.config import CONFIGS, load_learner, read_config
from training.learner import Measured
from training.metrics.auc import placements
from training.models.response.attack import attack_answers
from training.models.response.features import category_column
from training.models.response.fitting import fit_table
from training.models.response.network import ResponseConfig
from training.models.response.private_statistics import private_statistics, table_spending
from training.models.response.table import STRANGERS, LabelledTable
from training.parts import Part
from training.privacy.accounting import Privacy
from training.privacy.curve import measure_curve
from training.privacy.membership import AttackSignals

MODELS = ("response", "taste_autoencoder")

BANK_INTERVALS = {
    "age": (17, 98),
    "emp.var.rate": (-3.4, 1.4),
    "cons.price.idx": (92.2, 94.8),
    "cons.conf.idx": (-51, -26),
    "euribor3m": (0.6, 5.1),
    "nr.employed": (4963, 5229),
}
"""Ages of adults, and indicators of the Portuguese economy: public knowledge, independent of the rows."""

BANK_PRIVATE = {
    "cross_layers": 1,
    "interaction_penalty": 0.1,
    "deep_layers": 0,
    "hidden_share": 0.0,
    "learning_rate": 0.02,
    "batch_size": 1024,
    "epochs": 15,
    "privacy": Privacy(3.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.privacy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, help="home of a town after a night")
    parser.add_argument("--ds", default="2026-11-19", help="its day (default 2026-11-19)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="bank-additional-full.csv, or its .gz")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="trainings an epsilon (default 1 2 3)")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: _run(chosen.home, chosen.ds, chosen.data, chosen.seeds))


def _run(home: Path | None, ds: str, bank: Path | None, seeds: Sequence[int]) -> None:
    if home is not None:
        for model in MODELS:
            write(measure_town(home, ds, model, seeds))
    if bank is not None:
        write(measure_bank(bank, seeds))


def measure_town(home: Path, ds: str, model: str, seeds: Sequence[int]) -> Mapping[str, Any]:
    """The line of one model on the town."""
    learner, started = load_learner(model), time.monotonic()
    data = learner.load(Settings.from_env({"NIGHTSHIFT_HOME": str(home)}), ds)
    plain, private = (read_config(CONFIGS / f"{model}{end}.yml", learner.config) for end in ("", "_private"))
    curve = measure_curve(learner, data, plain, private, seeds)
    baselines = {name: one.value for name, one in learner.baselines(data).items()}
    return _line(f"town, {model}", {**data.describe()}, curve, baselines, started)


def measure_bank(file: Path, seeds: Sequence[int]) -> Mapping[str, Any]:
    """The line of response on Bank Marketing."""
    started, table = time.monotonic(), bank_table(file)
    plain = read_config(CONFIGS / "bank_marketing_response.yml", ResponseConfig)
    curve = measure_curve(_Bank(), table, plain, dataclasses.replace(plain, **BANK_PRIVATE), seeds)
    return _line("bank_marketing, response", {"rows": len(table.rows)}, curve, {}, started)


def bank_table(file: Path) -> LabelledTable:
    """Bank Marketing with strangers, and with the public knowledge about its columns."""
    table = read_table(file)
    training = table.indices(0, Part.TRAIN)
    strangers = np.random.default_rng(0).permutation(training)[: len(training) // 10]
    parts = table.parts.copy()
    parts[strangers, 0] = STRANGERS
    public = {name: np.unique(category_column(table.rows, name)).tolist() for name in table.categories}
    return dataclasses.replace(table, parts=parts, public=public, intervals=BANK_INTERVALS)


class _Bank:
    """Bank Marketing in the form of a learner, as far as a curve needs one."""

    name = "response"

    def fit(self, data: LabelledTable, config: ResponseConfig, context: Any) -> Any:
        private = private_statistics(data, config) if config.privacy.on else None
        return fit_table(data, config, context, watched="validation_auc", private=private)

    def spending(self, data: LabelledTable, config: ResponseConfig) -> Any:
        return table_spending(data, config) if math.isfinite(config.privacy.epsilon) else None

    def measure(self, model: Any, data: LabelledTable) -> Measured:
        chances = model.score(*model.encode(data.rows.iloc[data.indices(0, Part.TEST)]))[:, 0]
        values = placements(chances, data.yes(0, Part.TEST))
        return Measured("auc", values, {"auc": float(values.mean())})

    def membership_scores(self, model: Any, data: LabelledTable) -> AttackSignals:
        return attack_answers(model, data, strangers=STRANGERS)


def _line(data: str, sizes: Mapping[str, int], curve: Mapping[str, Any], baselines: Mapping, started: float) -> dict:
    return {
        "bench": "privacy",
        "protocol": "privacy-utility curve, delta 1e-5, the unit is a person; means of the seeds",
        "data": data,
        "sizes": dict(sizes),
        **curve,
        "baselines": dict(baselines),
        "seconds": round(time.monotonic() - started, 1),
    }


if __name__ == "__main__":
    main()
