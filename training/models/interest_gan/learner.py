"""How `interest_gan` is trained and measured: split by person; a classifier of its rows is tested on real rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.marts import TRAINING_RESPONSES
from contracts.tables.served import SYNTHETIC_RESPONSES
from lake_tables.consent import Consenting
from training.baselines import each_baseline
from training.learner import Context, Fitted, Learner, Measured, Signature
from training.loop import train_epochs
from training.models.interest_gan.admission import Admission, AdmissionConfig, admit
from training.models.interest_gan.constraints import learned_constraints, repaired
from training.models.interest_gan.measures import MEASURED_SEED, compared_rows, independent_columns, measured
from training.models.interest_gan.mixed_columns import MixedColumn, described, encode, fit_columns
from training.models.interest_gan.mixed_rows import FEWEST_ROWS, MixedRows, from_responses
from training.models.interest_gan.network import InterestGanConfig, build, counted_steps
from training.models.interest_gan.quality_charts import draw_quality
from training.models.interest_gan.row_vectors import layout_of
from training.models.interest_gan.sampling import Generator, random_inputs, synthesise
from training.models.interest_gan.synthetic_quality import Quality
from training.parts import Part
from training.people_rows import read_rows

MOST_ROWS = 1_000_000
"""Of a table of more rows, those of a sample of people are read; a training draws far fewer."""

_VALIDATION_ROWS = 3000
_PARITY_ROWS = 64
_ROWS_A_BATCH = 4096


@dataclass
class FittedInterestGan(Fitted):
    """A generator with its best weights, and the meaning of its codes."""

    generator: keras.Model
    columns: tuple[MixedColumn, ...]
    chances: list[list[float]]
    noise: int
    constraints: Sequence[Mapping[str, Any]] = ()
    """What holds between the columns of all rows that it learned from, as JSON values."""
    epochs: Sequence[Mapping[str, float]] = field(default_factory=list)

    def score(self, noise: np.ndarray, condition: np.ndarray) -> np.ndarray:
        return self.generator.predict([noise, condition], batch_size=_ROWS_A_BATCH, verbose=0)

    def save(self, folder: Path) -> Mapping[str, Path]:
        folder.mkdir(parents=True, exist_ok=True)
        files = {"generator": folder / "generator.keras", "table": folder / "table.json"}
        self.generator.save(files["generator"])
        table = {
            "columns": described(self.columns),
            "chances": self.chances,
            "noise": self.noise,
            "constraints": list(self.constraints),
        }
        files["table"].write_text(json.dumps(table, ensure_ascii=False))
        return files


class InterestGanLearner(Learner):
    """The learner of `interest_gan`. It requires the TensorFlow backend."""

    name = "interest_gan"
    table = TRAINING_RESPONSES.name
    unit = "rows that clicked"
    watched = "validation_likeness"
    config = InterestGanConfig
    signature = Signature(
        inputs={"rows": "long", "column": "string", "value": "string"},
        outputs={
            **{
                column.name: {"int": "long", "bigint": "long"}.get(column.type, column.type)
                for column in SYNTHETIC_RESPONSES.columns
            },
            "condition_met": "boolean",
        },
        parameters={"seed": 1},
        optional=("column", "value"),
    )

    def load(self, settings: Settings, ds: str) -> MixedRows:
        """The day's responses to campaigns, of weeks that are over and people who agreed to training, split by person.

        Raises:
            LakeError: the marts of that day were not built, a column is missing, or a person did not agree to training.
            NothingToLearn: too few rows, or only one label in the training or the test part.
        """
        lake = Lake(settings.home.lake)
        folder = lake.require(self.table, ds, made_by=f"python -m dbt_project.build --ds {ds}")
        columns = [*TRAINING_RESPONSES.key, *SYNTHETIC_RESPONSES.column_names]
        table = read_rows(folder, list(dict.fromkeys(columns)), most_rows=MOST_ROWS).to_pandas()
        Consenting.read(lake, ds, "training").require_agreed(self.table, table["person_id"].to_numpy(object))
        return from_responses(table)

    def fit(self, data: MixedRows, config: InterestGanConfig, context: Context) -> FittedInterestGan:
        """Train the generator.

        Raises:
            ModelError: a number is infinite.
        """
        train, validation = data.part(Part.TRAIN), data.part(Part.VALIDATION)[:_VALIDATION_ROWS]
        columns = fit_columns(train, data.kinds, config.seed)
        codes, offsets = encode(columns, train, np.random.default_rng(config.seed))
        layout = layout_of(columns, data.target)
        model = build(config, layout, codes, offsets)
        chances = [
            (np.bincount(codes[:, at], minlength=layout.widths[at]) / len(codes)).tolist() for at in layout.conditions
        ]
        fitted = FittedInterestGan(model.average, columns, chances, config.noise, learned_constraints(train))

        def validate() -> Mapping[str, float]:
            rows = synthesise(fitted, max(len(validation), FEWEST_ROWS), config.seed)
            rows = repaired(rows, fitted.constraints)
            quality = Quality(validation if len(validation) else train, rows, data.kinds)
            shape, trend = quality.column_shape, quality.pair_trend
            return {"column_shape": shape, "pair_trend": trend, self.watched: (shape + trend) / 2}

        fitted.epochs = train_epochs(
            model,
            counted_steps(config),
            validate=validate,
            watched=self.watched,
            epochs=config.epochs,
            patience=config.patience,
            minutes=config.minutes,
            context=context,
        )
        return fitted

    def measure(self, model: Generator, data: MixedRows) -> Measured:
        """A classifier that learned from synthetic rows alone ranks the test rows; the units are the positive ones."""
        train = compared_rows(data)
        return measured(self.rows(model, data, len(train), MEASURED_SEED), train, data)

    def rows(self, model: Generator, data: MixedRows, count: int, seed: int) -> pd.DataFrame:
        """Synthetic rows that keep what all real training rows keep, whichever code the generator was trained by."""
        return repaired(synthesise(model, count, seed), learned_constraints(data.part(Part.TRAIN)))

    def baselines(self, data: MixedRows) -> Mapping[str, Measured]:
        """Shuffled columns, which a generator must beat, and the real rows, which are the upper bound."""
        train = compared_rows(data)

        def of(rows: Callable[[], pd.DataFrame]) -> Callable[[], Measured]:
            return lambda: measured(rows(), train, data, with_privacy=False)

        return each_baseline(
            self.name, {"independent_columns": of(lambda: independent_columns(train)), "real": of(lambda: train)}
        )

    def slices(self, data: MixedRows) -> pd.DataFrame:
        """The campaign of each positive test row."""
        test = data.part(Part.TEST)
        positive = test[test[data.target].astype(bool)].reset_index(drop=True)
        return pd.DataFrame({name: positive[name].astype(str) for name in [data.groups] if name}, index=positive.index)

    def search_space(self, trial: Any) -> dict[str, Any]:
        return {
            "generator_units": trial.suggest_categorical("generator_units", [64, 128, 256]),
            "critic_units": trial.suggest_categorical("critic_units", [64, 128, 256]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5, step=0.125),
            "gradient_penalty": trial.suggest_float("gradient_penalty", 1.0, 20.0, log=True),
            "classifier_weight": trial.suggest_float("classifier_weight", 0.0, 2.0, step=0.5),
            "learning_rate": trial.suggest_float("learning_rate", 2e-4, 3e-3, log=True),
        }

    def people(self, data: MixedRows) -> np.ndarray | None:
        """The person of each row of `slices` (rows,); None for a table without people."""
        positive = data.frame[data.target].to_numpy(bool)
        return None if data.people is None else data.people[(data.parts == Part.TEST) & positive]

    def parity_inputs(self, fitted: Generator, data: MixedRows) -> tuple[np.ndarray, ...]:  # noqa: ARG002
        return random_inputs(fitted, _PARITY_ROWS, np.random.default_rng(MEASURED_SEED))

    def example(self, data: MixedRows) -> pd.DataFrame:
        name = data.groups or data.target
        value = str(data.frame[name].dropna().astype(str).mode()[0])
        return pd.DataFrame({"rows": [3, 2], "column": [None, name], "value": [None, value]})

    def privacy_notes(self) -> Sequence[str]:
        return (
            "Synthetic rows enter another model's training only through the admission gate: they must help under three "
            "seeds, stand no closer to learned rows than strangers do, and resist a membership attack.",
            "That is measured, not proven: the training is not differentially private.",
        )

    def admission(self, model: Generator, data: MixedRows, config: AdmissionConfig | None = None) -> Admission:
        """Whether rows of this generator may enter another model's training set; the test rows are the strangers."""
        config = config or AdmissionConfig()
        train = compared_rows(data)
        synthetic = [self.rows(model, data, len(train), config.seed + number) for number in range(1, config.seeds + 1)]
        test = data.part(Part.TEST)
        return admit(
            train,
            test,
            synthetic,
            kinds=data.kinds,
            features=data.features,
            target=data.target,
            config=config,
            constraints=learned_constraints(data.part(Part.TRAIN)),
        )

    def charts(
        self, model: Generator, data: MixedRows, measured: Measured, baselines: Mapping[str, Measured], folder: Path
    ) -> list[Path]:
        """Column shapes, pair trends, rare values, and the measured use of the rows, as PNG files."""
        train = compared_rows(data)
        quality = Quality(train, self.rows(model, data, len(train), MEASURED_SEED), data.kinds)
        aucs = {name.replace("_", " "): one.value for name, one in baselines.items()}
        return draw_quality(quality, {"synthetic": measured.value, **aucs}, folder)


LEARNER = InterestGanLearner()
