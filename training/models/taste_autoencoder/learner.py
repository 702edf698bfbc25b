"""How `taste_autoencoder` is trained and measured: on what people chose in the last days, all before it visible."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import pandas as pd

from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from lake_tables.consent import Consenting
from training.baselines import each_baseline
from training.gate.decision import gate_of
from training.learner import COVERAGE, STANDARD_ERROR, Context, Fitted, Learner, Measured, Signature
from training.loop import train_epochs
from training.metrics.ranking import overlap
from training.metrics.standard_error import standard_error
from training.models.taste_autoencoder.attack import attack_baskets
from training.models.taste_autoencoder.baselines import popularity, tuned_ease
from training.models.taste_autoencoder.basket_metrics import PaddedScorer, best_items, measured, pad, rank_baskets
from training.models.taste_autoencoder.baskets import (
    Baskets,
    baskets_from,
    require_enough,
)
from training.models.taste_autoencoder.batches import basket_batches, require_cells
from training.models.taste_autoencoder.ease import too_many_items
from training.models.taste_autoencoder.network import TasteAutoencoderConfig, build
from training.models.taste_autoencoder.private_baskets import (
    basket_spending,
    noised_counts,
    people_batches,
    public_items,
)
from training.privacy.accounting import Spending
from training.privacy.membership import AttackSignals
from training.sequences.loading import GROUPS, load_sequences
from training.sequences.vocabulary import Kept, most_frequent, unknown_items

FEWEST_PEOPLE = 10
"""Fewest held-out people; with fewer, measures mean nothing."""

LENGTH_BANDS = {"1-4": 1, "5-9": 5, "10-19": 10, "20+": 20}
"""Slices by the number of visible items: name and least number."""

EASE_PENALTIES = (100.0, 300.0, 1000.0)
"""Penalties of EASE; the validation part chooses one."""

NIGHTLY_EASE_ITEMS = 5_000
"""Most items for which a nightly run fits EASE: seconds per penalty here, and 64 times as long with 20,000 items."""

PARITY_PEOPLE = 64

_CELLS_A_BATCH = 4_000_000


class Ranker(Protocol):
    """What can be measured: the model just trained, or the object behind the registered pyfunc."""

    item_ids: np.ndarray
    """(items,)"""

    def score(self, padded: np.ndarray) -> np.ndarray:
        """Item codes (people, longest), 0 for padding, to scores of all items (people, items)."""


@dataclass(frozen=True)
class TasteData:
    """Baskets of people who agreed to training, and these people's groups."""

    baskets: Baskets
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By the name of the column (people,)."""
    catalogue: np.ndarray | None = None
    """Ids of the catalogue's items, which are the items of a private training (items,); None without a catalogue."""

    def content_hash(self) -> str:
        total = hashlib.sha256(self.baskets.content_hash().encode())
        for name, values in sorted(self.groups.items()):
            total.update(f"{name}\0{chr(10).join(values)}\0".encode())
        return total.hexdigest()

    def describe(self) -> Mapping[str, int]:
        return {
            "people": len(self.baskets.person_ids),
            "people_held_out": self.baskets.held_out,
            "people_evaluated": len(self.baskets.test),
            "items": len(self.baskets.known),
            "choices": int(self.baskets.rows.nnz),
        }


