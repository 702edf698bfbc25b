"""Next-item recommender: a causal backbone reads a history and scores every item as the next one.

Two backbones: a GRU (GRU4Rec; Hidasi et al., 2016, arXiv:1511.06939) and self-attention (SASRec; Kang and McAuley,
2018, arXiv:1808.09781). Item embeddings are tied between input and output (Press and Wolf, 2017, arXiv:1608.05859),
and every step of a history is trained on the item that came next. Histories are padded with 0 on the right: a causal
backbone never sees padding before a real item, so it needs no mask, which would slow its kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from contracts.errors import ModelError
from training.models.next_item import losses

PADDING = 0
"""The code that stands for no item; items are coded 1 to `items`."""

GAP_CODES = 32
"""Codes of the time between two acts: 0 padding, 1 a first act, then one code per power of two of seconds."""

_ITEMS = "items"
"""The layer of the served form that holds the vectors of the items."""

BACKBONES = ("gru", "attention")
INITIALISATIONS = ("random", "spectral")
LOSSES = ("sampled_softmax", "softmax", "bpr_max", "gbce")


@dataclass(frozen=True)
class NextItemConfig:
    """What can be chosen about the model and its training."""

    backbone: str = "gru"
    """`gru` or `attention`."""
    dimensions: int = 64
    """Size of item embeddings and of the backbone's states."""
    blocks: int = 1
    """Number of blocks in the backbone, one after the other."""
    heads: int = 1
    """Attention heads of a block; they share the dimensions."""
    ffn_multiplier: int = 1
    """Hidden units of an attention block's feed-forward net, as a multiple of `dimensions`."""
    max_length: int = 50
    """Number of latest steps of a history that the model reads."""
    max_items: int = 200_000
    """Most items of the vocabulary, the most frequent ones (`training/sequences/vocabulary.py`); 0 sets no limit."""
    dropout: float = 0.2
    """Share of the input embeddings, and of each block's output, that a training step drops."""
    step_dropout: float = 0.0
    """Share of steps whose whole embedding is dropped in training, so that the model relies on no single item."""
    order_noise: float = 0.0
    """Standard deviation, in steps, by which training moves each act of a history; drawn again in every epoch."""
    initialisation: str = "random"
    """Of item embeddings: `random`, or `spectral`, from who acted on what, which is better on sparse data."""
    initial_scale: float = 0.1
    """Standard deviation of the item embeddings before training."""
    loss: str = "sampled_softmax"
    """`sampled_softmax`, `softmax` over all items, `bpr_max` or `gbce`."""
    negatives: int = 256
    """Sampled negatives per batch, shared by all its steps; `softmax` needs none."""
    popularity_power: float = 0.75
    """Negatives are drawn with a probability proportional to popularity to this power; `gbce` is derived for 0."""
    label_smoothing: float = 0.0
    """Share of the target that `softmax` spreads evenly over all items."""
    score_penalty: float = 1.0
    """Weight of the negatives' squared scores in `bpr_max`."""
    calibration: float = 0.75
    """How far `gbce` corrects the overconfidence that comes from sampling: 0 not at all, 1 fully."""
    time_gap: bool = False
    """Whether each step also reads the time since the act before it."""
    category: bool = False
    """Whether each step also reads the item's category."""
    taste: bool = False
    """Whether each step also reads the person's taste vector of an earlier day."""
    content: bool = False
    """Whether an item's vector is that of its id plus a projection of what the catalogue says of it, so that an item
    without acts has a vector too (DropoutNet; Volkovs et al., NeurIPS 2017)."""
    id_dropout: float = 0.1
    """With `content`, share of items of which a training step drops the id, so that the projection alone must do."""
    text_dropout: float = 0.5
    """With `content`, share of the numbers of a title's vector that a training step drops: they are many, and would
    be learned by heart."""
    learning_rate: float = 0.004
    weight_decay: float = 0.0
    """Weight decay of AdamW: a step takes away this share of each weight, times the learning rate."""
    ema_momentum: float = 0.0
    """Momentum of the exponential moving average of the weights, which is then validated and served; 0 keeps none."""
    batch_size: int = 64
    """Histories per batch."""
    epochs: int = 20
    """Most epochs; training ends earlier once validation no longer improves."""
    patience: int = 3
    """Epochs without a better validation NDCG@10 after which training ends."""
    minutes: float = 0.0
    """After so many minutes training ends, also within an epoch; 0 gives it any time."""
    validation_people: int = 2000
    """Most people whose validation item is ranked after every epoch."""
    seed: int = 7

    def __post_init__(self) -> None:
        for name, known in (("backbone", BACKBONES), ("loss", LOSSES), ("initialisation", INITIALISATIONS)):
            if getattr(self, name) not in known:
                raise ModelError(
                    expected=f"{name} as one of {', '.join(known)}",
                    received=repr(getattr(self, name)),
                    remedy="correct it in the model's configuration",
                )


