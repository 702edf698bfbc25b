"""How `response` is trained and measured: by weeks, each answer on the last week whose labels are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import pandas as pd

from contracts.lake import Lake
from contracts.settings import Settings
from training.consent import require_agreed
from training.integrated_gradients import completeness, integrated_gradients, mean_shares
from training.learner import Context, Fitted, Learner, Measured, Signature
from training.metrics.auc import placements
from training.models.response.attack import attack_answers
from training.models.response.loading import ANSWERS, CATEGORIES, CLICK, NUMBERS, PURCHASE, Responses, load_responses
from training.models.response.measures import baseline_answers, measures
from training.models.response.network import ResponseConfig
from training.models.response.private_table import fit_table_privately, table_spending
from training.models.response.table import STRANGERS, FittedTable, Table, fit_table
from training.parts import Part
from training.privacy.accounting import Spending
from training.privacy.membership import Attacked

SLICES = ("age_band", "gender", "region", "campaign")

PARITY_ROWS = 64
EXPLAINED_ROWS = 512
"""Most test rows over which attributions are averaged."""

ORDERS_OF_DOUBT = 10
"""A campaign's mean order counts for as many orders as it had, the mean of all campaigns for this many."""


class Responding(Protocol):
    """What is measured: the model just trained, or the object behind the registered pyfunc."""

    embedder: keras.Model
    """Numbers and codes to features (batch, width)."""
    head: keras.Model
    """Features to logits (batch, answers)."""
    feature_slices: Mapping[str, list[int]]
    """Where each column's features begin and end."""

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Raw columns to numbers and codes."""

    def score(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Chances to click, to buy, to leave (rows, 3)."""


