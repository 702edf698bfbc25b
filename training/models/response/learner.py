"""How `response` is trained and measured: split by week, each answer tested on the last week with known labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import pandas as pd

from contracts.lake import Lake
from contracts.settings import Settings
from lake_tables.consent import Consenting
from training.integrated_gradients import mean_shares
from training.learner import Context, Learner, Measured, Signature
from training.metrics.auc import placements
from training.models.response.attack import attack_answers
from training.models.response.attributions import click_attributions
from training.models.response.baselines import baseline_chances
from training.models.response.features import category_column
from training.models.response.fitted import FittedWithOrders
from training.models.response.fitting import FittedTable, fit_table
from training.models.response.loading import ANSWERS, CATEGORIES, CLICK, NUMBERS, PURCHASE, Responses, load_responses
from training.models.response.measures import measures
from training.models.response.network import ResponseConfig
from training.models.response.orders import expected_over_realised, mean_orders, training_euros
from training.models.response.private_statistics import private_statistics, table_spending
from training.models.response.table import STRANGERS, LabelledTable
from training.parts import Part
from training.privacy.accounting import Spending
from training.privacy.membership import AttackSignals

SLICES = ("age_band", "gender", "region", "campaign")

PARITY_ROWS = 64
EXPLAINED_ROWS = 512
"""Most test rows over which attributions are averaged."""


class ResponsePredictor(Protocol):
    """What can be measured: the model just trained, or the object behind the registered pyfunc."""

    embedder: keras.Model
    """Numbers and codes to features (batch, width)."""
    head: keras.Model
    """Features to logits (batch, answers)."""
    feature_slices: Mapping[str, list[int]]
    """Start and end of each column's features in the output of the embedder."""
    order_value: float
    """Euros of a mean order, over all campaigns."""
    order_values: Mapping[str, float]
    """Euros of a mean order of each campaign."""

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Raw columns to numbers (rows, 2 * numbers) and codes (rows, categories)."""

    def score(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Chances to click, to buy, to leave (rows, 3)."""


