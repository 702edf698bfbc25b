"""Response model beside logistic regression and boosted trees, on Bank Marketing (Moro et al., 2014) or on a night.

    python -m bench.response --data bank_marketing.csv.gz --seeds 1 2 3
    python -m bench.response --data bank_marketing.csv.gz --split random
    python -m bench.response --ds 2026-11-19

The file is the one of the UCI repository, `bank-additional-full.csv`, parted by semicolons, gzipped or not, in the
order of time. The column `duration` is left out: it is known only after the call. 60 % of the rows train, 20 %
validate, 20 % test. With `--split time` they follow each other; between them lies the crisis of 2008, so the test is
another world than the training. With `--split random`, as most papers have it, each seed draws them anew. With `--ds`
the rows are those of `training_responses` of that night in NIGHTSHIFT_HOME and their clicks, parted by week as the
nightly training parts them. Everybody chooses by the AUC of the validation rows, the net when to stop, the baselines
their settings.

LightGBM is measured beside them where it has an environment of its own:

    python -m venv var/bench/lightgbm/venv && var/bench/lightgbm/venv/bin/pip install lightgbm==4.7.0

Prints one JSON line; what it is doing goes to stderr.
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bench.result import write
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.settings import REPOSITORY, Settings
from training.config import CONFIGS, read_config
from training.learner import Context
from training.models.response.baselines import TreeSetting, Views, baseline_chances
from training.models.response.fitting import fit_table
from training.models.response.learner import LEARNER
from training.models.response.measures import measures
from training.models.response.network import ResponseConfig
from training.models.response.table import LabelledTable
from training.parts import Part

LABEL, YES, KNOWN_TOO_LATE = "y", "yes", "duration"
RATE_BY = "poutcome"
TRAIN_UNTIL, VALIDATE_UNTIL = 0.6, 0.8
_PARTED = {"time": "in the order of time", "random": "drawn at random for each seed"}
SPLITS = tuple(_PARTED)

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
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="FILE", help="bank-additional-full.csv, or its .gz")
    source.add_argument("--ds", metavar="DAY", help="a night whose marts were built")
    parser.add_argument("--split", choices=SPLITS, default="time", help="how rows of a file are parted (default time)")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings of the net (default: of a file training/configs/bank_marketing_response.yml, of a night "
        "response.yml there)",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one training each (default 1 2 3)")
    chosen = parser.parse_args()
    exit_with_sentence(
        lambda: write(
            measure_night(chosen.ds, chosen.config or CONFIGS / "response.yml", chosen.seeds)
            if chosen.ds
            else measure(
                chosen.data, chosen.config or CONFIGS / "bank_marketing_response.yml", chosen.seeds, split=chosen.split
            )
        )
    )


def measure(data: Path, config_file: Path, seeds: Sequence[int], *, split: str = "time") -> Mapping[str, object]:
    """The line of the benchmark on a file."""
    protocol = (
        f"{_PARTED[split]} {TRAIN_UNTIL:.0%} train, until {VALIDATE_UNTIL:.0%} validation, rest test; without "
        f"{KNOWN_TOO_LATE}; AUC of the test, ties against the model"
    )
    told = {"protocol": protocol, "split": split, "data": data.name}
    return _line(told, read_table(data), config_file, seeds, rate_by=RATE_BY, random=split == "random")


def measure_night(ds: str, config_file: Path, seeds: Sequence[int]) -> Mapping[str, object]:
    """The line of the benchmark on the clicks of a night.

    Raises:
        LakeError: the marts of that day were not built.
        NothingToLearn: too few rows that clicked, or that did not.
    """
    protocol = (
        "clicks of the latest known week test, the week before validation, earlier weeks train; AUC, ties against"
    )
    told = {"protocol": protocol, "split": "week", "data": f"training_responses {ds}"}
    table = LEARNER.load(Settings.from_env(), ds).table
    return _line(told, table, config_file, seeds, rate_by="campaign", random=False)


def _line(
    told: Mapping[str, str],
    table: LabelledTable,
    config_file: Path,
    seeds: Sequence[int],
    *,
    rate_by: str,
    random: bool,
) -> Mapping[str, object]:
    """What the net and the baselines show, and `told`.

    Args:
        random: each seed parts the rows anew.
    """
    config = read_config(config_file, ResponseConfig)
    found, baselines, seconds = [], [], 0.0
    for seed in seeds:
        parted = at_random(table, seed) if random else table
        test, started = parted.yes(0, Part.TEST), time.monotonic()
        _say(f"seed {seed}")
        fitted = fit_table(parted, dataclasses.replace(config, seed=seed), Context(say=_say), watched="validation_auc")
        chances = fitted.score(*fitted.encode(parted.rows.iloc[parted.indices(0, Part.TEST)]))[:, 0]
        found.append({"validation_auc": fitted.value, **measures(chances, test)})
        seconds += time.monotonic() - started
        if random or not baselines:  # of the same parts they are the same for every seed
            _say("baselines")
            compared = baseline_chances(parted, 0, rate_by=rate_by, trees=TREES) | lightgbm_chances(parted, seed)
            baselines.append({name: measures(chances, test) for name, chances in compared.items()})
    return {
        "bench": "response",
        **told,
        "rows": {part.name.lower(): len(table.indices(0, part)) for part in Part},
        "config": dataclasses.asdict(config),
        "seeds": list(seeds),
        "seconds": round(seconds, 1),
        "metrics": _means(found),
        "deviations": {name: float(np.std([one[name] for one in found])) for name in found[0]},
        "metrics_by_seed": found,
        "baselines": {name: _means([one[name] for one in baselines]) for name in baselines[0]},
        "baselines_by_seed": baselines,
    }


def read_table(file: Path) -> LabelledTable:
    """Bank Marketing as a table of one answer, split in the order of time.

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
    numbers = [name for name in rows if pd.api.types.is_numeric_dtype(rows[name])]
    categories = [name for name in rows if name not in numbers]
    return LabelledTable(rows, labels, _parts(np.arange(len(rows))), numbers, categories, ("subscribed",))


