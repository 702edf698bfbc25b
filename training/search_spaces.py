"""The search space of each model for `training.tune`: which settings Optuna varies, and over which values.

Names are those of the model's configuration; a setting that is not here keeps its value. A conditional setting (the
number of negatives, for a loss that samples them) is suggested only where it has an effect, so that trials compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Space = Callable[[Any], dict[str, Any]]
"""From an Optuna trial to values of the settings that it varies."""


def _next_item(trial: Any) -> dict[str, Any]:
    backbone = trial.suggest_categorical("backbone", ["gru", "attention"])
    loss = trial.suggest_categorical("loss", ["sampled_softmax", "softmax", "bpr_max", "gbce"])
    values = {
        "backbone": backbone,
        "loss": loss,
        "dimensions": trial.suggest_categorical("dimensions", [32, 64, 96, 128]),
        "blocks": trial.suggest_int("blocks", 1, 2),
        "dropout": trial.suggest_float("dropout", 0.0, 0.6, step=0.05),
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        "ema_momentum": trial.suggest_categorical("ema_momentum", [0.0, 0.99, 0.998]),
        "weight_decay": trial.suggest_float("weight_decay", 1e-5, 0.3, log=True),
    }
    if loss != "softmax":
        values["negatives"] = trial.suggest_categorical("negatives", [128, 256, 512])
        values["popularity_power"] = trial.suggest_float("popularity_power", 0.0, 1.0, step=0.25)
    if loss == "gbce":
        values["calibration"] = trial.suggest_float("calibration", 0.0, 1.0, step=0.25)
    return values


def _taste_autoencoder(trial: Any) -> dict[str, Any]:
    kind = trial.suggest_categorical("kind", ["vae", "dae"])
    values = {
        "kind": kind,
        "hidden": trial.suggest_categorical("hidden", [0, 100, 200, 400]),
        "latent": trial.suggest_categorical("latent", [32, 64, 128]),
        "dropout": trial.suggest_float("dropout", 0.1, 0.8, step=0.1),
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-5, 0.3, log=True),
    }
    if kind == "vae":
        values["beta"] = trial.suggest_float("beta", 0.0, 1.0, step=0.1)
    return values


def _interest_vision(trial: Any) -> dict[str, Any]:
    return {
        "width": trial.suggest_categorical("width", [8, 16, 24, 32]),
        "blocks": trial.suggest_int("blocks", 1, 2),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5, step=0.1),
        "label_smoothing": trial.suggest_float("label_smoothing", 0.0, 0.2, step=0.05),
        "erase_share": trial.suggest_float("erase_share", 0.0, 0.75, step=0.25),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 2e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-3, 0.2, log=True),
    }


def _interest_gan(trial: Any) -> dict[str, Any]:
    return {
        "generator_units": trial.suggest_categorical("generator_units", [64, 128, 256]),
        "critic_units": trial.suggest_categorical("critic_units", [64, 128, 256]),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5, step=0.125),
        "gradient_penalty": trial.suggest_float("gradient_penalty", 1.0, 20.0, log=True),
        "classifier_weight": trial.suggest_float("classifier_weight", 0.0, 2.0, step=0.5),
        "learning_rate": trial.suggest_float("learning_rate", 2e-4, 3e-3, log=True),
    }


def _response(trial: Any) -> dict[str, Any]:
    loss = trial.suggest_categorical("loss", ["plain", "weighted", "focal"])
    values = {
        "loss": loss,
        "structure": trial.suggest_categorical("structure", ["parallel", "stacked"]),
        "cross_layers": trial.suggest_int("cross_layers", 1, 3),
        "deep_layers": trial.suggest_int("deep_layers", 0, 3),
        "deep_units": trial.suggest_categorical("deep_units", [32, 64, 128]),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5, step=0.1),
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 0.3, log=True),
    }
    if loss == "focal":
        values["gamma"] = trial.suggest_float("gamma", 0.5, 3.0, step=0.5)
    return values


SPACES: Mapping[str, Space] = {
    "next_item": _next_item,
    "taste_autoencoder": _taste_autoencoder,
    "interest_vision": _interest_vision,
    "interest_gan": _interest_gan,
    "response": _response,
}