class NextItem(keras.Model):
    """The trained form: histories (batch, step) to states (batch, step, dimensions), each scored against the next item.

    With side inputs it takes a list: histories, then codes of time gaps (batch, step), then taste vectors
    (batch, taste), the last two only if the configuration has `time_gap` and `taste`.
    """

    def __init__(
        self,
        config: NextItemConfig,
        item_counts: np.ndarray,
        categories: np.ndarray,
        taste_dimensions: int,
        contents: np.ndarray | None,
        text: int,
    ) -> None:
        embedding = keras.layers.ReversibleEmbedding(
            len(item_counts) + 1,
            config.dimensions,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=config.initial_scale, seed=config.seed),
            reverse_dtype="float32",
            name="item_ids" if config.content else _ITEMS,
        )
        histories = keras.Input((None,), dtype="int32", name="history")
        inputs, vectors = [histories], embedding(histories)  # (batch, step, dimensions)
        projection = described = None
        if config.content:
            projection = keras.layers.Dense(config.dimensions, use_bias=False, name="content")
            described = keras.layers.Embedding(len(contents) + 1, contents.shape[1], trainable=False, dtype="float32")
            known = keras.layers.Dropout(config.id_dropout, noise_shape=(None, None, 1), seed=config.seed + 2)
            said = described(histories)
            if text:
                unsaid = keras.layers.Dropout(config.text_dropout, seed=config.seed + 3)
                said = ops.concatenate([said[..., :-text], unsaid(said[..., -text:])], axis=-1)
            vectors = known(vectors) + projection(said)
            described.set_weights([np.concatenate([np.zeros_like(contents[:1]), contents])])
        steps = vectors * config.dimensions**0.5
        if config.backbone == "attention":
            steps = steps + _position_vectors(config, histories)
        if config.time_gap:
            inputs.append(keras.Input((None,), dtype="int32", name="gap"))
            steps = steps + _embedding(GAP_CODES, config, "gaps")(inputs[-1])
        if config.category:
            steps = steps + _category_vectors(config, categories, histories)
        if config.taste:
            inputs.append(keras.Input((taste_dimensions,), name="taste"))
            steps = steps + keras.layers.Dense(config.dimensions, name="taste_step")(inputs[-1])[:, None, :]
        if config.step_dropout:
            steps = keras.layers.Dropout(config.step_dropout, noise_shape=(None, None, 1))(steps)
        # Without seeds of their own, each layer drops other units; with one seed for all, all would drop the same.
        steps = keras.layers.Dropout(config.dropout)(steps)
        for _ in range(config.blocks):
            steps = _BLOCKS[config.backbone](config, steps)
        states = keras.layers.LayerNormalization(epsilon=1e-6)(steps)
        super().__init__(inputs if len(inputs) > 1 else histories, states, name="next_item")
        self.item_embedding, self.projection, self.described = embedding, projection, described
        self.step_vectors, self.text = vectors, text
        self.settings = config
        self.random = keras.random.SeedGenerator(config.seed)
        self.log_proposal = log_proposal(item_counts, config.popularity_power)  # (items,)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # noqa: ARG002
        """Mean of the chosen loss over the steps that have a next item.

        Args:
            y: the next item of each step, 0 where there is none (batch, step).
            y_pred: states (batch, step, dimensions).
        """
        step_losses = self._step_losses(ops.cast(y_pred, "float32"), y)
        real = ops.cast(ops.not_equal(y, PADDING), "float32")
        return ops.sum(step_losses * real) / ops.maximum(ops.sum(real), 1.0)

    def _step_losses(self, states, targets):
        """Loss of each step (batch, step)."""
        config = self.settings
        if config.loss == "softmax":
            vectors = self._vectors_of(ops.arange(len(self.log_proposal) + 1))  # (1 + items, dimensions)
            positive = ops.sum(states * ops.take(vectors, targets, axis=0), axis=-1)  # (batch, step)
            index = ops.maximum(targets - 1, 0)
            return losses.softmax(states, vectors[1:], index, positive, smoothing=config.label_smoothing)
        positive = ops.sum(states * self._vectors_of(targets), axis=-1)
        sampled = keras.random.categorical(self.log_proposal[None, :], config.negatives, seed=self.random)[0]
        negatives = ops.matmul(states, ops.transpose(self._vectors_of(sampled + 1)))  # (batch, step, negative)
        mask = ops.cast(ops.not_equal(targets[..., None], ops.cast(sampled + 1, targets.dtype)), "float32")
        if config.loss == "bpr_max":
            return losses.bpr_max(positive, negatives, mask, config.score_penalty)
        if config.loss == "gbce":
            items = len(self.log_proposal)
            return losses.gbce(positive, negatives, mask, items=items, calibration=config.calibration)
        log_expected_count = ops.take(self.log_proposal, sampled) + np.log(config.negatives)
        return losses.sampled_softmax(positive, negatives, mask, log_expected_count)

    def _vectors_of(self, codes):
        """Vectors of items by which steps are scored in training (..., dimensions)."""
        vectors = ops.cast(ops.take(self.item_embedding.embeddings, codes, axis=0), "float32")
        if self.projection is None:
            return vectors
        shape = (*ops.shape(codes), 1)
        vectors = keras.random.dropout(vectors, self.settings.id_dropout, noise_shape=shape, seed=self.random)
        said = ops.take(self.described.embeddings, codes, axis=0)
        if self.text:
            words = keras.random.dropout(said[..., -self.text :], self.settings.text_dropout, seed=self.random)
            said = ops.concatenate([said[..., : -self.text], words], axis=-1)
        return vectors + ops.matmul(said, self.projection.kernel)

    def item_vectors(self) -> np.ndarray:
        """The vectors of all items as they are served, zeros for the padding (1 + items, dimensions)."""
        vectors = np.asarray(self.item_embedding.embeddings)
        if self.projection is None:
            return vectors
        return vectors + np.asarray(self.described.embeddings) @ np.asarray(self.projection.kernel)

    def ranker(self) -> keras.Model:
        """The served form, made of built-in layers only: the same inputs to float32 scores of all items (batch, items).

        It shares the weights, but for `content` those of the items, which `refresh` takes over. Items are scored
        against the state after the last real step. A history of padding alone has no such state, and its scores mean
        nothing.
        """
        inputs = [keras.Input(one.shape[1:], dtype=one.dtype, name=one.name) for one in self.inputs]
        lengths = ops.sum(ops.cast(ops.not_equal(inputs[0], PADDING), "int32"), axis=1)
        last = ops.maximum(lengths - 1, 0)[:, None, None]  # (batch, 1, 1)
        embedding = self.item_embedding
        if self.projection is None:
            states = super().call(inputs if len(inputs) > 1 else inputs[0])
        else:
            embedding = keras.layers.ReversibleEmbedding(
                *embedding.embeddings.shape, reverse_dtype="float32", name=_ITEMS
            )
            vectors = embedding(inputs[0])
            states = keras.Model([self.step_vectors, *self.inputs], self.outputs[0]).call([vectors, *inputs])
        state = ops.take_along_axis(states, last, axis=1)[:, 0]  # (batch, dimensions)
        scores = embedding(state, reverse=True)[:, PADDING + 1 :]
        found = keras.Model(inputs if len(inputs) > 1 else inputs[0], ops.cast(scores, "float32"), name="ranker")
        self.refresh(found)
        return found

    def refresh(self, ranker: keras.Model) -> None:
        """Give a ranker the vectors that the items have now."""
        if self.projection is not None:
            ranker.get_layer(_ITEMS).set_weights([self.item_vectors()])


