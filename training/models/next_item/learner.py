"""How `next_item` is trained and measured: on what people did in the last days, by what they had done before."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from contracts.errors import NothingToLearn
from contracts.lake import Lake
from contracts.settings import Settings
from lake_tables.consent import Consenting
from lake_tables.described_items import DescribedItems
from training.baselines import each_baseline
from training.gate.decision import gate_of
from training.integrated_gradients import completeness, integrated_gradients
from training.learner import COVERAGE, STANDARD_ERROR, Context, Fitted, Learner, Measured, Signature
from training.loop import train_epochs
from training.metrics.ranking import Scorer, overlap, rank_targets, same_for_everyone, without_seen
from training.metrics.standard_error import standard_error
from training.models.next_item.attack import attack_acts
from training.models.next_item.attributions import STEPS, history_path, shares_by_position
from training.models.next_item.batches import model_inputs, next_item_batches
from training.models.next_item.co_occurrence import item_neighbours, spectral_vectors
from training.models.next_item.contents import content_spec, features_of
from training.models.next_item.evaluation import Ranker, measured, rank_test, scorer, training_statistics
from training.models.next_item.logged import people_of_lists, rank_lists
from training.models.next_item.network import NextItem, NextItemConfig, build
from training.off_policy.logged_lists import LoggedLists
from training.parts import Part
from training.privacy.membership import AttackSignals
from training.sequences.histories import (
    Sequences,
    held_out_histories,
    recent_counts,
    require_held_out,
    training_histories,
)
from training.sequences.loading import GROUPS, load_sequences
from training.sequences.vocabulary import Kept, Vocabulary, most_frequent, training_vocabulary

FEWEST_PEOPLE = 10
"""Fewest held-out people; with fewer, measures mean nothing."""

RECENT_DAYS = 7
"""The recency baseline ranks by acts in the last days before the latest act, then by all acts."""

LENGTH_BANDS = {"1-4": 1, "5-9": 5, "10-19": 10, "20+": 20}
"""Slices by the number of acts before the first target: name and least number."""

PARITY_PEOPLE = 64

EXPLAINED_PEOPLE = 100
"""Number of held-out people whose attributions are averaged for the card."""


@dataclass
class FittedNextItem(Fitted):
    """A ranker with its best weights."""

    ranker: keras.Model
    item_ids: np.ndarray
    counts: np.ndarray
    max_length: int
    time_gap: bool
    taste: int
    epochs: Sequence[Mapping[str, float]] = field(default_factory=list)
    content: Mapping[str, Any] | None = None
    """How what the catalogue says of an item becomes its vector (`pyfunc.content_features`), with the `projection`."""
    kept: Kept | None = None
    """What the limit of the vocabulary left out."""

    def score(self, *inputs: np.ndarray) -> np.ndarray:
        return self.ranker.predict_on_batch(inputs if len(inputs) > 1 else inputs[0])

    def sizes(self) -> Mapping[str, int]:
        return {} if self.kept is None else self.kept.sizes()

    def save(self, folder: Path) -> Mapping[str, Path]:
        folder.mkdir(parents=True, exist_ok=True)
        files = {"ranker": folder / "ranker.keras", "vocabulary": folder / "vocabulary.json"}
        self.ranker.save(files["ranker"])
        vocabulary = {
            "item_ids": self.item_ids.tolist(),
            "counts": self.counts.tolist(),
            "max_length": self.max_length,
            "time_gap": self.time_gap,
            "taste": self.taste,
            "content": self.content,
        }
        files["vocabulary"].write_text(json.dumps(vocabulary, ensure_ascii=False))
        return files


class NextItemLearner(Learner):
    """The learner of `next_item`."""

    name = "next_item"
    table = "training_sequences"
    unit = "people"
    watched = "validation_ndcg_at_10"
    shows_items = True
    config = NextItemConfig
    signature = Signature(
        inputs={"history": "array<string>", "occurred_at": "array<any>", "taste_vector": "array<any>"},
        outputs={"items": "array<string>", "scores": "array<double>", "because": "array<string>"},
        parameters={"k": 10, "because": 1},
        optional=("history", "occurred_at", "taste_vector"),
    )

    def load(self, settings: Settings, ds: str) -> Sequences:
        """The day's sequences, categories of the day's catalogue, tastes of the latest day before the days held out.

        Raises:
            LakeError: the marts of that day were not built, or a person in them did not agree to training.
            ModelError: an act has no item or no time.
            NothingToLearn: too few people agreed to training, or have enough history.
        """
        lake = Lake(settings.home.lake)
        folder = lake.require(self.table, ds, made_by=f"python -m dbt_project.build --ds {ds}")
        gate = gate_of(self.name)
        sequences = load_sequences(
            folder,
            catalogue=DescribedItems.of(lake, ds),
            predictions=lambda until: latest_before(lake, "predictions", until),
            evaluated_people=gate.evaluated_people,
            scratch=settings.home.spill,
            days=gate.days(ds),
        )
        Consenting.read(lake, ds, "training").require_agreed(self.table, sequences.person_ids)
        require_held_out(sequences, at_least=FEWEST_PEOPLE)
        return sequences

    def fit(self, data: Sequences, config: NextItemConfig, context: Context) -> FittedNextItem:
        vocabulary = training_vocabulary(data)
        kept = most_frequent(vocabulary.counts, config.max_items)
        if kept.rare_items:
            context.say(kept.words)
            vocabulary = vocabulary.limited(kept)
        histories = training_histories(data, vocabulary)
        require_held_out(data, at_least=1)
        if len(vocabulary) < 2 or not len(histories):
            raise NothingToLearn(
                expected="at least two items, and one person with two of them before the held-out ones",
                received=f"{len(vocabulary)} items, {len(histories)} such people",
                remedy="wait for more data, or map more days",
            )
        taste = data.tastes.shape[1] if config.taste and data.tastes is not None else 0
        categories = vocabulary.categories(data) if config.category else None
        vectors = None
        if config.initialisation == "spectral":
            vectors = spectral_vectors(training_statistics(data, vocabulary), config.dimensions, seed=config.seed)
        if config.content and data.described is None:
            context.say("no catalogue of the day: items are known by the acts on them alone")
            config = dataclasses.replace(config, content=False)
        described = data.described.take(vocabulary.item_ids) if config.content else None
        content = content_spec(described) if config.content else None
        model = build(
            config,
            vocabulary.counts,
            vectors=vectors,
            categories=categories,
            taste_dimensions=taste,
            contents=features_of(described, content) if config.content else None,
            text=content["text"] if config.content else 0,
        )
        fitted = FittedNextItem(
            model.ranker(), vocabulary.item_ids, vocabulary.counts, config.max_length, config.time_gap, taste, kept=kept
        )
        batches = next_item_batches(
            histories,
            max_length=config.max_length,
            batch_size=config.batch_size,
            seed=config.seed,
            order_noise=config.order_noise,
            time_gap=config.time_gap,
            taste=taste,
        )
        fitted.epochs = train_epochs(
            model,
            batches,
            validate=self._validation(model, fitted, data, vocabulary, config),
            watched=self.watched,
            epochs=config.epochs,
            patience=config.patience,
            minutes=config.minutes,
            context=context,
        )
        model.refresh(fitted.ranker)
        if config.content:
            fitted.content = {**content, "projection": np.asarray(model.projection.kernel).tolist()}
        return fitted

    def measure(self, model: Ranker, data: Sequences) -> Measured:
        vocabulary = Vocabulary(model.item_ids, model.counts)
        return measured(rank_test(scorer(model), data, vocabulary, training_statistics(data, vocabulary)))

    def baselines(self, data: Sequences) -> Mapping[str, Measured]:
        """Popularity, popularity in the last days, and item-kNN on the history's latest items."""
        vocabulary = training_vocabulary(data)
        statistics = training_statistics(data, vocabulary)
        total = vocabulary.counts
        recent = recent_counts(data, vocabulary, days=RECENT_DAYS) + total / (total.max() + 1)
        scorers = {
            "popularity": same_for_everyone(total),
            "recency": same_for_everyone(recent),
            "item_knn": item_neighbours(statistics),
        }

        def of(score: Scorer) -> Callable[[], Measured]:
            return lambda: measured(rank_test(score, data, vocabulary, statistics))

        return each_baseline(self.name, {name: of(score) for name, score in scorers.items()})

    def slices(self, data: Sequences) -> pd.DataFrame:
        people = data.evaluated
        unknown = np.full(len(data.person_ids), "unknown")
        groups = {name: data.groups.get(name, unknown)[people] for name in GROUPS}
        names = np.array(list(LENGTH_BANDS))
        band = np.digitize(data.tested_after, list(LENGTH_BANDS.values())) - 1
        return pd.DataFrame({**groups, "history": names[band]})

    def parity_inputs(self, fitted: Ranker, data: Sequences) -> tuple[np.ndarray, ...]:
        histories, _ = held_out_histories(data, Vocabulary(fitted.item_ids, fitted.counts), part=Part.TEST)
        sample = histories.take(slice(PARITY_PEOPLE))
        return model_inputs(sample, fitted.max_length, time_gap=fitted.time_gap, taste=fitted.taste)

    def example(self, data: Sequences) -> pd.DataFrame:
        """Made-up histories: the first items by id, acted on at midnight of the two latest days."""
        items = [str(item) for item in data.item_ids[:3]]
        today = data.latest.astype("datetime64[D]")
        seconds = [float(day.astype("datetime64[s]").astype(float)) for day in (today - 1, today)]
        size = 0 if data.tastes is None else data.tastes.shape[1]
        histories = {"history": [items[:2], items[-1:]], "occurred_at": [seconds, seconds[-1:]]}
        return pd.DataFrame({**histories, "taste_vector": [[0.0] * max(size, 1)] * 2})

    def search_space(self, trial: Any) -> dict[str, Any]:
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
        if loss == "softmax":
            values["label_smoothing"] = trial.suggest_float("label_smoothing", 0.0, 0.3, step=0.1)
        else:
            values["negatives"] = trial.suggest_categorical("negatives", [128, 256, 512])
            values["popularity_power"] = trial.suggest_float("popularity_power", 0.0, 1.0, step=0.25)
        if loss == "gbce":
            values["calibration"] = trial.suggest_float("calibration", 0.0, 1.0, step=0.25)
        return values

    def membership_scores(self, model: Ranker, data: Sequences) -> AttackSignals:
        """Attacks on acts that were learned from and on those of the test."""
        return attack_acts(scorer(model), data, Vocabulary(model.item_ids, model.counts))

    def learned_until(self, data: Sequences) -> str:
        return str(data.learned_until)

    def tested_from(self, data: Sequences) -> str | None:
        return None if data.split is None else str(data.split.test_from)

    def everything(self, data: Sequences) -> Sequences:
        return dataclasses.replace(data, everything=True)

    def drift(self, before: Ranker, after: Ranker, data: Sequences) -> Mapping[str, float]:
        """The share of the ten best items of the one that are among those of the other."""
        tops = []
        for model in (before, after):
            vocabulary = Vocabulary(model.item_ids, model.counts)
            histories, targets = held_out_histories(data, vocabulary, part=Part.TEST)
            top = rank_targets(scorer(model), histories, targets, items=len(vocabulary)).top
            tops.append(np.where(top >= 0, np.append(model.item_ids, "")[top], None))
        return {"same_of_ten": overlap(*tops)}

    def data_notes(self, data: Sequences) -> Sequence[str]:
        return () if data.split is None else (data.split.words,)

    def people_of_lists(self, data: Sequences) -> tuple[np.ndarray, np.ndarray]:
        return people_of_lists(data)

    def rank_lists(self, model: Ranker, data: Sequences, lists: LoggedLists) -> np.ndarray:
        return rank_lists(model, data, lists)

    def attributions(self, model: Ranker, data: Sequences) -> Mapping[str, float]:
        """Share of each position in the history, counted from its end, in the attributions of the best item."""
        attributions, codes, _, _ = self._attributions_of_best(model, data, EXPLAINED_PEOPLE)
        return shares_by_position(attributions, codes)

    def explain(self, model: Ranker, data: Sequences, rows: int) -> Iterable[Mapping[str, Any]]:
        """For a few held-out people, how much each item of the history moved the score of the best item."""
        attributions, codes, best, missing = self._attributions_of_best(model, data, rows)
        for row in range(len(codes)):
            known = codes[row] > 0
            yield {
                "history": model.item_ids[codes[row][known] - 1].tolist(),
                "moved": attributions[row][known].tolist(),
                "item": str(model.item_ids[best[row]]),
                "completeness": float(missing[row]),
            }

    def _attributions_of_best(self, model: Ranker, data: Sequences, people: int) -> tuple[np.ndarray, ...]:
        """Attributions and codes (people, step), index of the best item and completeness (people,)."""
        histories, _ = held_out_histories(data, Vocabulary(model.item_ids, model.counts), part=Part.TEST)
        histories = histories.take(slice(people))
        inputs = model_inputs(histories, model.max_length, time_gap=model.time_gap, taste=model.taste)
        best = without_seen(np.asarray(model.score(*inputs)), histories).argmax(axis=1)
        path = history_path(model.ranker, inputs, best)
        attributions = integrated_gradients(*path, steps=STEPS)
        return attributions.sum(axis=-1), inputs[0], best, completeness(*path, attributions)

    def _validation(
        self, model: NextItem, fitted: Ranker, data: Sequences, vocabulary: Vocabulary, config: NextItemConfig
    ):
        """Validation of NDCG@10 on at most `validation_people` people."""
        histories, targets = held_out_histories(data, vocabulary, part=Part.VALIDATION)
        people = np.random.default_rng(config.seed).permutation(len(histories))[: config.validation_people]
        histories, targets = histories.take(people), targets[people]

        def validate() -> Mapping[str, float]:
            model.refresh(fitted.ranker)
            ranking = rank_targets(scorer(fitted), histories, targets, items=len(vocabulary))
            return {
                self.watched: float(ranking.ndcg.mean()),
                STANDARD_ERROR: standard_error(ranking.ndcg),
                COVERAGE: ranking.coverage,
            }

        return validate


def latest_before(lake: Lake, table: str, day: str) -> Path | None:
    """The partition of a table of the latest day before a day; None without one."""
    earlier = [one for one in lake.days(table, until=day) if one < day]
    return lake.partition(table, earlier[-1]) if earlier else None


LEARNER = NextItemLearner()