@dataclass
class FittedResponse(Fitted):
    """A net with its best weights, and what an order is worth."""

    net: FittedTable
    order_value: float
    """Euros of a mean order, over all campaigns."""
    order_values: Mapping[str, float]
    """Euros of a mean order of each campaign, drawn towards the mean of all."""
    learned: list[bool]
    """Whether there was any label of each answer to learn from."""
    rows_learned: Mapping[str, int] = field(default_factory=dict)
    """What was really learned from, for the run's parameters."""

    @property
    def epochs(self):
        return self.net.epochs

    @property
    def embedder(self) -> keras.Model:
        return self.net.embedder

    @property
    def head(self) -> keras.Model:
        return self.net.head

    @property
    def feature_slices(self) -> Mapping[str, list[int]]:
        return self.net.feature_slices

    def sizes(self) -> Mapping[str, int]:
        return self.rows_learned

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        return self.net.encode(rows)

    def score(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        return self.net.score(numbers, codes)

    def save(self, folder: Path) -> Mapping[str, Path]:
        return self.net.save(
            folder, learned=self.learned, order_value=self.order_value, order_values=dict(self.order_values)
        )


class ResponseLearner(Learner):
    """The learner of `response`."""

    name = "response"
    table = "training_responses"
    unit = "rows that clicked"
    watched = "validation_click_auc"
    metric = "click_auc"
    config = ResponseConfig
    signature = Signature(
        inputs={**dict.fromkeys(CATEGORIES, "string"), **dict.fromkeys(NUMBERS, "double")},
        outputs={**{f"{answer}_chance": "double" for answer in ANSWERS}, "expected_value": "double"},
        optional=(*CATEGORIES[1:], *NUMBERS),
    )

    def load(self, settings: Settings, ds: str) -> Responses:
        """The day's responses, and the synthetic ones of the latest earlier day that has any.

        Raises:
            LakeError: the marts of that day were not built, a column is missing, or somebody did not agree to training.
            NothingToLearn: too few rows of people who agreed, or too few who clicked, or who did not.
        """
        lake = Lake(settings.home.lake)
        folder = lake.require(self.table, ds, made_by=f"python -m dbt_project.build --ds {ds}")
        earlier = [day for day in lake.days("synthetic_responses", until=ds) if day < ds]
        data = load_responses(folder, lake.partition("synthetic_responses", earlier[-1]) if earlier else None)
        require_agreed(lake, self.table, ds, data.people)
        return data

    def fit(self, data: Responses, config: ResponseConfig, context: Context) -> FittedResponse:
        if config.privacy.on:
            return self._fit_privately(data, config, context)
        added = synthetic_rows(data, config)
        net = fit_table(data.table, config, context, watched=self.watched, added=added)
        order_value, order_values = mean_orders(data)
        learned = [bool((data.table.parts[:, answer] == Part.TRAIN).any()) for answer in range(len(ANSWERS))]
        sizes = {"training_rows": len(data.table.training), "synthetic_rows": 0 if added is None else len(added.rows)}
        return FittedResponse(net, order_value, order_values, learned, sizes)

    def _fit_privately(self, data: Responses, config: ResponseConfig, context: Context) -> FittedResponse:
        net, noised = fit_table_privately(
            data.table, config, context, watched=self.watched, euros=_training_euros(data), order_by="campaign"
        )
        learned = [bool((data.table.parts[:, answer] == Part.TRAIN).any()) for answer in range(len(ANSWERS))]
        sizes = {"training_rows": len(data.table.training), "synthetic_rows": 0}
        return FittedResponse(net, noised.order_value, noised.order_values, learned, sizes)

    def spending(self, data: Responses, config: ResponseConfig) -> Spending | None:
        """What a training would give away; None where it is plain."""
        return table_spending(data.table, config) if config.privacy.on else None

    def membership_scores(self, model: Responding, data: Responses) -> Attacked | None:
        """How well the clicks of people are known, of those learned from and of others in the same weeks."""
        if len(data.table.places(CLICK, STRANGERS)):
            return attack_answers(model, data.table, strangers=STRANGERS)
        return attack_answers(model, data.table, strangers=Part.TEST) if data.split_by_person else None

    def measure(self, model: Responding, data: Responses) -> Measured:
        numbers, codes = model.encode(data.table.rows)
        chances = model.score(numbers, codes)
        tests = [data.table.places(answer, Part.TEST) for answer in range(len(ANSWERS))]
        return self._measured(data.table, {answer: chances[places, answer] for answer, places in enumerate(tests)})

    def baselines(self, data: Responses) -> Mapping[str, Measured]:
        """The campaign's own rate, a logistic regression, boosted trees; one a question."""
        table = data.table
        told = {
            answer: baseline_answers(table, answer, rate_by="campaign")
            for answer in range(len(ANSWERS))
            if table.has_both(answer, Part.TRAIN)
        }
        names = told[CLICK].keys()
        return {name: self._measured(table, {answer: one[name] for answer, one in told.items()}) for name in names}

    def slices(self, data: Responses) -> pd.DataFrame:
        clicked = data.table.places(CLICK, Part.TEST)[data.table.yes(CLICK, Part.TEST)]
        return data.table.rows.iloc[clicked][list(SLICES)].astype(str).reset_index(drop=True)

    def search_space(self, trial: Any) -> dict[str, Any]:
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

    def people(self, data: Responses) -> np.ndarray:
        """The person of each row of `slices` (rows,)."""
        return data.people[data.table.places(CLICK, Part.TEST)[data.table.yes(CLICK, Part.TEST)]]

    def parity_inputs(self, fitted: Responding, data: Responses) -> tuple[np.ndarray, ...]:
        return fitted.encode(data.table.rows.iloc[data.table.places(CLICK, Part.TEST)[:PARITY_ROWS]])

    def example(self, data: Responses) -> pd.DataFrame:
        """Two rows of nobody in the largest campaign: it stays with the model's files, where no person's row may be."""
        words = dict.fromkeys(CATEGORIES, "unknown") | {"campaign": str(data.table.rows["campaign"].mode()[0])}
        return pd.DataFrame([{**words, **dict.fromkeys(NUMBERS, number)} for number in (0.0, 1.0)])

    def attributions(self, model: Responding, data: Responses) -> Mapping[str, float]:
        """Share of each feature in what moves the chance to click, largest first."""
        rows = data.table.rows.iloc[data.table.places(CLICK, Part.TEST)]
        if len(rows) > EXPLAINED_ROWS:
            rows = rows.sample(EXPLAINED_ROWS, random_state=0)
        return mean_shares(_by_column(model, _moved(model, rows)[0]))

    def explain(self, model: Responding, data: Responses, rows: int) -> Iterable[Mapping[str, Any]]:
        """For a few test rows, how much each column moved the logit of a click away from the mean of all test rows."""
        test = data.table.rows.iloc[data.table.places(CLICK, Part.TEST)]
        moved, missed = _moved(model, test, rows)
        columns = _by_column(model, moved)
        chances = model.score(*model.encode(test.iloc[:rows]))[:, CLICK]
        for place in range(len(moved)):
            sums = {name: float(values[place]) for name, values in columns.items()}
            yield {
                "row": {name: None if pd.isna(value) else value for name, value in test.iloc[place].to_dict().items()},
                "click_chance": float(chances[place]),
                "moved": dict(sorted(sums.items(), key=lambda one: -abs(one[1]))),
                "completeness": float(missed[place]),
            }

    def _measured(self, table: Table, chances: Mapping[int, np.ndarray]) -> Measured:
        """Args: chances: of the test rows of each answer that there is."""
        metrics = {
            f"{name}_{metric}": value
            for answer, name in enumerate(ANSWERS)
            if answer in chances
            for metric, value in measures(chances[answer], table.yes(answer, Part.TEST)).items()
        }
        return Measured(self.metric, placements(chances[CLICK], table.yes(CLICK, Part.TEST)), metrics)


def synthetic_rows(data: Responses, config: ResponseConfig) -> Table | None:
    """The synthetic rows that are learned from: at most `synthetic_share` of the real training rows, at random."""
    if data.synthetic is None or config.synthetic_share <= 0:
        return None
    most = int(config.synthetic_share * len(data.table.training))
    chosen = np.random.default_rng(config.seed).permutation(len(data.synthetic.rows))[:most]
    one = data.synthetic
    return Table(one.rows.iloc[chosen], one.labels[chosen], one.parts[chosen], one.numbers, one.categories, one.answers)


def mean_orders(data: Responses) -> tuple[float, dict[str, float]]:
    """Euros of a mean order over all campaigns, and of each campaign's drawn towards it; training rows that bought.

    Without any order an order is worth nothing.
    """
    places = data.table.places(PURCHASE, Part.TRAIN)
    orders = pd.DataFrame(
        {"campaign": data.table.rows["campaign"].to_numpy()[places], "euros": data.order_values[places]}
    )
    orders = orders[orders["euros"] > 0]
    overall = float(orders["euros"].mean()) if len(orders) else 0.0
    sums = orders.groupby("campaign")["euros"].agg(["sum", "count"])
    drawn = (sums["sum"] + ORDERS_OF_DOUBT * overall) / (sums["count"] + ORDERS_OF_DOUBT)
    return overall, {str(campaign): float(euros) for campaign, euros in drawn.items()}


def _training_euros(data: Responses) -> np.ndarray:
    """Euros bought in the rows that say whether somebody bought and are learned from, NaN elsewhere (rows,)."""
    return np.where(data.table.parts[:, PURCHASE] == Part.TRAIN, data.order_values, np.nan)


def _moved(model: Responding, rows: pd.DataFrame, first: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """How much each feature moved the logit of a click from the mean row's (rows, width), and how far from adding up.

    Args:
        first: only these many rows; the mean is that of all.
    """
    features = np.asarray(model.embedder.predict_on_batch(list(model.encode(rows))))
    baseline = features.mean(axis=0, keepdims=True)

    def click(vectors):
        return model.head(vectors)[:, CLICK]

    chosen = features[:first]
    moved = integrated_gradients(click, chosen, baseline)
    return moved, completeness(click, chosen, baseline, moved)


def _by_column(model: Responding, moved: np.ndarray) -> dict[str, np.ndarray]:
    """Sums over the features of each column (rows,)."""
    return {name: moved[:, start:stop].sum(axis=1) for name, (start, stop) in model.feature_slices.items()}


LEARNER = ResponseLearner()
