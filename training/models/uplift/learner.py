"""How `uplift` is trained and measured: on experiments alone, split by person."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import pandas as pd

from contracts.lake import Lake
from contracts.settings import Settings
from lake_tables.consent import Consenting
from training.baselines import each_baseline
from training.integrated_gradients import mean_shares
from training.learner import Context, Learner, Measured, Signature
from training.models.response.features import category_column
from training.models.response.fitted import FittedWithOrders
from training.models.response.orders import mean_order_values
from training.models.uplift.attributions import effect_attributions
from training.models.uplift.baselines import baseline_scores
from training.models.uplift.fitting import FittedUplift, fit_experiment
from training.models.uplift.loading import (
    CATEGORIES,
    CLICK,
    NUMBERS,
    OUTCOMES,
    PURCHASE,
    Experiments,
    load_experiments,
)
from training.models.uplift.measures import METRIC, measured
from training.models.uplift.network import UpliftConfig
from training.parts import Part

SLICES = ("age_band", "gender", "region")

PARITY_ROWS = 64
EXPLAINED_ROWS = 512
"""Most test rows over which attributions are averaged."""


class UpliftPredictor(Protocol):
    """What can be measured: the model just trained, or the object behind the registered pyfunc."""

    embedder: keras.Model
    """Numbers and codes to features (batch, width)."""
    head: keras.Model
    """Features to logits of all outcomes without the message, then with it (batch, arms * outcomes)."""
    feature_slices: Mapping[str, list[int]]
    """Start and end of each column's features in the output of the embedder."""
    order_value: float
    """Euros of a mean order, over all campaigns."""
    order_values: Mapping[str, float]
    """Euros of a mean order of each campaign."""

    def encode(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Raw columns to numbers (rows, 2 * numbers) and codes (rows, categories)."""

    def score(self, numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """What sending changes in the chances to come and to buy (rows, 2)."""


@dataclass
class FittedExperiments(FittedWithOrders):
    """A net with its best weights, and the euros of a mean order."""

    net: FittedUplift

    def save(self, folder: Path) -> Mapping[str, Path]:
        return self.net.save(folder, order_value=self.order_value, order_values=dict(self.order_values))


class UpliftLearner(Learner):
    """The learner of `uplift`."""

    name = "uplift"
    table = "training_uplift"
    unit = "people"
    watched = "validation_likelihood"
    metric = METRIC
    config = UpliftConfig
    signature = Signature(
        inputs={**dict.fromkeys(CATEGORIES, "string"), **dict.fromkeys(NUMBERS, "double")},
        outputs={**{f"uplift_{outcome}": "double" for outcome in OUTCOMES}, "uplift_euros": "double"},
        optional=(*CATEGORIES[1:], *NUMBERS),
    )

    def load(self, settings: Settings, ds: str) -> Experiments:
        """The day's experiments.

        Raises:
            LakeError: the marts of that day were not built, a column is missing, or a person did not agree to training.
            NothingToLearn: no experiment, or too few people in it.
        """
        lake = Lake(settings.home.lake)
        data = load_experiments(lake.require(self.table, ds, made_by=f"python -m dbt_project.build --ds {ds}"))
        Consenting.read(lake, ds, "training").require_agreed(self.table, data.people)
        return data

    def fit(self, data: Experiments, config: UpliftConfig, context: Context) -> FittedExperiments:
        train = data.table.learned
        campaigns = category_column(data.table.rows, "campaign")[train]
        net = fit_experiment(data.table, config, context, watched=self.watched)
        return FittedExperiments(net, *mean_order_values(campaigns, data.euros[train]))

    def everything(self, data: Experiments) -> Experiments:
        return dataclasses.replace(data, table=dataclasses.replace(data.table, everything=True))

    def keep_calibration(self, fitted: FittedExperiments, judged: UpliftPredictor) -> None:
        """How much of the differences holds, which only people show from whom nothing was learned."""
        fitted.net.slopes = np.array(judged.slopes)

    def drift(self, before: UpliftPredictor, after: UpliftPredictor, data: Experiments) -> Mapping[str, float]:
        """The rank correlation of the changes in the chance to come of the test rows."""
        rows = data.table.rows.iloc[data.table.indices(Part.TEST)]
        changes = [pd.Series(model.score(*model.encode(rows))[:, CLICK]) for model in (before, after)]
        return {"same_order": float(changes[0].corr(changes[1], method="spearman"))}

    def measure(self, model: UpliftPredictor, data: Experiments) -> Measured:
        rows = data.table.rows.iloc[data.table.indices(Part.TEST)]
        changes = model.score(*model.encode(rows))
        euros = pd.Series(category_column(rows, "campaign")).map(dict(model.order_values)).fillna(model.order_value)
        scores = {name: changes[:, outcome] for outcome, name in enumerate(OUTCOMES)}
        return measured(data, {**scores, "euros": changes[:, PURCHASE] * euros.to_numpy("float64")})

    def baselines(self, data: Experiments) -> Mapping[str, Measured]:
        """Two logistic regressions, class transformation, response ranking, and no order at all.

        Each ranks people by euros with its own purchases; where an outcome is too rare for one, it is left out there.
        """
        by_outcome = {name: baseline_scores(data.table, outcome) for outcome, name in enumerate(OUTCOMES)}
        purchases = by_outcome["purchase"]
        ways = {
            name: lambda name=name, clicks=clicks: measured(
                data,
                {
                    "click": clicks,
                    **({"purchase": purchases[name], "euros": purchases[name]} if name in purchases else {}),
                },
            )
            for name, clicks in by_outcome["click"].items()
        }
        return each_baseline(self.name, ways)

    def slices(self, data: Experiments) -> pd.DataFrame:
        """Of each test person, as in the person's first row (people, kinds)."""
        test = data.table.indices(Part.TEST)
        codes = pd.factorize(data.people[test])[0]
        first = test[np.unique(codes, return_index=True)[1]]
        return data.table.rows.iloc[first][list(SLICES)].astype(str).reset_index(drop=True)

    def search_space(self, trial: Any) -> dict[str, Any]:
        return {
            "cross_layers": trial.suggest_int("cross_layers", 0, 2),
            "deep_layers": trial.suggest_int("deep_layers", 0, 2),
            "deep_units": trial.suggest_categorical("deep_units", [16, 32, 64]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5, step=0.1),
            "interaction_penalty": trial.suggest_float("interaction_penalty", 1e-4, 1e-1, log=True),
            "effect_penalty": trial.suggest_float("effect_penalty", 1e-4, 1e-1, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        }

    def parity_inputs(self, fitted: UpliftPredictor, data: Experiments) -> tuple[np.ndarray, ...]:
        return fitted.encode(data.table.rows.iloc[data.table.indices(Part.TEST)[:PARITY_ROWS]])

    def example(self, data: Experiments) -> pd.DataFrame:
        """Two made-up rows in the largest experiment: the model's files may hold no person's row."""
        words = dict.fromkeys(CATEGORIES, "unknown") | {"campaign": str(data.table.rows["campaign"].mode()[0])}
        return pd.DataFrame([{**words, **dict.fromkeys(NUMBERS, number)} for number in (0.0, 1.0)])

    def attributions(self, model: UpliftPredictor, data: Experiments) -> Mapping[str, float]:
        """Share of each column in the attributions of the effect on clicks, largest first."""
        rows = data.table.rows.iloc[data.table.indices(Part.TEST)]
        if len(rows) > EXPLAINED_ROWS:
            rows = rows.sample(EXPLAINED_ROWS, random_state=0)
        return mean_shares(effect_attributions(model, rows)[0])

    def explain(self, model: UpliftPredictor, data: Experiments, rows: int) -> Iterable[Mapping[str, Any]]:
        """For a few test rows, how much each column moved the effect on clicks, against the mean of all test rows."""
        test = data.table.rows.iloc[data.table.indices(Part.TEST)]
        columns, missing = effect_attributions(model, test, rows)
        changes = model.score(*model.encode(test.iloc[:rows]))[:, CLICK]
        for row in range(len(changes)):
            sums = {name: float(values[row]) for name, values in columns.items()}
            yield {
                "row": {name: None if pd.isna(value) else value for name, value in test.iloc[row].to_dict().items()},
                "uplift_click": float(changes[row]),
                "moved": dict(sorted(sums.items(), key=lambda one: -abs(one[1]))),
                "completeness": float(missing[row]),
            }


LEARNER = UpliftLearner()
