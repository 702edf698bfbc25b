"""Response model beside logistic regression and boosted trees on Bank Marketing (Moro et al., 2014), split by time.

    python -m bench.response --data bank_marketing.csv.gz --seeds 1 2 3

The file is the one of the UCI repository, `bank-additional-full.csv`, parted by semicolons, gzipped or not, in the
order of time. The column `duration` is left out: it is known only after the call. The first 60 % of the rows train,
the next 20 % validate, the last 20 % test; between them lies the crisis of 2008, so the test is another world than the
training. Everybody chooses by the AUC of the validation rows, the net when to stop, the baselines their settings.
Prints one JSON line; what it is doing goes to stderr.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bench.result import write
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from training.config import CONFIGS, read_config
from training.learner import Context
from training.models.response.baselines import TreeSetting, baseline_chances
from training.models.response.fitting import fit_table
from training.models.response.measures import measures
from training.models.response.network import ResponseConfig
from training.models.response.table import LabelledTable
from training.parts import Part

LABEL, YES, KNOWN_TOO_LATE = "y", "yes", "duration"
RATE_BY = "poutcome"
TRAIN_UNTIL, VALIDATE_UNTIL = 0.6, 0.8

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
TREES = tuple(
    TreeSetting(learning_rate=rate, leaves=leaves, l2=l2, rounds=150)
    for rate in (0.03, 0.1)
    for leaves in (7, 31)
    for l2 in (0.0, 10.0)
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.response", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="bank-additional-full.csv, or its .gz")
    parser.add_argument(
        "--config",
        type=Path,
        default=CONFIGS / "bank_marketing_response.yml",
        metavar="FILE",
        help="settings of the net (default training/configs/bank_marketing_response.yml)",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one training each (default 1 2 3)")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: write(measure(chosen.data, chosen.config, chosen.seeds)))


def measure(data: Path, config_file: Path, seeds: Sequence[int]) -> Mapping[str, object]:
    """The line of the benchmark."""
    started = time.monotonic()
    table, config = read_table(data), read_config(config_file, ResponseConfig)
    test = table.yes(0, Part.TEST)
    found = []
    for seed in seeds:
        _say(f"seed {seed}")
        fitted = fit_table(table, dataclasses.replace(config, seed=seed), Context(say=_say), watched="validation_auc")
        chances = fitted.score(*fitted.encode(table.rows.iloc[table.indices(0, Part.TEST)]))[:, 0]
        validated = max(epoch["validation_auc"] for epoch in fitted.epochs)
        found.append({"validation_auc": validated, **measures(chances, test)})
    trained = time.monotonic() - started
    _say("baselines")
    baselines = baseline_chances(table, 0, rate_by=RATE_BY, strengths=STRENGTHS, trees=TREES)
    return {
        "bench": "response",
        "protocol": f"in the order of time {TRAIN_UNTIL:.0%} train, until {VALIDATE_UNTIL:.0%} validation, rest test; "
        f"without {KNOWN_TOO_LATE}; AUC of the test, ties against the model",
        "data": data.name,
        "rows": {name: len(table.indices(0, part)) for name, part in (("train", Part.TRAIN), ("test", Part.TEST))},
        "config": dataclasses.asdict(config),
        "seeds": list(seeds),
        "seconds": round(trained, 1),
        "metrics": {name: float(np.mean([one[name] for one in found])) for name in found[0]},
        "metrics_by_seed": found,
        "baselines": {name: measures(chances, test) for name, chances in baselines.items()},
    }


def read_table(file: Path) -> LabelledTable:
    """Bank Marketing as a table of one answer.

    Raises:
        ModelError: the file is not there, or has no column `y`.
    """
    try:
        rows = pd.read_csv(file, sep=";")
    except OSError as error:
        raise ModelError(
            expected=f"the file {file}", received=str(error), remedy="name bank-additional-full.csv with --data"
        ) from error
    if LABEL not in rows:
        raise ModelError(
            expected=f"a column {LABEL} in {file}, columns parted by semicolons",
            received=f"columns {', '.join(rows.columns[:5])} ...",
            remedy="name bank-additional-full.csv with --data",
        )
    labels = (rows.pop(LABEL) == YES).to_numpy("float32")[:, None]
    rows = rows.drop(columns=KNOWN_TOO_LATE, errors="ignore")
    borders = [int(share * len(rows)) for share in (TRAIN_UNTIL, VALIDATE_UNTIL)]
    parts = np.array(list(Part), "int8")[np.searchsorted(borders, np.arange(len(rows)), side="right")]
    numbers = [name for name in rows if pd.api.types.is_numeric_dtype(rows[name])]
    categories = [name for name in rows if name not in numbers]
    return LabelledTable(rows, labels, parts[:, None], numbers, categories, ("subscribed",))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
