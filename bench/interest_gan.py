r"""Synthetic census rows in place of real ones: `interest_gan` beside the `ctgan` package and the real rows.

A generator learns from the training file and makes as many rows; one classifier (scikit-learn's gradient-boosted
trees, always the same) learns from them whether a person earns more than 50,000, and is tested on the test file. F1
is of those who do, at a chance of one half. Real rows are the upper line, columns drawn on their own the lower one.
`ctgan` runs in an environment of its own with as many rows and the seeds of this run; what it made is kept below
--work, so that a second run with the same data, seed and epochs only reads it, together with the seconds it took then.
Without the environment, its line is left out; this makes it:

    python -m venv var/bench/ctgan/venv && var/bench/ctgan/venv/bin/pip install ctgan==0.12.1
    python -m bench.interest_gan --data adult_train.csv.gz adult_test.csv.gz --seeds 1 2 3 \
        --config training/configs/adult_interest_gan.yml

With --validate the last fifth of the training file stands for the test file: that is how parameters are chosen.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.settings import REPOSITORY
from training.arguments import choose_backend
from training.config import CONFIGS, read_config

if TYPE_CHECKING:
    import pandas as pd

    from training.models.interest_gan.mixed_rows import MixedRows

NAMES = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
)
NUMBERS = ("age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours_per_week")
TARGET = "above_50k"
PROTOCOL = "trained on synthetic rows, as many as real ones; tested on real rows; gradient-boosted trees, 60 rounds"
CTGAN_DEFAULT_EPOCHS = 300


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.interest_gan", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs=2, required=True, metavar=("TRAIN", "TEST"), help="UCI Adult files")
    parser.add_argument("--config", type=Path, default=CONFIGS / "adult_interest_gan.yml", help="YAML of parameters")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one training each (default 1 2 3)")
    parser.add_argument(
        "--ctgan-epochs", type=int, default=CTGAN_DEFAULT_EPOCHS, help="the package's default is 300; 0 leaves it out"
    )
    parser.add_argument("--work", type=Path, default=REPOSITORY / "var" / "bench" / "ctgan", help="folder of ctgan")
    parser.add_argument("--validate", action="store_true", help="never touch the test file")
    chosen = parser.parse_args()
    exit_with_sentence(
        lambda: bench(
            *chosen.data,
            chosen.config,
            chosen.seeds,
            ctgan_epochs=chosen.ctgan_epochs,
            work=chosen.work,
            validate=chosen.validate,
        )
    )


def bench(
    train_file: Path,
    test_file: Path,
    config: Path,
    seeds: list[int],
    *,
    ctgan_epochs: int,
    work: Path,
    validate: bool = False,
) -> dict[str, Any]:
    """Train once a seed, measure, write and return the line.

    Raises:
        ModelError: a file is no Adult file, the configuration is wrong, or a training failed.
    """
    choose_backend()
    from bench.result import write
    from training.models.interest_gan.network import InterestGanConfig

    started = time.perf_counter()
    parameters = read_config(config, InterestGanConfig)
    data = census_rows(read_census(train_file), None if validate else read_census(test_file))
    runs = [_ours(data, dataclasses.replace(parameters, seed=seed)) for seed in seeds]
    python = work / "venv" / "bin" / "python"
    baselines = {"real": _mean([_judged(_train(data), data)]), "independent_columns": _mean([_independent(data)])}
    if ctgan_epochs and python.exists():
        theirs = [_ctgan(data, seed, ctgan_epochs, work, python) for seed in seeds]
        baselines["ctgan"] = {**_mean(theirs), "epochs": ctgan_epochs, "runs": theirs}
    else:
        print(f"without ctgan: --ctgan-epochs is 0, or there is no {python}", file=sys.stderr, flush=True)
    line = {
        "bench": "interest_gan",
        "protocol": PROTOCOL + (", a fifth of the training file as test" if validate else ""),
        "data": [train_file.name, test_file.name],
        "config": {**dataclasses.asdict(parameters), "seed": None, "file": config.name},
        "seeds": seeds,
        "cores": len(os.sched_getaffinity(0)),
        "seconds": round(time.perf_counter() - started, 1),
        "metrics": _mean(runs),
        "runs": runs,
        "baselines": baselines,
        "sizes": dict(data.describe()),
    }
    if "ctgan" in baselines:
        line["times_faster_to_fit"] = round(baselines["ctgan"]["fit_seconds"] / line["metrics"]["fit_seconds"], 2)
    write(line, keep=not validate)
    return line


def read_census(file: Path) -> pd.DataFrame:
    """An Adult file, without header: numbers, categories (`?` is one), and the target as a truth value.

    Raises:
        ModelError: the file has other columns.
    """
    import pandas as pd

    table = pd.read_csv(file, header=None, skipinitialspace=True, keep_default_na=False, comment="|")
    if table.shape[1] != len(NAMES):
        raise ModelError(
            expected=f"{len(NAMES)} columns in {file}",
            received=str(table.shape[1]),
            remedy="give the files adult.data and adult.test of the UCI repository",
        )
    table.columns = NAMES
    table[TARGET] = table.pop("income").str.startswith(">50K")
    return table


def census_rows(train: pd.DataFrame, test: pd.DataFrame | None) -> MixedRows:
    """Training and test rows as the learner takes them; without test rows, a fifth of the others, drawn by chance.

    A twentieth of the training rows, which is trained on all the same by `ctgan`, tells the best epoch.
    """
    import numpy as np
    import pandas as pd

    from training.models.interest_gan.mixed_columns import BOOLEAN, CATEGORY, WHOLE
    from training.models.interest_gan.mixed_rows import MixedRows
    from training.parts import Part

    order = np.random.default_rng(0).permutation(len(train))
    train = train.iloc[order].reset_index(drop=True)
    count = len(train) - len(train) // 5 if test is None else len(train)
    test = train[count:] if test is None else test
    frame = pd.concat([train[:count], test], ignore_index=True)
    parts = np.full(len(frame), Part.TRAIN)
    parts[count - count // 20 : count] = Part.VALIDATION
    parts[count:] = Part.TEST
    kinds = {name: WHOLE if name in NUMBERS else CATEGORY for name in NAMES if name != "income"}
    return MixedRows(frame, {**kinds, TARGET: BOOLEAN}, list(kinds), TARGET, parts)


def _train(data: MixedRows) -> pd.DataFrame:
    """All rows of the training file that are no test rows: those whose number every competitor makes."""
    from training.parts import Part

    return data.frame[data.parts != Part.TEST].reset_index(drop=True)


def _ours(data: MixedRows, config) -> dict[str, float]:
    from training.learner import Context
    from training.models.interest_gan.learner import LEARNER
    from training.models.interest_gan.sampling import synthesise

    context = Context(say=lambda text: print(f"seed {config.seed}: {text}", file=sys.stderr, flush=True))
    started = time.perf_counter()
    fitted = LEARNER.fit(data, config, context)
    seconds = time.perf_counter() - started
    made = synthesise(fitted, len(_train(data)), config.seed)
    found = _judged(made, data) | {"fit_seconds": round(seconds, 1)}
    print(f"seed {config.seed}: {found}", file=sys.stderr, flush=True)
    return {"seed": config.seed, **found, "epochs": len(fitted.epochs)}


def _independent(data: MixedRows) -> dict[str, float]:
    """Each column of the real rows in an order of its own."""
    import numpy as np

    random, train = np.random.default_rng(0), _train(data)
    return _judged(train.apply(lambda column: column.to_numpy()[random.permutation(len(train))]), data)


def _ctgan(data: MixedRows, seed: int, epochs: int, work: Path, python: Path) -> dict[str, float]:
    """The package's rows, made now or kept from before."""
    import pandas as pd

    train = _train(data)
    key = hashlib.sha256(f"{data.content_hash()} {seed} {epochs}".encode()).hexdigest()[:12]
    made = work / f"made-{key}.csv"
    if not made.with_suffix(".json").exists():
        training_rows = work / f"given-{key}.csv"
        train.to_csv(training_rows, index=False)
        print(f"ctgan, seed {seed}, {epochs} epochs: fitting", file=sys.stderr, flush=True)
        options = ["--rows", str(len(train)), "--epochs", str(epochs), "--seed", str(seed), "--out", str(made)]
        categories = [name for name in data.kinds if name not in NUMBERS]
        script = REPOSITORY / "bench" / "ctgan_baseline.py"
        command = [python, script, "--train", training_rows, *options, "--categories", *categories]
        subprocess.run(command, check=True, stdout=sys.stderr)
    rows = pd.read_csv(made, keep_default_na=False)
    rows[TARGET] = rows[TARGET].astype(str) == "True"
    times = json.loads(made.with_suffix(".json").read_text())
    kept = {name: times[name] for name in ("fit_seconds", "threads", "version")}
    return {"seed": seed, **_judged(rows, data), **kept}


def _judged(made: pd.DataFrame, data: MixedRows) -> dict[str, float]:
    """F1 and AUC on the test rows of the classifier that learned from `made`, and how like they are to real rows."""
    from sklearn.metrics import f1_score

    from training.metrics.auc import placements
    from training.models.interest_gan.synthetic_quality import Quality, classifier_chances
    from training.parts import Part

    test = data.part(Part.TEST)
    truth = test[data.target].astype(bool).to_numpy()
    chances = classifier_chances(made, test, {name: data.kinds[name] for name in data.features}, data.target, seed=0)
    quality = Quality(_train(data), made, data.kinds)
    return {
        "f1": round(float(f1_score(truth, chances > 0.5)), 4),
        "auc": round(float(placements(chances, truth, tie=0.5).mean()), 4),
        "column_shape": round(quality.column_shape, 4),
        "pair_trend": round(quality.pair_trend, 4),
        "minority_modes": round(quality.minority_modes, 4),
    }


def _mean(runs: list[dict[str, Any]]) -> dict[str, float]:
    numbers = [name for name, value in runs[0].items() if isinstance(value, int | float) and name != "seed"]
    return {name: round(sum(run[name] for run in runs) / len(runs), 4) for name in numbers}


if __name__ == "__main__":
    main()