@dataclass
class FittedTasteAutoencoder(Fitted):
    """A ranker with its best weights."""

    ranker: keras.Model
    item_ids: np.ndarray
    """(items,)"""
    counts: np.ndarray
    """People of the training part who chose each item (items,)."""
    kept: Kept
    """What the limit of the vocabulary left out."""
    epochs: Sequence[Mapping[str, float]] = field(default_factory=list)

    def sizes(self) -> Mapping[str, int]:
        return self.kept.sizes()

    def score(self, padded: np.ndarray) -> np.ndarray:
        """Item codes (people, longest), 0 for padding, to scores of all items (people, items)."""
        size = max(1, _CELLS_A_BATCH // len(self.item_ids))
        parts = [self._score(padded[start : start + size]) for start in range(0, max(1, len(padded)), size)]
        return np.concatenate(parts)

    def save(self, folder: Path) -> Mapping[str, Path]:
        folder.mkdir(parents=True, exist_ok=True)
        files = {"ranker": folder / "ranker.keras", "vocabulary": folder / "vocabulary.json"}
        self.ranker.save(files["ranker"])
        vocabulary = {"item_ids": self.item_ids.tolist(), "counts": self.counts.tolist()}
        files["vocabulary"].write_text(json.dumps(vocabulary, ensure_ascii=False))
        return files

    def _score(self, padded: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(padded), len(self.item_ids) + 1), "float32")
        np.put_along_axis(rows, padded, 1.0, axis=1)
        return self.ranker.predict_on_batch(rows[:, 1:])["scores"]