@dataclass
class FittedResponse(FittedWithOrders):
    """A net with its best weights, and what it learned from."""

    net: FittedTable
    learned: list[bool]
    """Whether each answer had any label in training."""
    rows_learned: Mapping[str, int] = field(default_factory=dict)
    """Numbers of real and synthetic rows in training, for the run's parameters."""

    def sizes(self) -> Mapping[str, int]:
        return self.rows_learned

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
            LakeError: the marts of that day were not built, a column is missing, or a person did not agree to training.
            NothingToLearn: too few rows that clicked, or that did not.
        """
        lake = Lake(settings.home.lake)
        folder = lake.require(self.table, ds, made_by=f"python -m dbt_project.build --ds {ds}")
        earlier = [day for day in lake.days("synthetic_responses", until=ds) if day < ds]
        data = load_responses(folder, lake.partition("synthetic_responses", earlier[-1]) if earlier else None)
        Consenting.read(lake, ds, "training").require_agreed(self.table, data.people)
        return data

    def fit(self, data: Responses, config: ResponseConfig, context: Context) -> FittedResponse:
        if config.privacy.on:
            added, private = (
                None,
                private_statistics(data.table, config, euros=training_euros(data), order_by="campaign"),
            )
            order_value, order_values = private.order_value, private.order_values
        else:
            added, private = synthetic_rows(data, config), None
            order_value, order_values = mean_orders(data)
        net = fit_table(data.table, config, context, watched=self.watched, added=added, private=private)
        learned = data.table.learned.any(axis=0).tolist()
        sizes = {"training_rows": len(data.table.training), "synthetic_rows": 0 if added is None else len(added.rows)}
        return FittedResponse(net, order_value, order_values, learned, sizes)

    def learned_until(self, data: Responses) -> str | None:
        """Of clicks and purchases, whose outcome takes a week; who leaves is known a week later."""
        return None if data.learned_until is None else str(data.learned_until)

    def tested_from(self, data: Responses) -> str | None:
        return None if data.tested_from is None else str(data.tested_from)

    def everything(self, data: Responses) -> Responses:
        return dataclasses.replace(data, table=dataclasses.replace(data.table, everything=True))

    def keep_calibration(self, fitted: FittedResponse, judged: ResponsePredictor) -> None:
        fitted.net.slopes, fitted.net.offsets = np.array(judged.slopes), np.array(judged.offsets)

    def drift(self, before: ResponsePredictor, after: ResponsePredictor, data: Responses) -> Mapping[str, float]:
        """The rank correlation of the chances to click of the test rows."""
        rows = data.table.rows.iloc[data.table.indices(CLICK, Part.TEST)]
        chances = [pd.Series(model.score(*model.encode(rows))[:, CLICK]) for model in (before, after)]
        return {"same_order": float(chances[0].corr(chances[1], method="spearman"))}

    def tags(self, data: Responses) -> Mapping[str, str]:
        """`treatment`: how it is known whom messages reached."""
        return {"treatment": " and ".join(name for name, rows in data.treatments.items() if rows)}

    def data_notes(self, data: Responses) -> Sequence[str]:
        sent, assumed = data.treatments.values()
        share = sent / (sent + assumed)
        if not assumed:
            return ("Every row is a message that a send log says was delivered.",)
        return (
            f"Treatment: {share:.0%} of the rows are messages that a send log says were delivered. Of the others it is "
            "assumed: everyone whom the campaign could have reached counts as reached.",
        )

    def spending(self, data: Responses, config: ResponseConfig) -> Spending | None:
        return table_spending(data.table, config) if config.privacy.on else None

    def membership_scores(self, model: ResponsePredictor, data: Responses) -> AttackSignals | None:
        """Attacks on the clicks of people in training and of strangers in the same weeks."""
        if len(data.table.indices(CLICK, STRANGERS)):
            return attack_answers(model, data.table, strangers=STRANGERS)
        return attack_answers(model, data.table, strangers=Part.TEST) if data.split_by_person else None

    def measure(self, model: ResponsePredictor, data: Responses) -> Measured:
        numbers, codes = model.encode(data.table.rows)
        chances = model.score(numbers, codes)
        tests = [data.table.indices(answer, Part.TEST) for answer in range(len(ANSWERS))]
        found = self._measured(data.table, {answer: chances[indices, answer] for answer, indices in enumerate(tests)})
        euros = expected_over_realised(
            chances[tests[PURCHASE], PURCHASE],
            category_column(data.table.rows, "campaign")[tests[PURCHASE]],
            data.order_values[tests[PURCHASE]],
            order_value=model.order_value,
            order_values=model.order_values,
        )
        return found if euros is None else found.with_metric("expected_value_ratio", euros)

    def baselines(self, data: Responses) -> Mapping[str, Measured]:
        """The campaign's own rate, a logistic regression, boosted trees; each fitted per answer."""
        table = data.table
        chances = {
            answer: baseline_chances(table, answer, rate_by="campaign")
            for answer in range(len(ANSWERS))
            if table.has_both(answer, Part.TRAIN)
        }
        return {
            name: self._measured(
                table, {answer: by_name[name] for answer, by_name in chances.items() if name in by_name}
            )
            for name in chances.get(CLICK, ())
        }

    def slices(self, data: Responses) -> pd.DataFrame:
        clicked = data.table.indices(CLICK, Part.TEST)[data.table.yes(CLICK, Part.TEST)]
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
        return data.people[data.table.indices(CLICK, Part.TEST)[data.table.yes(CLICK, Part.TEST)]]

    def parity_inputs(self, fitted: ResponsePredictor, data: Responses) -> tuple[np.ndarray, ...]:
        return fitted.encode(data.table.rows.iloc[data.table.indices(CLICK, Part.TEST)[:PARITY_ROWS]])

    def example(self, data: Responses) -> pd.DataFrame:
        """Two made-up rows in the largest campaign: they stay with the model, whose files may hold no person's row."""
        words = dict.fromkeys(CATEGORIES, "unknown") | {"campaign": str(data.table.rows["campaign"].mode()[0])}
        return pd.DataFrame([{**words, **dict.fromkeys(NUMBERS, number)} for number in (0.0, 1.0)])

    def attributions(self, model: ResponsePredictor, data: Responses) -> Mapping[str, float]:
        """Share of each column in the attributions of the click, largest first."""
        rows = data.table.rows.iloc[data.table.indices(CLICK, Part.TEST)]
        if len(rows) > EXPLAINED_ROWS:
            rows = rows.sample(EXPLAINED_ROWS, random_state=0)
        return mean_shares(click_attributions(model, rows)[0])

    def explain(self, model: ResponsePredictor, data: Responses, rows: int) -> Iterable[Mapping[str, Any]]:
        """For a few test rows, how much each column moved the logit of a click, against the mean of all test rows."""
        test = data.table.rows.iloc[data.table.indices(CLICK, Part.TEST)]
        columns, missing = click_attributions(model, test, rows)
        chances = model.score(*model.encode(test.iloc[:rows]))[:, CLICK]
        for row in range(len(chances)):
            sums = {name: float(values[row]) for name, values in columns.items()}
            yield {
                "row": {name: None if pd.isna(value) else value for name, value in test.iloc[row].to_dict().items()},
                "click_chance": float(chances[row]),
                "moved": dict(sorted(sums.items(), key=lambda one: -abs(one[1]))),
                "completeness": float(missing[row]),
            }

    def _measured(self, table: LabelledTable, chances: Mapping[int, np.ndarray]) -> Measured:
        """The measures of each answer's chances for its test rows, by answer (test rows,)."""
        metrics = {
            f"{name}_{metric}": value
            for answer, name in enumerate(ANSWERS)
            if answer in chances
            for metric, value in measures(chances[answer], table.yes(answer, Part.TEST)).items()
        }
        return Measured(self.metric, placements(chances[CLICK], table.yes(CLICK, Part.TEST)), metrics)


def synthetic_rows(data: Responses, config: ResponseConfig) -> LabelledTable | None:
    """Random synthetic rows for training, at most `synthetic_share` of the number of real training rows."""
    if data.synthetic is None or config.synthetic_share <= 0:
        return None
    most = int(config.synthetic_share * len(data.table.training))
    chosen = np.random.default_rng(config.seed).permutation(len(data.synthetic.rows))[:most]
    table = data.synthetic
    return dataclasses.replace(
        table, rows=table.rows.iloc[chosen], labels=table.labels[chosen], parts=table.parts[chosen]
    )


LEARNER = ResponseLearner()
