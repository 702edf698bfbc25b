"""Fitting `next_item`: epochs with early stopping on validation NDCG@10, then one look at the test."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np

from training.batches import next_item_batches
from training.data import (
    Sequences,
    Vocabulary,
    held_out_histories,
    recent_counts,
    training_histories,
    training_vocabulary,
)
from training.metrics import Ranking, Scorer, rank_targets, same_for_everyone
from training.models.next_item import NextItem, NextItemConfig, build

RECENT_DAYS = 7
"""The recency baseline ranks by acts in this many days before the latest act, then by all acts."""

TEST, VALIDATION = 1, 2
"""Which act from the end is the target."""


@dataclass(frozen=True)
class Fitted:
    """A model with its best weights, and how it came to them."""

    ranker: keras.Model
    vocabulary: Vocabulary
    max_length: int
    epochs: list[Mapping[str, float]]


def fit(sequences: Sequences, config: NextItemConfig, *, say: Callable[[str], None]) -> Fitted:
    """Train until validation NDCG@10 has not improved for `patience` epochs; keep the weights of the best epoch."""
    vocabulary = training_vocabulary(sequences)
    model = build(config, vocabulary.counts)
    ranker = model.ranker()
    batches = next_item_batches(
        training_histories(sequences, vocabulary),
        max_length=config.max_length,
        batch_size=config.batch_size,
        seed=config.seed,
    )
    validate = _Validation(model, ranker, sequences, vocabulary, config, say)
    model.fit(batches, epochs=config.epochs, verbose=0, shuffle=False, callbacks=[validate])
    model.set_weights(validate.best_weights)
    return Fitted(ranker, vocabulary, config.max_length, validate.epochs)


def scorer(score: Callable[[np.ndarray], np.ndarray], *, max_length: int) -> Scorer:
    """A scorer from a function of coded, padded histories (batch, step)."""
    return lambda histories: np.asarray(score(histories.padded(max_length)))


def rank_test(score: Scorer, sequences: Sequences, vocabulary: Vocabulary) -> Ranking:
    """Rank the last item of every held-out person by everything that the person did before."""
    histories, targets = held_out_histories(sequences, vocabulary, target=TEST)
    return rank_targets(score, histories, targets, items=len(vocabulary))


def rank_baselines(sequences: Sequences) -> dict[str, Ranking]:
    """The same test under rankings that are the same for everyone."""
    vocabulary = training_vocabulary(sequences)
    total = vocabulary.counts
    recent = recent_counts(sequences, vocabulary, days=RECENT_DAYS) + total / (total.max() + 1)
    baselines = {"popularity": total, "recency": recent}
    return {name: rank_test(same_for_everyone(counts), sequences, vocabulary) for name, counts in baselines.items()}


class _Validation(keras.callbacks.Callback):
    """After each epoch: rank the validation items, say one line, remember the best weights, stop in time."""

    def __init__(
        self,
        model: NextItem,
        ranker: keras.Model,
        sequences: Sequences,
        vocabulary: Vocabulary,
        config: NextItemConfig,
        say: Callable[[str], None],
    ) -> None:
        super().__init__()
        histories, targets = held_out_histories(sequences, vocabulary, target=VALIDATION)
        people = np.random.default_rng(config.seed).permutation(len(histories))[: config.validation_people]
        self.histories, self.targets, self.items = histories.take(people), targets[people], len(vocabulary)
        self.score = scorer(ranker.predict_on_batch, max_length=config.max_length)
        self.config, self.say = config, say
        self.epochs: list[Mapping[str, float]] = []
        self.best, self.best_epoch, self.best_weights = -1.0, 0, model.get_weights()

    def on_epoch_begin(self, epoch, logs=None) -> None:  # noqa: ARG002  the interface of Keras
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None) -> None:
        trained = time.monotonic() - self.started
        ranking = rank_targets(self.score, self.histories, self.targets, items=self.items)
        ndcg = float(ranking.ndcg.mean())
        if ndcg > self.best:
            self.best, self.best_epoch, self.best_weights = ndcg, epoch, self.model.get_weights()
        self.model.stop_training = epoch - self.best_epoch >= self.config.patience
        self.epochs.append({"loss": logs["loss"], "validation_ndcg_at_10": ndcg, "epoch_seconds": trained})
        self.say(
            f"epoch {epoch + 1:>2} of at most {self.config.epochs}: loss {logs['loss']:.4f}, "
            f"validation NDCG@10 {ndcg:.4f}{' (best)' if epoch == self.best_epoch else ''}, {trained:.1f} s"
        )


def parameters(config: NextItemConfig, fitted: Fitted, sequences: Sequences) -> dict[str, object]:
    """What a run is compared by."""
    return {
        **dataclasses.asdict(config),
        "people": len(sequences.person_ids),
        "people_held_out": len(sequences.held_out),
        "items": len(fitted.vocabulary),
        "acts": len(sequences.acts),
        "epochs_run": len(fitted.epochs),
    }