class TasteAutoencoderLearner(Learner):
    """The learner of `taste_autoencoder`."""

    name = "taste_autoencoder"
    table = "training_sequences"
    unit = "people"
    watched = "validation_ndcg_at_100"
    shows_items = True
    config = TasteAutoencoderConfig
    signature = Signature(
        inputs={"history": "array<string>"},
        outputs={"items": "array<string>", "scores": "array<double>", "taste_vector": "array<double>"},
        parameters={"k": 10},
        optional=("history",),
    )

    def __init__(self, ease_items: int = NIGHTLY_EASE_ITEMS) -> None:
        self.ease_items = ease_items

    def load(self, settings: Settings, ds: str) -> TasteData:
        """The baskets of the day's sequences.

        Raises:
            LakeError: the marts of that day were not built, or a person in them did not agree to training.
            ModelError: an act has no item or no time.
            NothingToLearn: too few people agreed to training, or chose enough items.
        """
        lake = Lake(settings.home.lake)
        folder = lake.require(self.table, ds, made_by=f"python -m dbt_project.build --ds {ds}")
        gate = gate_of(self.name)
        sequences = load_sequences(
            folder, evaluated_people=gate.evaluated_people, scratch=settings.home.spill, days=gate.days(ds)
        )
        Consenting.read(lake, ds, "training").require_agreed(self.table, sequences.person_ids)
        baskets = baskets_from(sequences)
        require_enough(baskets, people=FEWEST_PEOPLE)
        return TasteData(baskets, sequences.groups, public_items(lake.partition("dim_item", ds)))

    def fit(self, data: TasteData, config: TasteAutoencoderConfig, context: Context) -> FittedTasteAutoencoder:
        baskets = data.baskets
        require_enough(baskets, people=1)
        spent = self.spending(data, config)
        if spent is None:
            item_ids, counts = baskets.distinct_ids[baskets.known], baskets.counts[baskets.known]
        else:
            item_ids = data.catalogue
            counts = noised_counts(baskets.rows_of(item_ids), spent)
        kept = most_frequent(counts, config.max_items)  # of noised counts it discloses no more than they do
        if kept.rare_items:
            context.say(kept.words)
        item_ids, counts = item_ids[kept.places], counts[kept.places]
        require_cells(config.batch_size, len(item_ids), config.batch_cells)
        model = build(config, counts, spent=spent)
        fitted = FittedTasteAutoencoder(model.ranker(), item_ids, counts, kept)

        validated = baskets.some_of(baskets.validation, config.validation_people)

        def validate() -> Mapping[str, float]:
            ranking = rank_baskets(fitted.score, fitted.item_ids, validated, baskets.distinct_ids)
            ndcg = ranking.ndcg(100)
            return {self.watched: float(ndcg.mean()), STANDARD_ERROR: standard_error(ndcg), COVERAGE: ranking.coverage}

        fitted.epochs = train_epochs(
            model,
            (
                basket_batches(baskets, kept.places, config)
                if spent is None
                else people_batches(baskets.rows_of(item_ids), config, spent)
            ),
            validate=validate,
            watched=self.watched,
            epochs=config.epochs,
            patience=config.patience,
            minutes=config.minutes,
            context=context,
            keep="best" if spent is None else "last",
        )
        return fitted

    def spending(self, data: TasteData, config: TasteAutoencoderConfig) -> Spending | None:
        """The privacy budget that a training spends; None for a plain training.

        Raises:
            ModelError: a private training without a catalogue.
        """
        return basket_spending(data.baskets, data.catalogue, config) if config.privacy.on else None

    def membership_scores(self, model: Ranker, data: TasteData) -> AttackSignals:
        """Attacks on the baskets of people in the training part, and of people whom it never saw."""
        return attack_baskets(model.score, model.item_ids, data.baskets)

    def learned_until(self, data: TasteData) -> str | None:
        return None if data.baskets.later is None else str(data.baskets.later.sequences.learned_until)

    def tested_from(self, data: TasteData) -> str | None:
        return None if data.baskets.later is None else str(data.baskets.later.split.test_from)

    def everything(self, data: TasteData) -> TasteData | None:
        """All choices of all people but the strangers."""
        return None if data.baskets.later is None else dataclasses.replace(data, baskets=data.baskets.everything())

    def drift(self, before: Ranker, after: Ranker, data: TasteData) -> Mapping[str, float]:
        """The share of the ten best items of the one that are among those of the other."""
        test, distinct = data.baskets.test, data.baskets.distinct_ids
        tops = [best_items(model.score, model.item_ids, test, distinct) for model in (before, after)]
        return {"same_of_ten": overlap(*tops)}

    def data_notes(self, data: TasteData) -> Sequence[str]:
        return () if data.baskets.later is None else (data.baskets.later.split.words,)

    def measure(self, model: Ranker, data: TasteData) -> Measured:
        baskets = data.baskets
        never_shown = unknown_items(model.item_ids, baskets.distinct_ids[baskets.known])
        return measured(
            rank_baskets(model.score, model.item_ids, baskets.test, baskets.distinct_ids, never_shown=never_shown)
        )

    def baselines(self, data: TasteData) -> Mapping[str, Measured]:
        """Popularity, and EASE if its matrix of items x items is not too large."""
        baskets = data.baskets
        item_ids = baskets.distinct_ids[baskets.known]
        scorers = {"popularity": lambda: popularity(baskets)}
        reason = too_many_items(len(item_ids), self.ease_items)
        if reason:
            say(f"{self.name}: without the baseline ease: {reason}")
        else:
            scorers["ease"] = lambda: tuned_ease(baskets, EASE_PENALTIES)[0]

        def of(scorer: Callable[[], PaddedScorer]) -> Callable[[], Measured]:
            return lambda: measured(rank_baskets(scorer(), item_ids, baskets.test, baskets.distinct_ids))

        return each_baseline(self.name, {name: of(scorer) for name, scorer in scorers.items()})

    def slices(self, data: TasteData) -> pd.DataFrame:
        test = data.baskets.test
        unknown = np.full(len(data.baskets.person_ids), "unknown")
        groups = {name: data.groups.get(name, unknown)[test.people] for name in GROUPS}
        names = np.array(list(LENGTH_BANDS))
        band = np.digitize(np.diff(test.visible.indptr), list(LENGTH_BANDS.values())) - 1
        return pd.DataFrame({**groups, "history": names[band]})

    def parity_inputs(self, fitted: Ranker, data: TasteData) -> tuple[np.ndarray, ...]:
        codes = pd.Index(fitted.item_ids).get_indexer(data.baskets.distinct_ids) + 1
        return (pad(data.baskets.test.visible[:PARITY_PEOPLE], codes),)

    def search_space(self, trial: Any) -> dict[str, Any]:
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

    def example(self, data: TasteData) -> pd.DataFrame:
        """Made-up baskets: the first items by id."""
        items = [str(item) for item in data.baskets.distinct_ids[:3]]
        return pd.DataFrame({"history": [items[:2], items[-1:]]})


LEARNER = TasteAutoencoderLearner()
