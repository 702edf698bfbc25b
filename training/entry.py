"""What the entry points of training share: arguments, and the day's data."""

from __future__ import annotations

import argparse
import os

from contracts.arguments import day
from contracts.lake import Lake
from contracts.settings import Settings


def parser(module: str, doc: str) -> argparse.ArgumentParser:
    """A parser whose help is the module's docstring, with the arguments that every entry point has."""
    made = argparse.ArgumentParser(
        prog=f"python -m {module}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--model", required=True, help="name of the model, for example next_item")
    made.add_argument("--ds", required=True, type=day, help="day whose marts are read, as YYYY-MM-DD")
    return made


def load_day(settings: Settings, ds: str):
    """The training sequences of a day.

    Raises:
        LakeError: the marts of that day were not built.
    """
    from training.data import load_sequences

    made_by = f"python -m dbt_project.build --ds {ds}"
    return load_sequences(Lake(settings.lake).require("training_sequences", ds, made_by=made_by))


def quiet_tensorflow() -> None:
    """Keep TensorFlow's notes on missing GPUs out of a night's log; call it before TensorFlow is imported."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
