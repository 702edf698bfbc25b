"""LightGBM on a table of one binary answer, inside its own environment: chosen by the validation part, then the test.

`bench.response` starts this file with the interpreter of that environment, so it imports nothing of Nightshift. Every
setting is trained with early stopping by the AUC of the validation rows; the best one answers the test rows.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import lightgbm
import numpy as np

MOST_ROUNDS, PATIENCE = 2000, 100
CHOICES = {
    "learning_rate": (0.03,),
    "num_leaves": (7, 31),
    "lambda_l2": (0.0, 10.0),
    "min_data_in_leaf": (20, 100),
}
FIXED = {"objective": "binary", "metric": "auc", "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=Path, required=True, help="npz: inputs, categorical, labels, train, validation, test"
    )
    parser.add_argument("--out", type=Path, required=True, help="npz to write: the chances of the test rows")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    with np.load(arguments.rows) as rows:
        inputs, labels, categorical = rows["inputs"], rows["labels"], rows["categorical"].tolist()
        train, validation, test = (rows[name] for name in ("train", "validation", "test"))
    best, chances, setting = -1.0, np.zeros(len(test)), {}
    for values in itertools.product(*CHOICES.values()):
        tried = dict(zip(CHOICES, values, strict=True))
        # Both sets are made again for each setting: LightGBM fixes some settings in a set at its first use.
        learned = lightgbm.Dataset(inputs[train], labels[train], categorical_feature=categorical)
        trees = lightgbm.train(
            {**FIXED, **tried, "seed": arguments.seed, "num_threads": 1, "deterministic": True, "verbosity": -1},
            learned,
            num_boost_round=MOST_ROUNDS,
            valid_sets=[learned.create_valid(inputs[validation], labels[validation])],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )
        value = trees.best_score["valid_0"]["auc"]
        if value > best:
            best, chances, setting = value, trees.predict(inputs[test]), {**tried, "rounds": trees.best_iteration}
    np.savez(arguments.out, chances=chances, validation_auc=best, **setting)


if __name__ == "__main__":
    main()
