"""Next-item recommender: a causal backbone reads a history and scores every item by how well it would follow.

Two backbones: a GRU (GRU4Rec; Hidasi et al., 2016, arXiv:1511.06939) and self-attention (SASRec; Kang and McAuley,
2018, arXiv:1808.09781). Item embeddings are tied between input and output (Press and Wolf, 2017, arXiv:1608.05859),
and every step of a history is trained on the item that came next. Histories are padded with 0 on the right: a causal
backbone never sees padding before a real item, so no mask slows its kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from contracts.errors import ModelError
from training.models.next_item import losses as ranking_losses

PADDING = 0
"""The code that stands for no item; items are coded 1 to `items`."""

GAP_CODES = 32
"""Codes of the time between two acts: 0 padding, 1 a first act, then one for each power of two of seconds."""

BACKBONES = ("gru", "attention")
STARTS = ("random", "spectral")
LOSSES = ("sampled_softmax", "softmax", "bpr_max", "gbce")


@dataclass(frozen=True)
class NextItemConfig:
    """What can be chosen about the model and its training."""

    backbone: str = "gru"
    """`gru` or `attention`."""
    dimensions: int = 64
    """Size of item embeddings and of the backbone's states."""
    blocks: int = 1
    """Blocks of the backbone, one after the other."""
    heads: int = 1
    """Attention heads of a block; they share the dimensions."""
    widening: int = 1
    """How many times wider than its input an attention block's feed-forward net is."""
    max_length: int = 50
    """Latest steps of a history that the model reads."""
    dropout: float = 0.2
    """Share of embedding inputs, and of what each further layer adds, that a training step drops."""
    step_dropout: float = 0.0
    """Share of whole steps whose embedding a training step drops, so that no single item is relied on."""
    order_noise: float = 0.0
    """Standard deviation, in places, by which training moves each act of a history, anew every epoch."""
    start: str = "random"
    """Item embeddings before training: `random`, or `spectral`, from who acted on what; good where data is scarce."""
    initial_scale: float = 0.1
    """Standard deviation of item embeddings before training."""
    loss: str = "sampled_softmax"
    """`sampled_softmax`, `softmax` over all items, `bpr_max` or `gbce`."""
    negatives: int = 256
    """Sampled negatives a batch, shared by all its steps; `softmax` needs none."""
    popularity_power: float = 0.75
    """Negatives are drawn with probability proportional to popularity to this power; `gbce` is made for 0."""
    score_penalty: float = 1.0
    """Weight of the negatives' squared scores in `bpr_max`."""
    calibration: float = 0.75
    """How far `gbce` takes back the overconfidence that sampling brings: 0 not, 1 fully."""
    time_gap: bool = False
    """Whether each step also carries the time since the act before it."""
    category: bool = False
    """Whether each step also carries the item's category."""
    taste: bool = False
    """Whether each step also carries the person's taste vector of an earlier day."""
    learning_rate: float = 0.004
    weight_decay: float = 0.0
    """Share of each weight that a step takes away, times the learning rate (AdamW)."""
    averaging: float = 0.0
    """How much of its moving average of the weights each step keeps; it is the average that is served. 0: none."""
    batch_size: int = 64
    """Histories a batch."""
    epochs: int = 20
    """Most epochs; training ends before, once validation no longer improves."""
    patience: int = 3
    """Epochs without a better validation NDCG@10 after which training ends."""
    validation_people: int = 2000
    """Most people whose validation item is ranked after every epoch."""
    seed: int = 7

    def __post_init__(self) -> None:
        for name, known in (("backbone", BACKBONES), ("loss", LOSSES), ("start", STARTS)):
            if getattr(self, name) not in known:
                raise ModelError(
                    expected=f"{name} as one of {', '.join(known)}",
                    received=repr(getattr(self, name)),
                    remedy="correct it in the model's configuration",
                )


