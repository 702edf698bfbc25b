"""How `interest_gan` is trained and measured: split by person, trained on synthetic and tested on real rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import pandas as pd

from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.marts import TRAINING_RESPONSES
from contracts.tables.served import SYNTHETIC_RESPONSES
from training.consent import require_agreed
from training.learner import Context, Fitted, Learner, Measured, Signature
from training.loop import train_epochs
from training.metrics.auc import placements
from training.models.interest_gan.admission import Admission, AdmissionConfig, admit, measure_privacy
from training.models.interest_gan.mixed_columns import MixedColumn, decode, described, encode, fit_columns
from training.models.interest_gan.mixed_rows import (
    FEWEST_ROWS,
    TARGET,
    MixedRows,
    from_responses,
)
from training.models.interest_gan.network import InterestGanConfig, build, counted_steps
from training.models.interest_gan.quality_charts import draw_quality
from training.models.interest_gan.row_vectors import draw_codes, draw_conditions, layout_of
from training.models.interest_gan.synthetic_quality import Quality, classifier_chances
from training.parts import Part

_COMPARED_ROWS = 20_000  # most rows that the classifier and the quality report take, real and synthetic alike
_VALIDATION_ROWS = 3000
_MEASURED_SEED = 11
_PARITY_ROWS = 64
_ROWS_A_BATCH = 4096


class Generator(Protocol):
    """What is measured: the model just trained, or the object behind the registered pyfunc."""

    columns: tuple[MixedColumn, ...]
    chances: Sequence[Sequence[float]]
    """Share of training rows of each value, by conditional column."""
    noise: int
    """Size of the random vector."""

    def score(self, noise: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """Noise (row, noise) and one-hot conditions (row, value) to raw rows (row, size)."""


@dataclass
class FittedInterestGan(Fitted):
    """A generator with its best weights, and what its codes mean."""

    generator: keras.Model
    columns: tuple[MixedColumn, ...]
    chances: list[list[float]]
    noise: int
    epochs: Sequence[Mapping[str, float]] = field(default_factory=list)

    def score(self, noise: np.ndarray, condition: np.ndarray) -> np.ndarray:
        return self.generator.predict([noise, condition], batch_size=_ROWS_A_BATCH, verbose=0)

    def save(self, folder: Path) -> Mapping[str, Path]:
        folder.mkdir(parents=True, exist_ok=True)
        files = {"generator": folder / "generator.keras", "table": folder / "table.json"}
        self.generator.save(files["generator"])
        table = {"columns": described(self.columns), "chances": self.chances, "noise": self.noise}
        files["table"].write_text(json.dumps(table, ensure_ascii=False))
        return files


class InterestGanLearner(Learner):
    """The learner of `interest_gan`. It needs the TensorFlow backend."""

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
        """The day's answers to campaigns: weeks that are over, people who agreed to training, split by person.

        Raises:
            LakeError: the marts of that day were not built, or somebody in them did not agree to training.
            NothingToLearn: too few rows, or one answer alone in the training or the test part.
        """
        lake = Lake(settings.home.lake)
        folder = lake.require(self.table, ds, made_by=f"python -m dbt_project.build --ds {ds}")
        files = sorted(folder.resolve().glob("*.parquet"))
        table = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
        require_agreed(lake, self.table, ds, table["person_id"].to_numpy(object))
        return from_responses(table)

    def fit(self, data: MixedRows, config: InterestGanConfig, context: Context) -> FittedInterestGan:
        """Raises ModelError where a number is infinite or a column has too many categories."""
        train, validation = data.part(Part.TRAIN), data.part(Part.VALIDATION)[:_VALIDATION_ROWS]
        columns = fit_columns(train, data.kinds, config.seed)
        codes, offsets = encode(columns, train, np.random.default_rng(config.seed))
        layout = layout_of(columns, data.target)
        model = build(config, layout, codes, offsets)
        chances = [
            (np.bincount(codes[:, at], minlength=layout.widths[at]) / len(codes)).tolist() for at in layout.conditions
        ]
        fitted = FittedInterestGan(model.average, columns, chances, config.noise)

        def validate() -> Mapping[str, float]:
            made = synthesise(fitted, max(len(validation), FEWEST_ROWS), config.seed)
            quality = Quality(validation if len(validation) else train, made, data.kinds)
            shape, trend = quality.column_shape, quality.pair_trend
            return {"column_shape": shape, "pair_trend": trend, self.watched: (shape + trend) / 2}

        fitted.epochs = train_epochs(
            model,
            counted_steps(config),
            validate=validate,
            watched=self.watched,
            epochs=config.epochs,
            patience=config.patience,
            context=context,
        )
        return fitted

    def measure(self, model: Generator, data: MixedRows) -> Measured:
        """A classifier that learned from synthetic rows alone ranks the test rows; units are its positive rows."""
        train = _compared(data)
        return measured(synthesise(model, len(train), _MEASURED_SEED), train, data)

    def baselines(self, data: MixedRows) -> Mapping[str, Measured]:
        """Each column drawn on its own, which a generator must beat; and the real rows, which are the upper line."""
        train = _compared(data)
        tables = {"independent_columns": _apart(train), "real": train}
        return {name: measured(rows, train, data, with_privacy=False) for name, rows in tables.items()}

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
        """The person of each row of `slices` (rows,); None where the rows are of nobody."""
        positive = data.frame[data.target].to_numpy(bool)
        return None if data.people is None else data.people[(data.parts == Part.TEST) & positive]

    def parity_inputs(self, fitted: Generator, data: MixedRows) -> tuple[np.ndarray, ...]:  # noqa: ARG002
        return inputs(fitted, _PARITY_ROWS, np.random.default_rng(_MEASURED_SEED))

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
        """Whether this generator's rows may enter the training set of another model; test rows are the strangers."""
        config = config or AdmissionConfig()
        train = _compared(data)
        synthetic = [synthesise(model, len(train), config.seed + number) for number in range(1, config.seeds + 1)]
        test = data.part(Part.TEST)
        return admit(
            train, test, synthetic, kinds=data.kinds, features=data.features, target=data.target, config=config
        )

    def charts(
        self, model: Generator, data: MixedRows, measured: Measured, baselines: Mapping[str, Measured], folder: Path
    ) -> list[Path]:
        """Shapes, pair trends, what is rare, and the use of the rows as it was measured, as PNG files."""
        train = _compared(data)
        quality = Quality(train, synthesise(model, len(train), _MEASURED_SEED), data.kinds)
        others = {name.replace("_", " "): one.value for name, one in baselines.items()}
        return draw_quality(quality, {"synthetic": measured.value, **others}, folder)


