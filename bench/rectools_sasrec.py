"""RecTools' SASRec on sequences, inside its own environment: fit, recommend, say how long the fit took.

`bench.rectools_speed` starts this file with the interpreter of that environment, so it imports nothing of Nightshift.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytorch_lightning
import torch
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

TOP = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="npz with arrays people and codes, in order of time")
    parser.add_argument("--sizes", type=json.loads, required=True, help="JSON: dimensions, blocks, heads, dropout ...")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="npz to write: people, items by rank; JSON beside it")
    arguments = parser.parse_args()

    sizes = arguments.sizes
    with np.load(arguments.train) as train:
        people, codes = train["people"], train["codes"]
    moments = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(len(codes)), unit="s")
    table = {Columns.User: people, Columns.Item: codes, Columns.Weight: 1.0, Columns.Datetime: moments}
    dataset = Dataset.construct(pd.DataFrame(table))
    pytorch_lightning.seed_everything(arguments.seed, workers=True)
    model = SASRecModel(
        n_factors=sizes["dimensions"],
        n_blocks=sizes["blocks"],
        n_heads=sizes["heads"],
        dropout_rate=sizes["dropout"],
        session_max_len=sizes["max_length"],
        loss=sizes["loss"],
        n_negatives=sizes["negatives"],
        lr=sizes["learning_rate"],
        batch_size=sizes["batch_size"],
        epochs=arguments.epochs,
        dataloader_num_workers=0,
        get_trainer_func=_trainer(arguments.epochs),
    )
    started = time.perf_counter()
    model.fit(dataset)
    seconds = time.perf_counter() - started
    found = model.recommend(users=np.unique(people), dataset=dataset, k=TOP, filter_viewed=True)
    np.savez(
        arguments.out,
        people=found[Columns.User].to_numpy(),
        codes=found[Columns.Item].to_numpy(),
        ranks=found[Columns.Rank].to_numpy(),
    )
    details = {"fit_seconds": seconds, "torch": torch.__version__, "threads": torch.get_num_threads()}
    arguments.out.with_suffix(".json").write_text(json.dumps(details))


def _trainer(epochs: int):
    """The package's trainer, on the CPU, without files and progress bars."""

    def trainer():
        return pytorch_lightning.Trainer(
            max_epochs=epochs,
            min_epochs=epochs,
            accelerator="cpu",
            deterministic=True,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            logger=False,
        )

    return trainer


if __name__ == "__main__":
    main()