def build(
    config: NextItemConfig,
    item_counts: np.ndarray,
    *,
    vectors: np.ndarray | None = None,
    categories: np.ndarray | None = None,
    taste_dimensions: int = 0,
    contents: np.ndarray | None = None,
    text: int = 0,
) -> NextItem:
    """The compiled model.

    Args:
        item_counts: acts on each item in the training part (items,); item i has the code i + 1.
        vectors: initial item embeddings, of length 1 (items, dimensions); required by the initialisation `spectral`.
        categories: code of each item's category, 0 for unknown (items,); required by `category: true`.
        taste_dimensions: length of taste vectors; above 0 is required by `taste: true`.
        contents: what the catalogue says of each item, of length about 1 (items, features); required by
            `content: true`.
        text: how many of these features, the last ones, are those of the title's vector.

    Raises:
        ModelError: the configuration has a side input for which there is no data.
    """
    for name, table, is_there in (
        ("category", "dim_item", categories is not None),
        ("taste", "predictions", taste_dimensions > 0),
        ("content", "dim_item", contents is not None),
    ):
        if getattr(config, name) and not is_there:
            raise ModelError(
                expected=f"the table {table}, which the setting `{name}: true` reads",
                received="a day without it",
                remedy=f"build that table first, or set `{name}: false`",
            )
    keras.utils.set_random_seed(config.seed)
    known = np.zeros(len(item_counts), "int32") if categories is None else categories
    model = NextItem(config, item_counts, known, taste_dimensions, contents, text)
    if config.initialisation == "spectral":
        scaled = vectors * config.initial_scale * config.dimensions**0.5
        model.item_embedding.set_weights([np.concatenate([np.zeros_like(scaled[:1]), scaled])])
    model.compile(
        optimizer=keras.optimizers.AdamW(
            config.learning_rate,
            weight_decay=config.weight_decay,
            use_ema=config.ema_momentum > 0,
            ema_momentum=config.ema_momentum,
        ),
        jit_compile=keras.backend.backend() == "jax",  # on TensorFlow and a CPU it is 2.5 times slower
    )
    return model