def synthesise(model: Generator, rows: int, seed: int) -> pd.DataFrame:
    """Synthetic rows with the columns of the table that was learned: Int64, float64, boolean and object columns."""
    random = np.random.default_rng(seed)
    layout = layout_of(model.columns, TARGET)
    raw = model.score(*inputs(model, rows, random)) if rows > 0 else np.zeros((0, layout.size))
    return decode(model.columns, *draw_codes(raw, layout, random))


def inputs(model: Generator, rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random noise (row, noise) and one-hot conditions (row, value), float32."""
    values = draw_conditions(model.chances, rows, random)
    condition = np.zeros((rows, sum(len(one) for one in model.chances)), "float32")
    condition[np.arange(rows), values] = 1.0
    return random.standard_normal((rows, model.noise), dtype="float32"), condition


def measured(synthetic: pd.DataFrame, train: pd.DataFrame, data: MixedRows, *, with_privacy: bool = True) -> Measured:
    """Synthetic rows by their use on the test part, and by their likeness and closeness to the training rows."""
    values = _ranked(synthetic, data)
    quality = Quality(train, synthetic, data.kinds)
    metrics = {
        "tstr_auc": float(values.mean()),
        "column_shape": quality.column_shape,
        "pair_trend": quality.pair_trend,
        "minority_modes": quality.minority_modes,
    }
    if with_privacy:
        privacy = measure_privacy(train, data.part(Part.TEST), synthetic, data.kinds)
        metrics |= {"nearest_distance_ratio": privacy.ratio, "membership_auc": privacy.membership_auc}
    return Measured("tstr_auc", values, metrics)


def _ranked(learned_from: pd.DataFrame, data: MixedRows) -> np.ndarray:
    """For each positive test row the share of negative ones that a classifier puts below it (positive,)."""
    test = data.part(Part.TEST)
    kinds = {name: data.kinds[name] for name in data.features}
    chances = classifier_chances(learned_from, test, kinds, data.target, _MEASURED_SEED)
    return placements(chances, test[data.target].astype(bool).to_numpy(), tie=0.5)


def _apart(rows: pd.DataFrame) -> pd.DataFrame:
    """Each column in an order of its own."""
    random = np.random.default_rng(_MEASURED_SEED)
    return rows.apply(lambda column: column.to_numpy()[random.permutation(len(rows))])


def _compared(data: MixedRows) -> pd.DataFrame:
    """The training rows, or as many of them as comparing takes."""
    train = data.part(Part.TRAIN)
    if len(train) <= _COMPARED_ROWS:
        return train
    chosen = np.sort(np.random.default_rng(_MEASURED_SEED).permutation(len(train))[:_COMPARED_ROWS])
    return train.iloc[chosen].reset_index(drop=True)


LEARNER = InterestGanLearner()
