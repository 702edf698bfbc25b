"""What every model implements, so that training, gate, tuning and cards treat all models alike.

A learner is one object a model, `LEARNER` in `training/models/<model>/learner.py`. It loads its table, fits, and
measures any predictor on the test part: the model just trained, or the registered artefact in another process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import pandas as pd

from contracts.report import say
from contracts.settings import Settings

if TYPE_CHECKING:
    from training.off_policy.estimate import WouldHaveEarned
    from training.off_policy.logged_lists import LoggedLists
    from training.privacy.accounting import Spending
    from training.privacy.membership import AttackSignals, Membership


@dataclass(frozen=True)
class Measured:
    """How well a predictor or a baseline does on the test units of one day: people, pictures or rows."""

    metric: str
    """The deciding metric; its value is the mean of `values`."""
    values: np.ndarray
    """The deciding metric of each unit, higher is better (units,)."""
    metrics: Mapping[str, float]
    """Everything a report shows, the deciding metric among it; diversity floors of the gate are looked up here."""

    @property
    def value(self) -> float:
        return float(self.values.mean())

    def with_metric(self, name: str, value: float) -> Measured:
        """The same with one more metric."""
        return replace(self, metrics={**self.metrics, name: value})


@dataclass(frozen=True)
class Signature:
    """Names and types of a served model: string, long, double, boolean, binary, or array<...> of one of them.

    An input of numbers is array<any>: JavaScript writes 12.0 as 12, which MLflow refuses as an array<double>.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    parameters: Mapping[str, int | float | str] = field(default_factory=dict)
    """Optional parameters of a call, with their defaults."""
    optional: Sequence[str] = ()
    """Inputs that a caller may leave out."""


STANDARD_ERROR, COVERAGE = "validation_standard_error", "validation_coverage"
"""Metrics of an epoch that tuning reads beside the watched one, of models that can say them: its standard error over
the units that validate, and the share of all items that the lists of the validation people show."""


@dataclass(frozen=True)
class Context:
    """Where a training keeps its files, and who follows its epochs."""

    folder: Path | None = None
    """Checkpoints to resume from, of this training alone; None keeps none."""
    tensorboard: Path | None = None
    """Where TensorBoard's logs go; None writes none."""
    say: Callable[[str], None] = say
    after_epoch: Callable[[int, Mapping[str, float]], None] = lambda *_: None
    """Called with the number of each epoch, from 1, and its metrics; an exception that it raises ends the training."""
    epochs: int | None = None
    """Train exactly so many and keep the last weights, whatever the configuration says; None lets the validation part
    decide."""


class Data(Protocol):
    """What a learner learns from, loaded."""

    def content_hash(self) -> str:
        """SHA-256 over everything that training reads."""

    def describe(self) -> Mapping[str, int]:
        """Sizes, for the log and the run's parameters: people, items ..."""


class Predictor(Protocol):
    """What can be measured: a model just trained, or the object behind a registered pyfunc."""

    def score(self, *inputs: np.ndarray) -> np.ndarray:
        """Encoded inputs to raw predictions; each learner documents their shapes."""


class Fitted(ABC):
    """A trained model with its best weights."""

    epochs: Sequence[Mapping[str, float]]
    """Metrics of each epoch, among them `loss`."""

    @abstractmethod
    def score(self, *inputs: np.ndarray) -> np.ndarray:
        """Encoded inputs to raw predictions; each learner documents their shapes."""

    @abstractmethod
    def save(self, folder: Path) -> Mapping[str, Path]:
        """Write what the served model loads; name in the pyfunc's context -> file."""

    def sizes(self) -> Mapping[str, int]:
        """Sizes that only the fit knows, such as the rows that were really learned from; parameters of the run."""
        return {}


