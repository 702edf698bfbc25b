"""What the commands of training share: arguments, and the engine behind Keras."""

from __future__ import annotations

import argparse
import os

from contracts.arguments import day
from contracts.quiet_imports import errors_alone
from training.config import MODELS

BACKENDS = ("tensorflow", "jax")


def parser(module: str, doc: str, *, several: bool = False, needs_day: bool = True) -> argparse.ArgumentParser:
    """A parser whose help is the module's docstring, with the arguments that every command has.

    With `several`, --model takes a list of models, which may be empty. Without `needs_day`, --ds may be left out.
    """
    made = argparse.ArgumentParser(
        prog=f"python -m {module}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = f"{'of' if several else 'one of'} {', '.join(MODELS)}"
    made.add_argument("--model", required=True, nargs="*" if several else None, metavar="MODEL", help=known)
    made.add_argument("--ds", required=needs_day, type=day, help="day whose marts are read, as YYYY-MM-DD")
    made.add_argument(
        "--backend", choices=BACKENDS, default=BACKENDS[0], help="what Keras computes with; jax has to be installed"
    )
    return made


def choose_backend(backend: str = BACKENDS[0]) -> None:
    """Choose what Keras computes with; call it before Keras is imported.

    On a GPU, layers compute in bfloat16 and keep their weights in float32; TensorFlow's greetings, and its notes on
    missing GPUs, are kept out of logs and terminals.
    """
    os.environ["KERAS_BACKEND"] = backend
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with errors_alone():
        import keras

    if keras.distribution.list_devices("gpu"):
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
