"""The `ctgan` package on a table, inside its own environment: fit, sample, say how long each took.

`bench.interest_gan` starts this file with the interpreter of that environment, so it imports nothing of Nightshift.
All options of the package but `epochs` and the device (no GPU) keep their defaults.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ctgan import CTGAN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="CSV with a header; the rows to learn from")
    parser.add_argument("--categories", nargs="*", default=[], help="columns that hold categories; others are numbers")
    parser.add_argument("--rows", type=int, required=True, help="synthetic rows to make")
    parser.add_argument("--epochs", type=int, default=300, help="the package's default is 300")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="CSV to write; the times go beside it as .json")
    arguments = parser.parse_args()

    kinds = dict.fromkeys(arguments.categories, str)
    train = pd.read_csv(arguments.train, dtype=kinds, keep_default_na=False)
    np.random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)
    model = CTGAN(epochs=arguments.epochs, enable_gpu=False)
    started = time.perf_counter()
    model.fit(train, arguments.categories)
    fitted = time.perf_counter()
    rows = model.sample(arguments.rows)
    sampled = time.perf_counter()
    rows.to_csv(arguments.out, index=False)
    times = {
        "fit_seconds": fitted - started,
        "sample_seconds": sampled - fitted,
        "epochs": arguments.epochs,
        "threads": torch.get_num_threads(),
        "version": importlib.metadata.version("ctgan"),
    }
    arguments.out.with_suffix(".json").write_text(json.dumps(times))


if __name__ == "__main__":
    main()