class Learner(ABC):
    """One model, from tables to measured predictions. Errors of data are ModelError; too little of it NothingToLearn.

    The abstract methods are what every model needs; the others are abilities that only some models have, each with the
    default of a model that has it not.
    """

    name: ClassVar[str]
    """Of the folder in `training/models/`, of the file in `training/configs/`, of the registered model."""
    table: ClassVar[str]
    """The table of the lake that it learns from."""
    unit: ClassVar[str]
    """What the deciding metric is measured on, plural: people, pictures, rows."""
    watched: ClassVar[str]
    """The validation metric that ends training early and that tuning maximises, as named in `Fitted.epochs`."""
    shows_items: ClassVar[bool] = False
    """Whether it ranks items, so that its epochs have a `COVERAGE`."""
    config: ClassVar[type]
    """Frozen dataclass of everything that can be chosen."""
    signature: ClassVar[Signature]

    @abstractmethod
    def load(self, settings: Settings, ds: str) -> Data:
        """The data of one day."""

    @abstractmethod
    def fit(self, data: Data, config: Any, context: Context) -> Fitted:
        """Train on the training part, choose on the validation part, never look at the test part."""

    @abstractmethod
    def measure(self, model: Predictor, data: Data) -> Measured:
        """The model on the test part; what it does not know counts against it."""

    @abstractmethod
    def baselines(self, data: Data) -> Mapping[str, Measured]:
        """Simple methods for the same task, measured on the same test part, unit by unit."""

    @abstractmethod
    def slices(self, data: Data) -> pd.DataFrame:
        """Group of each test unit, one column a kind of group: age_band, gender, history ... (units, kinds)."""

    @abstractmethod
    def parity_inputs(self, fitted: Predictor, data: Data) -> tuple[np.ndarray, ...]:
        """A few inputs of `score`, to check that the loaded artefact gives the same scores."""

    @abstractmethod
    def example(self, data: Data) -> pd.DataFrame:
        """Two rows of raw input, as a caller of the served model would send them; made up, and no person's."""

    def search_space(self, trial: Any) -> dict[str, Any]:
        """Values of some settings of `config`, suggested by an Optuna trial; the others keep their values.

        A setting that matters only under another one is suggested only there, so that trials stay comparable. Without
        a search space there is nothing to tune.
        """
        del trial
        return {}

    def requirements(self) -> Sequence[str]:
        """Packages that only this model's pyfunc imports, beside those that all need."""
        return ()

    def people(self, data: Data) -> np.ndarray | None:
        """The person of each row of `slices` (units,), to find groups that are too small to be shown.

        Where the units are people each is one of its own; None where units belong to no person.
        """
        return np.arange(len(self.slices(data))) if self.unit == "people" else None

    def spending(self, data: Data, config: Any) -> Spending | None:
        """The privacy budget that a training with this configuration spends; None where it is not private."""
        del data, config

    def membership_scores(self, model: Predictor, data: Data) -> AttackSignals | None:
        """What a membership attack sees of learned and of unseen units; None where there are none to compare."""
        del model, data

    def tags(self, data: Data) -> Mapping[str, str]:
        """What the version's tags and the report say of the data beside its day and hash."""
        del data
        return {}

    def learned_until(self, data: Data) -> str | None:
        """The last day of which a training on these data learns, or by which it chooses epochs, YYYY-MM-DD.

        It is read off what the training reads, so that the gate can refuse what has seen the days of its test. None
        where the parts of the data are no days.
        """
        del data

    def tested_from(self, data: Data) -> str | None:
        """The first day of the test part, YYYY-MM-DD; None where the parts of the data are no days."""
        del data

    def everything(self, data: Data) -> Data | None:
        """The same data with all parts to learn from, for the weights that are served once the gate has passed others.

        Strangers of a membership attack are left out of these too. None for a model that is served as it was measured.
        """
        del data

    def keep_calibration(self, fitted: Fitted, judged: Predictor) -> None:
        """Give a model that learned from everything the calibration of one that had not: it cannot find its own."""
        del fitted, judged

    def drift(self, before: Predictor, after: Predictor, data: Data) -> Mapping[str, float]:
        """How much of what one version says of the test units another says too, by name: 1 is all of it."""
        del before, after, data
        return {}

    def data_notes(self, data: Data) -> Sequence[str]:
        """Sentences on the data that the model card shows."""
        del data
        return ()

    def privacy_notes(self) -> Sequence[str]:
        """Sentences on privacy that the model card shows."""
        return ()

    def attributions(self, model: Predictor, data: Data) -> Mapping[str, float]:
        """Share of each feature in what moves the score, largest first; empty for a model that cannot be explained."""
        del model, data
        return {}

    def explain(self, model: Predictor, data: Data, rows: int) -> Iterable[Mapping[str, Any]] | None:
        """Attributions of the predictions for a few test units; None for a model that cannot be explained."""
        del model, data, rows

    def people_of_lists(self, data: Data) -> tuple[np.ndarray, np.ndarray] | None:
        """People on whose earlier lists the model can be judged, and since which night; None for one that ranks none.

        Returns:
            Ids, and of each the first night after which nothing was learned from the person, datetime64[D] (people,).
        """
        del data

    def rank_lists(self, model: Predictor, data: Data, lists: LoggedLists) -> np.ndarray:
        """Scores of the items of each list's pool, by what the person had done until that night (lists, choices).

        Minus infinity for items that the model does not know. Only of models that have `people_of_lists`.
        """
        raise NotImplementedError

    def charts(
        self, model: Predictor, data: Data, measured: Measured, baselines: Mapping[str, Measured], folder: Path
    ) -> Sequence[Path]:
        """Draw charts for the model card into the folder; returns their PNG files."""
        del model, data, measured, baselines, folder
        return ()


@dataclass(frozen=True)
class Trained:
    """One training with everything that was measured on it: what evidence, card, registration and report show."""

    learner: Learner
    config: Any
    ds: str
    data: Data
    data_hash: str
    fitted: Fitted
    measured: Measured
    """The fitted model on the test part."""
    baselines: Mapping[str, Measured]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Both ends of the interval of the deciding metric: of the model, named `test`, and of each baseline
    (`gate.decision.bootstrap_interval`)."""
    attack: Membership | None = None
    """How well membership attacks do; None where there was nothing to attack."""
    would_have_earned: WouldHaveEarned | None = None
    """What its lists would have earned on earlier nights; None for a model that ranks none."""
    spending: Spending | None = None
    """The privacy budget that it spent; None where it was trained plainly."""
    table_epsilon: float | None = None
    """Epsilon that was spent of its table in all, this training among it; None where it was trained plainly."""

    @property
    def model(self) -> str:
        return self.learner.name

    @property
    def sizes(self) -> dict[str, int]:
        """Sizes of the data, and of what the fit really used."""
        return {**self.data.describe(), **self.fitted.sizes()}

    @property
    def privacy_figures(self) -> dict[str, float]:
        """Epsilon, delta, noise ... of a private training; empty for a plain one."""
        if self.spending is None:
            return {}
        return {**self.spending.parameters(), "private_table_epsilon": self.table_epsilon}

    @property
    def off_policy_figures(self) -> dict[str, float]:
        return {} if self.would_have_earned is None else self.would_have_earned.figures

    @property
    def attack_figures(self) -> dict[str, float]:
        return {} if self.attack is None else {"membership_auc": self.attack.auc}
