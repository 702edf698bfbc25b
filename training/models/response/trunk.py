"""The layers that `response` and `uplift` share: columns to one vector, and that vector through a deep and cross net.

Deep and cross network, version 2 (Wang et al., WWW 2021, arXiv:2008.13535): cross layers compute products of features
of a bounded degree; a deep part beside or after them learns other interactions.
"""

from __future__ import annotations

from typing import Any, Protocol

import keras
import numpy as np
from keras import layers


class TrunkConfig(Protocol):
    """Settings of the shared layers; `ResponseConfig` explains each."""

    embedding_dimensions: int
    cross_layers: int
    cross_rank: int
    interaction_penalty: float
    deep_layers: int
    deep_units: int
    structure: str
    dropout: float
    seed: int


def embedder(
    config: TrunkConfig, numbers: int, codes: int, unknown_codes: np.ndarray, *, coefficients: int = 0
) -> keras.Model:
    """Numbers and codes to features (batch, numbers + categories * (embedding dimensions + coefficients)).

    Args:
        coefficients: so many numbers of each code, 0 at first, are not trained: they follow those that are.
    """
    values = keras.Input((numbers,), name="numbers")
    categories = keras.Input((len(unknown_codes),), dtype="int32", name="codes")
    embedding = layers.Embedding(codes, config.embedding_dimensions)
    vectors = embedding(categories)  # (batch, categories, dimensions)
    initial = np.random.default_rng(config.seed).normal(0, 0.1, (codes, config.embedding_dimensions))
    initial[unknown_codes] = 0  # an unknown category carries no information
    embedding.set_weights([initial])
    if coefficients:
        fixed = layers.Embedding(
            codes, coefficients, embeddings_initializer="zeros", trainable=False, name="coefficients"
        )(categories)
        vectors = layers.Concatenate(name="vectors")([vectors, fixed])  # (batch, categories, dimensions + coefficients)
    features = layers.Concatenate(name="features")([values, layers.Flatten()(vectors)])
    return keras.Model([values, categories], features, name="embedder")


def trunk(config: TrunkConfig, features: Any) -> Any:
    """Features (batch, width) to what the last layers read (batch, units), in Keras tensors."""
    width = features.shape[-1]
    penalty = keras.regularizers.L2(config.interaction_penalty) if config.interaction_penalty else None
    crossed = features
    for _ in range(config.cross_layers):
        # Formula 1: x0 * (W x + b) + x, or formula 2 with W = U V. With zero weights a layer starts as the identity.
        inner = layers.Dense(config.cross_rank, use_bias=False)(crossed) if config.cross_rank else crossed
        gate = layers.Dense(width, kernel_initializer="zeros", kernel_regularizer=penalty)(inner)
        crossed = layers.Add()([layers.Multiply()([features, gate]), crossed])
    deep = crossed if config.structure == "stacked" else features
    for _ in range(config.deep_layers):
        deep = layers.Dense(config.deep_units, activation="relu", kernel_regularizer=penalty)(deep)
        deep = layers.Dropout(config.dropout, seed=config.seed)(deep)
    if config.structure == "stacked":
        return deep
    return layers.Concatenate()([crossed, deep]) if config.deep_layers else crossed
