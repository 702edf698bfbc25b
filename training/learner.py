"""What every model brings along, so that training, gate, tuning and cards treat all of them alike.

A learner is one object a model, in `training/learners/<model>.py`. It reads its tables, fits, answers, and measures
anyone who answers: the model just trained, the registered artefact in another process, or a baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from contracts.report import say
from contracts.settings import Settings


@dataclass(frozen=True)
class Measured:
    """One who answers, measured on the held-out units of one day: people, pictures or rows."""

    metric: str
    """The deciding metric; its value is the mean of `values`."""
    values: np.ndarray
    """The deciding metric of each unit, higher is better (units,)."""
    metrics: Mapping[str, float]
    """Everything a report shows, the deciding metric among it; diversity floors of the gate are looked up here."""

    @property
    def value(self) -> float:
        return float(self.values.mean())


@dataclass(frozen=True)
class Signature:
    """Names and types of a served model: string, long, double, boolean, binary, or array<...> of one of them."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    parameters: Mapping[str, int | float | str] = field(default_factory=dict)
    """Optional parameters of a call, with their defaults."""
    optional: Sequence[str] = ()
    """Inputs that a caller may leave out."""


@dataclass(frozen=True)
class Context:
    """Where a training is, and who watches it."""

    folder: Path | None = None
    """Checkpoints to resume from, of this training alone; None keeps none."""
    tensorboard: Path | None = None
    """Where TensorBoard's logs go; None writes none."""
    say: Callable[[str], None] = say
    after_epoch: Callable[[int, Mapping[str, float]], None] = lambda *_: None
    """Called with the number of each epoch, from 1, and its metrics; what it raises ends the training."""


class Data(Protocol):
    """What a learner learns from, loaded."""

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads."""

    def describe(self) -> Mapping[str, int]:
        """Sizes, for the log and the run's parameters: people, items ..."""


class Answering(Protocol):
    """What can be measured: a model just trained, or the object behind a registered pyfunc."""

    def score(self, *inputs: np.ndarray) -> np.ndarray:
        """Encoded inputs to raw answers, as the learner says."""


class Fitted(Answering, Protocol):
    """A trained model with its best weights; where it has `sizes`, they are parameters of its run."""

    epochs: Sequence[Mapping[str, float]]
    """Metrics of each epoch, among them `loss`."""

    def save(self, folder: Path) -> Mapping[str, Path]:
        """Write what the served model loads; name in the pyfunc's context -> file."""


class Learner(Protocol):
    """One model, from tables to measured answers. Errors of data are ModelError; too little of it NothingToLearn.

    Some bring more: `requirements`, packages that only their pyfunc needs; `attributions(model, data)` and
    `explain(model, data, rows)`, integrated gradients of the whole model and of single answers; `pictures(model, data,
    measured, baselines, folder)`, files for the card; `privacy`, lines for the card; `people(data)`, the person of each
    unit where units are not people, for groups that are too small to be shown.
    """

    name: str
    """Of the file in `models/` and `configs/`, of the pyfunc `training/pyfuncs/<name>.py`, of the registered model."""
    table: str
    """The table of the lake that it learns from."""
    unit: str
    """What the deciding metric is measured on, plural: people, pictures, rows."""
    watched: str
    """The validation metric that ends training early and that tuning raises, as named in `Fitted.epochs`."""
    config: type
    """Frozen dataclass of everything that can be chosen."""
    signature: Signature

    def load(self, settings: Settings, ds: str) -> Data:
        """The data of one day."""

    def fit(self, data: Data, config: Any, context: Context) -> Fitted:
        """Train on the training part, choose on the validation part, never look at the test part."""

    def measure(self, model: Answering, data: Data) -> Measured:
        """The model on the test part; what it does not know counts against it."""

    def baselines(self, data: Data) -> Mapping[str, Measured]:
        """Simple ways to the same answers, on the same test part, unit by unit."""

    def slices(self, data: Data) -> pd.DataFrame:
        """Group of each test unit, one column a kind of group: age_band, gender, history ... (units, kinds)."""

    def parity_inputs(self, fitted: Fitted, data: Data) -> tuple[np.ndarray, ...]:
        """A few inputs of `score`, to see whether the loaded artefact answers the same."""

    def example(self, data: Data) -> pd.DataFrame:
        """Two rows of raw input, as a caller of the served model would send them; made up, and no person's."""