class NextItem(keras.Model):
    """The trained form: histories (batch, step) to states (batch, step, dimensions), one for each step's next item.

    With side inputs it takes a list: histories, then codes of time gaps (batch, step), then taste vectors
    (batch, taste), each only where the configuration asks for it.
    """

    def __init__(
        self, config: NextItemConfig, item_counts: np.ndarray, categories: np.ndarray, taste_dimensions: int
    ) -> None:
        embedding = keras.layers.ReversibleEmbedding(
            len(item_counts) + 1,
            config.dimensions,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=config.initial_scale, seed=config.seed),
            reverse_dtype="float32",
            name="items",
        )
        histories = keras.Input((None,), dtype="int32", name="history")
        inputs, steps = [histories], embedding(histories)  # (batch, step, dimensions)
        steps = steps * config.dimensions**0.5
        if config.backbone == "attention":
            steps = steps + _positions(config, histories)
        if config.time_gap:
            inputs.append(keras.Input((None,), dtype="int32", name="gap"))
            steps = steps + _embedding(GAP_CODES, config, "gaps")(inputs[-1])
        if config.category:
            steps = steps + _categories(config, categories, histories)
        if config.taste:
            inputs.append(keras.Input((taste_dimensions,), name="taste"))
            steps = steps + keras.layers.Dense(config.dimensions, name="taste_step")(inputs[-1])[:, None, :]
        if config.step_dropout:
            steps = keras.layers.Dropout(config.step_dropout, noise_shape=(None, None, 1), seed=config.seed)(steps)
        # one seed for all: numbers that are dropped from a step are dropped from what every block adds to it, too
        steps = keras.layers.Dropout(config.dropout, seed=config.seed)(steps)
        for _ in range(config.blocks):
            steps = _BLOCKS[config.backbone](config, steps)
        states = keras.layers.LayerNormalization(epsilon=1e-6)(steps)
        super().__init__(inputs if len(inputs) > 1 else histories, states, name="next_item")
        self.item_embedding = embedding
        self.choices = config
        self.draws = keras.random.SeedGenerator(config.seed)
        self.log_proposal = log_proposal(item_counts, config.popularity_power)  # (items,)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: ARG002
        """Mean over real steps of the chosen loss.

        Args:
            y: the next item of each step, 0 where there is none (batch, step).
            y_pred: states (batch, step, dimensions).
        """
        loss = self._step_losses(ops.cast(y_pred, "float32"), y)
        real = ops.cast(ops.not_equal(y, PADDING), "float32")
        return ops.sum(loss * real) / ops.maximum(ops.sum(real), 1.0)

    def _step_losses(self, states, targets):
        """Loss of each step (batch, step)."""
        chosen = self.choices
        vectors = ops.cast(self.item_embedding.embeddings, "float32")  # (1 + items, dimensions)
        if chosen.loss == "softmax":
            scores = ops.matmul(states, ops.transpose(vectors[1:]))  # (batch, step, items)
            return ranking_losses.softmax(scores, ops.maximum(targets - 1, 0))
        drawn = keras.random.categorical(self.log_proposal[None, :], chosen.negatives, seed=self.draws)[0]
        wanted = ops.sum(states * ops.take(vectors, targets, axis=0), axis=-1)  # (batch, step)
        others = ops.matmul(states, ops.transpose(ops.take(vectors, drawn + 1, axis=0)))  # (batch, step, negative)
        counts = ops.cast(ops.not_equal(targets[..., None], ops.cast(drawn + 1, targets.dtype)), "float32")
        if chosen.loss == "bpr_max":
            return ranking_losses.bpr_max(wanted, others, counts, chosen.score_penalty)
        if chosen.loss == "gbce":
            items = len(self.log_proposal)
            return ranking_losses.gbce(wanted, others, counts, items=items, calibration=chosen.calibration)
        log_expected_count = ops.take(self.log_proposal, drawn) + np.log(chosen.negatives)
        return ranking_losses.sampled_softmax(wanted, others, counts, log_expected_count)

    def ranker(self) -> keras.Model:
        """The served form, of built-in layers only: the same inputs to float32 scores of all items (batch, items).

        It shares the weights. The state after the last real step is the one that speaks for the history; a history
        of padding alone has no such state, so its scores mean nothing.
        """
        inputs = [keras.Input(one.shape[1:], dtype=one.dtype, name=one.name) for one in self.inputs]
        lengths = ops.sum(ops.cast(ops.not_equal(inputs[0], PADDING), "int32"), axis=1)
        last = ops.maximum(lengths - 1, 0)[:, None, None]  # (batch, 1, 1)
        states = super().call(inputs if len(inputs) > 1 else inputs[0])
        state = ops.take_along_axis(states, last, axis=1)[:, 0]  # (batch, dimensions)
        scores = self.item_embedding(state, reverse=True)[:, PADDING + 1 :]
        return keras.Model(inputs if len(inputs) > 1 else inputs[0], ops.cast(scores, "float32"), name="ranker")