def log_proposal(item_counts: np.ndarray, popularity_power: float) -> np.ndarray:
    """Logarithm of the probability that one sampled negative is each item (items,)."""
    weights = np.maximum(item_counts, 1).astype("float64") ** popularity_power
    return np.log(weights / weights.sum()).astype("float32")


def _gru(config: NextItemConfig, steps):
    """A residual GRU: its output is added to its input."""
    states = keras.layers.GRU(config.dimensions, return_sequences=True, seed=config.seed)(steps)
    change = keras.layers.Dense(config.dimensions, kernel_initializer="zeros")(states)
    return steps + keras.layers.Dropout(config.dropout)(change)


def _attention(config: NextItemConfig, steps):
    """Causal self-attention, then a feed-forward net; both are residual and read normalised steps."""
    layers, size = keras.layers, config.dimensions
    normalised = layers.LayerNormalization(epsilon=1e-6)(steps)
    attention = layers.MultiHeadAttention(config.heads, size // config.heads, seed=config.seed)
    attended = attention(normalised, normalised, use_causal_mask=True)
    steps = steps + layers.Dropout(config.dropout)(attended)
    normalised = layers.LayerNormalization(epsilon=1e-6)(steps)
    hidden = layers.Dense(config.ffn_multiplier * size, activation="gelu")(normalised)
    change = layers.Dense(size, kernel_initializer="zeros")(hidden)
    return steps + layers.Dropout(config.dropout)(change)


_BLOCKS = {"gru": _gru, "attention": _attention}
"""Step vectors (batch, step, dimensions) to states of that shape; the zero kernel makes a new block the identity."""


def _embedding(codes: int, config: NextItemConfig, name: str) -> keras.layers.Embedding:
    initializer = keras.initializers.RandomNormal(stddev=config.initial_scale, seed=config.seed + 1)
    return keras.layers.Embedding(codes, config.dimensions, embeddings_initializer=initializer, name=name)


def _position_vectors(config: NextItemConfig, histories):
    """A vector for each position in the history, counted from its start (batch, step, dimensions)."""
    positions = ops.cumsum(ops.ones_like(histories), axis=1) - 1
    return _embedding(config.max_length, config, "positions")(ops.minimum(positions, config.max_length - 1))


def _category_vectors(config: NextItemConfig, categories: np.ndarray, histories):
    """A vector for the category of each item (batch, step, dimensions); the table of categories is a fixed weight."""
    codes = np.concatenate([[0], categories]).astype("float32")[:, None]  # (1 + items, 1)
    lookup = keras.layers.Embedding(len(codes), 1, trainable=False, dtype="float32", name="item_categories")
    found = ops.cast(lookup(histories)[..., 0], "int32")
    lookup.set_weights([codes])
    return _embedding(int(codes.max()) + 1, config, "categories")(found)
