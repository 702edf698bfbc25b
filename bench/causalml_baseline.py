"""Uplift methods of the `causalml` package on a table, inside its own environment: fit, rank.

`bench.uplift` starts this file with the interpreter of that environment, so it imports nothing of Nightshift. Options
of the package but seeds and sizes of trees keep their defaults.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from causalml.inference.meta import BaseTClassifier, BaseXClassifier
from lightgbm import LGBMClassifier, LGBMRegressor

TREES = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True, help="npz with train, treated, outcomes, share, test")
    parser.add_argument("--out", type=Path, required=True, help="npz to write: the scores of each method")
    arguments = parser.parse_args()

    with np.load(arguments.rows) as rows:
        train, treated, outcomes = rows["train"], rows["treated"].astype(int), rows["outcomes"].astype(int)
        share, test = float(rows["share"]), rows["test"]
    sizes = {"n_estimators": TREES, "num_leaves": 8, "min_child_samples": 100, "learning_rate": 0.05, "verbose": -1}
    crossed = BaseXClassifier(
        outcome_learner=LGBMClassifier(**sizes, random_state=1),
        effect_learner=LGBMRegressor(**sizes, random_state=1),
        control_name=0,
    )
    crossed.fit(X=train, treatment=treated, y=outcomes, p=np.full(len(train), share))
    two = BaseTClassifier(learner=LGBMClassifier(**sizes, random_state=1), control_name=0)
    two.fit(X=train, treatment=treated, y=outcomes)
    np.savez(
        arguments.out,
        causalml_x_learner=crossed.predict(X=test, p=np.full(len(test), share)).ravel(),
        causalml_t_learner=two.predict(X=test).ravel(),
    )


if __name__ == "__main__":
    main()
