"""Text networks: padded features in, logits float32 [B, C] out, which do not depend on the padding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

RECURRENT: Mapping[str, Callable[..., keras.Layer]] = {"lstm": layers.LSTM, "gru": layers.GRU}
NORM_FLOOR = 1e-6
"""Smallest length a bag of n-grams is divided by; only an empty field is below it, and its bag is 0."""


def build_text_network(name: str, classes: int, **sizes: Any) -> keras.Model:
    """Build one of `training.networks.TEXT_NETWORKS`; `sizes` are the keyword arguments of its own builder below.

    Raises ValueError for another name and TypeError for a size that the network does not have.
    """
    if name in RECURRENT:
        return build_recurrent_network(name, classes, **sizes)
    if name == "ngrams":
        return build_ngram_network(classes, **sizes)
    raise ValueError(f"no text network is called {name!r}")


def build_recurrent_network(
    kind: str,
    classes: int,
    *,
    vocabulary: int = 10_000,
    embedding: int = 300,
    units: int = 256,
    dense: int = 128,
    dropout: float = 0.3,
) -> keras.Model:
    """Words -> embedding -> "lstm" or "gru" -> mean of the states at real words -> dense -> logits.

    Input "ids": int32 [B, T], each in 0..vocabulary-1; 0 is padding and stands only after a row's words. The states are
    averaged by hand and not by GlobalAveragePooling1D, which answers NaN for a row of padding alone.
    `training.export` reads the weights by these layer names.
    """
    ids = keras.Input((None,), dtype="int32", name="ids")
    embedded = layers.Embedding(vocabulary, embedding, mask_zero=True, name="embedding")(ids)
    states = RECURRENT[kind](units, return_sequences=True, name="recurrent")(embedded)
    real = ops.expand_dims(ops.cast(ops.not_equal(ids, 0), "float32"), -1)
    pooled = ops.sum(states * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)
    x = layers.Dropout(dropout, name="pooled_dropout")(pooled)
    x = layers.Dense(dense, activation="relu", name="dense")(x)
    x = layers.Dropout(dropout, name="dense_dropout")(x)
    return keras.Model([ids], layers.Dense(classes, name="logits")(x), name=kind)


def build_ngram_network(
    classes: int, *, buckets: int, dim: int = 64, hidden: int = 0, dropout: float = 0.3, gram_dropout: float = 0.3
) -> keras.Model:
    """Bags of hashed n-grams of the title, the description and both -> (dense) -> logits.

    Inputs: "ids" int32 [B, T] in 0..buckets-1 and "weights" float32 [B, T] for the title, "description_ids" [B, U] and
    "description_weights" [B, U] for the description; padding has weight 0. A bag is sum(E[id] * w * idf[id]) divided by
    the Euclidean length of w * idf, E being shared, so that long and short fields weigh alike. The idf table starts as
    ones, is not trained and is set by `set_idf`. `gram_dropout` is the share of n-grams that a listing loses in each
    training step, so that no single one decides. `hidden` is the width of a dense layer between bags and logits, 0 for
    none.
    """
    grams = layers.Embedding(buckets, dim, name="grams")
    idf = layers.Embedding(buckets, 1, embeddings_initializer="ones", trainable=False, name="idf")

    def summed(prefix: str) -> tuple[list[keras.KerasTensor], keras.KerasTensor, keras.KerasTensor]:
        ids = keras.Input((None,), dtype="int32", name=f"{prefix}ids")
        weights = keras.Input((None,), dtype="float32", name=f"{prefix}weights")
        kept = layers.Dropout(gram_dropout, name=f"{prefix}gram_dropout")(weights)
        weighted = ops.expand_dims(kept, -1) * idf(ids)
        total = ops.squeeze(ops.matmul(ops.transpose(weighted, (0, 2, 1)), grams(ids)), 1)
        return [ids, weights], total, ops.sum(ops.square(weighted), axis=1)

    def bag(total: keras.KerasTensor, squares: keras.KerasTensor) -> keras.KerasTensor:
        return total / ops.sqrt(ops.maximum(squares, NORM_FLOOR**2))

    title_inputs, title, title_squares = summed("")
    description_inputs, description, description_squares = summed("description_")
    x = layers.Concatenate(name="bags")(
        [
            bag(title, title_squares),
            bag(description, description_squares),
            bag(title + description, title_squares + description_squares),
        ]
    )
    x = layers.Dropout(dropout, name="bags_dropout")(x)
    if hidden:
        x = layers.Dense(hidden, activation="relu", name="dense")(x)
        x = layers.Dropout(dropout, name="dense_dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)
    return keras.Model([*title_inputs, *description_inputs], logits, name="ngrams")


def set_idf(model: keras.Model, idf: np.ndarray) -> None:
    """Set the inverse document frequencies of an n-gram network: float [buckets], not negative."""
    model.get_layer("idf").set_weights([np.asarray(idf, np.float32).reshape(-1, 1)])