def build(
    config: NextItemConfig,
    item_counts: np.ndarray,
    *,
    vectors: np.ndarray | None = None,
    categories: np.ndarray | None = None,
    taste_dimensions: int = 0,
) -> NextItem:
    """The compiled model.

    Args:
        item_counts: acts on each item in the training part (items,); item i has the code i + 1.
        vectors: what item embeddings begin with, of length 1 (items, dimensions); needed for the start `spectral`.
        categories: code of each item's category, 0 for unknown (items,); needed where the configuration asks.
        taste_dimensions: length of taste vectors; needed where the configuration asks.

    Raises:
        ModelError: the configuration asks for side inputs that are not there.
    """
    for name, there in (("category", categories is not None), ("taste", taste_dimensions > 0)):
        if getattr(config, name) and not there:
            raise ModelError(
                expected=f"what the setting `{name}: true` reads",
                received="a day without it",
                remedy=f"build that table first, or set `{name}: false`",
            )
    keras.utils.set_random_seed(config.seed)
    known = np.zeros(len(item_counts), "int32") if categories is None else categories
    model = NextItem(config, item_counts, known, taste_dimensions)
    if config.start == "spectral":
        scaled = vectors * config.initial_scale * config.dimensions**0.5
        model.item_embedding.set_weights([np.concatenate([np.zeros_like(scaled[:1]), scaled])])
    model.compile(
        optimizer=keras.optimizers.AdamW(
            config.learning_rate,
            weight_decay=config.weight_decay,
            use_ema=config.averaging > 0,
            ema_momentum=config.averaging,
        ),
        jit_compile=keras.backend.backend() == "jax",  # on TensorFlow and a CPU it is 2.5 times slower
    )
    return model


def log_proposal(item_counts: np.ndarray, popularity_power: float) -> np.ndarray:
    """Logarithm of the probability that one draw gives each item (items,)."""
    weights = np.maximum(item_counts, 1).astype("float64") ** popularity_power
    return np.log(weights / weights.sum()).astype("float32")


def _gru(config: NextItemConfig, steps):
    """A GRU, added to what it reads."""
    read = keras.layers.GRU(config.dimensions, return_sequences=True, seed=config.seed)(steps)
    more = keras.layers.Dense(config.dimensions, kernel_initializer="zeros")(read)
    return steps + keras.layers.Dropout(config.dropout, seed=config.seed)(more)


def _attention(config: NextItemConfig, steps):
    """Causal self-attention, then a feed-forward net; each reads normalised steps and is added to them."""
    layers, size = keras.layers, config.dimensions
    normal = layers.LayerNormalization(epsilon=1e-6)(steps)
    attend = layers.MultiHeadAttention(config.heads, size // config.heads, seed=config.seed)
    seen = attend(normal, normal, use_causal_mask=True)
    steps = steps + layers.Dropout(config.dropout, seed=config.seed)(seen)
    normal = layers.LayerNormalization(epsilon=1e-6)(steps)
    wide = layers.Dense(config.widening * size, activation="gelu")(normal)
    more = layers.Dense(size, kernel_initializer="zeros")(wide)
    return steps + layers.Dropout(config.dropout, seed=config.seed)(more)


_BLOCKS = {"gru": _gru, "attention": _attention}
"""Step vectors (batch, step, dimensions) to states of the same shape; zeros let a block begin as next to nothing."""


def _embedding(codes: int, config: NextItemConfig, name: str) -> keras.layers.Embedding:
    start = keras.initializers.RandomNormal(stddev=config.initial_scale, seed=config.seed + 1)
    return keras.layers.Embedding(codes, config.dimensions, embeddings_initializer=start, name=name)


def _positions(config: NextItemConfig, histories):
    """A vector for each place in the history, counted from its start (batch, step, dimensions)."""
    places = ops.cumsum(ops.ones_like(histories), axis=1) - 1
    return _embedding(config.max_length, config, "positions")(ops.minimum(places, config.max_length - 1))


def _categories(config: NextItemConfig, categories: np.ndarray, histories):
    """A vector for the category of each item (batch, step, dimensions); which item has which is a fixed weight."""
    codes = np.concatenate([[0], categories]).astype("float32")[:, None]  # (1 + items, 1)
    lookup = keras.layers.Embedding(len(codes), 1, trainable=False, dtype="float32", name="item_categories")
    found = ops.cast(lookup(histories)[..., 0], "int32")
    lookup.set_weights([codes])
    return _embedding(int(codes.max()) + 1, config, "categories")(found)
