"""Next-item recommender: a GRU reads a history and scores every item by how well it would follow.

GRU4Rec (Hidasi et al., 2016, arXiv:1511.06939) with item embeddings tied between input and output (Press and Wolf,
2017, arXiv:1608.05859), trained at every step of a history with softmax over sampled negatives. Histories are padded
with 0 on the right: a causal backbone never sees padding before a real item, so no mask slows its kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

PADDING = 0
"""The code that stands for no item; items are coded 1 to `items`."""

_NEVER = -1e9


@dataclass(frozen=True)
class NextItemConfig:
    """What can be chosen about the model and its training."""

    dimensions: int = 64
    """Size of item embeddings and of the state of the GRU."""
    max_length: int = 50
    """Latest steps of a history that the model reads."""
    dropout: float = 0.2
    """Share of embedding inputs that a training step drops."""
    negatives: int = 256
    """Sampled negatives a batch, shared by all its steps."""
    popularity_power: float = 0.75
    """Negatives are drawn with probability proportional to popularity to this power."""
    learning_rate: float = 0.004
    batch_size: int = 64
    """Histories a batch."""
    epochs: int = 20
    """Most epochs; training ends before, once validation no longer improves."""
    patience: int = 3
    """Epochs without a better validation NDCG@10 after which training ends."""
    validation_people: int = 2000
    """Most people whose validation item is ranked after every epoch."""
    seed: int = 7


class NextItem(keras.Model):
    """The trained form: histories (batch, step) to states (batch, step, dimensions), one for each step's next item."""

    def __init__(self, config: NextItemConfig, item_counts: np.ndarray) -> None:
        embedding = keras.layers.ReversibleEmbedding(
            len(item_counts) + 1,
            config.dimensions,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1, seed=config.seed),
            name="items",
        )
        histories = keras.Input((None,), dtype="int32", name="history")
        steps = keras.layers.Dropout(config.dropout, seed=config.seed)(embedding(histories))
        super().__init__(histories, _gru(config)(steps), name="next_item")
        self.item_embedding = embedding
        self.negatives = config.negatives
        self.draws = keras.random.SeedGenerator(config.seed)
        self.log_proposal = log_proposal(item_counts, config.popularity_power)  # (items,)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: ARG002
        """Mean over real steps of the sampled softmax loss of the item that came next.

        Args:
            y: the next item of each step, 0 where there is none (batch, step).
            y_pred: states (batch, step, dimensions).
        """
        drawn = keras.random.categorical(self.log_proposal[None, :], self.negatives, seed=self.draws)[0]
        loss = sampled_softmax(
            y_pred,
            targets=y,
            target_vectors=self.item_embedding(y),
            negatives=drawn + 1,
            negative_vectors=self.item_embedding(drawn + 1),
            log_expected_count=ops.take(self.log_proposal, drawn) + np.log(self.negatives),
        )
        real = ops.cast(ops.not_equal(y, PADDING), loss.dtype)
        return ops.sum(loss * real) / ops.maximum(ops.sum(real), 1.0)

    def ranker(self) -> keras.Model:
        """The served form, of built-in layers only: histories (batch, step) to scores of all items (batch, items).

        It shares the weights. The state after the last real step is the one that speaks for the history; a history
        of padding alone has no such state, so its scores mean nothing.
        """
        histories = keras.Input((None,), dtype="int32", name="history")
        lengths = ops.sum(ops.cast(ops.not_equal(histories, PADDING), "int32"), axis=1)
        last = ops.maximum(lengths - 1, 0)[:, None, None]  # (batch, 1, 1)
        state = ops.take_along_axis(super().call(histories), last, axis=1)[:, 0]  # (batch, dimensions)
        return keras.Model(histories, self.item_embedding(state, reverse=True)[:, PADDING + 1 :], name="ranker")


def build(config: NextItemConfig, item_counts: np.ndarray) -> NextItem:
    """The compiled model.

    Args:
        item_counts: acts on each item in the training part (items,); item i has the code i + 1.
    """
    keras.utils.set_random_seed(config.seed)
    model = NextItem(config, item_counts)
    model.compile(optimizer=keras.optimizers.Adam(config.learning_rate))
    return model


def log_proposal(item_counts: np.ndarray, popularity_power: float) -> np.ndarray:
    """Logarithm of the probability that one draw gives each item (items,)."""
    weights = np.maximum(item_counts, 1).astype("float64") ** popularity_power
    return np.log(weights / weights.sum()).astype("float32")


def sampled_softmax(states, *, targets, target_vectors, negatives, negative_vectors, log_expected_count):
    """Softmax cross-entropy whose denominator is estimated from sampled negatives (batch, step).

    The scores of negatives are lowered by the logarithm of how often the draw is expected to give them, which makes
    the sum over them an unbiased estimate of the sum over all other items (Bengio and Senecal, 2008, importance
    sampling). A negative that is the target itself does not count.

    Args:
        states: (batch, step, dimensions).
        targets: (batch, step).
        target_vectors: (batch, step, dimensions).
        negatives: (negative,), drawn with replacement.
        negative_vectors: (negative, dimensions).
        log_expected_count: (negative,).
    """
    wanted = ops.sum(states * target_vectors, axis=-1)  # (batch, step)
    others = ops.matmul(states, ops.transpose(negative_vectors)) - log_expected_count  # (batch, step, negative)
    hits = ops.equal(targets[..., None], negatives)
    others = ops.where(hits, _NEVER, others)
    return ops.logsumexp(ops.concatenate([wanted[..., None], others], axis=-1), axis=-1) - wanted


def _gru(config: NextItemConfig) -> keras.Sequential:
    """A causal backbone: step vectors (batch, step, dimensions) to states of the same shape."""
    return keras.Sequential(
        [
            keras.Input((None, config.dimensions)),
            keras.layers.GRU(config.dimensions, return_sequences=True, seed=config.seed),
            keras.layers.Dense(config.dimensions),
        ],
        name="backbone",
    )