def at_random(table: LabelledTable, seed: int) -> LabelledTable:
    """The same rows, parted at random."""
    return dataclasses.replace(table, parts=_parts(np.random.default_rng(seed).permutation(len(table.rows))))


def lightgbm_chances(table: LabelledTable, seed: int) -> dict[str, np.ndarray]:
    """What LightGBM says of the test rows; nothing without its environment.

    Raises:
        ModelError: it failed.
    """
    folder = Settings.from_env().home.bench / "lightgbm"
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        return {}
    views, rows, out = Views(table, 0), folder / "rows.npz", folder / "chances.npz"
    np.savez(
        rows,
        inputs=views.trees,
        categorical=np.array(views.categorical, int),
        labels=table.labels[:, 0],
        train=views.train,
        validation=views.validation,
        test=views.test,
    )
    script = REPOSITORY / "bench" / "lightgbm_baseline.py"
    command = [str(word) for word in (python, script, "--rows", rows, "--out", out, "--seed", seed)]
    status = subprocess.run(command, stdout=sys.stderr, check=False).returncode
    if status:
        raise ModelError(
            expected="LightGBM to answer the test rows",
            received=f"status {status}",
            remedy=f"look at its last lines above, or remove {folder}",
        )
    with np.load(out) as found:
        return {"lightgbm": found["chances"]}


def _parts(places: np.ndarray) -> np.ndarray:
    """The part of each row by its place in an order (rows, 1)."""
    borders = [int(share * len(places)) for share in (TRAIN_UNTIL, VALIDATE_UNTIL)]
    return np.array(list(Part), "int8")[np.searchsorted(borders, places, side="right")][:, None]


def _means(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric."""
    return pd.DataFrame(found).mean().to_dict()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
