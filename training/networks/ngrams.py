"""Networks on bags of n-grams: a deep one, and a linear one with a weight for each n-gram and category."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from training.networks.tables import ByteTable, TableLayers, set_table

NORM_FLOOR = 1e-6
"""Smallest length a bag of n-grams is divided by; only an empty field is below it, and its bag is 0."""
TABLE = "grams"

WeightedSum = Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]


def build_ngram_network(
    classes: int,
    *,
    buckets: int,
    dim: int = 64,
    hidden: int = 0,
    dropout: float = 0.3,
    gram_dropout: float = 0.3,
    in_bytes: bool = False,
) -> keras.Model:
    """Bags of n-grams of the title, the description and both -> (dense) -> logits.

    Inputs: "ids" int32 [B, T] in 0..buckets-1 and "weights" float32 [B, T] for the title, "description_ids" [B, U] and
    "description_weights" [B, U] for the description; padding has weight 0. A bag is sum(E[id] * w * idf[id]) divided by
    the Euclidean length of w * idf, E being shared, so that long and short fields weigh alike. The idf table starts as
    ones, is not trained and is set by `set_idf`. `gram_dropout` is the share of n-grams that a listing loses in each
    training step, so that no single one decides. `hidden` is the width of a dense layer between bags and logits, 0 for
    none. `in_bytes` keeps E in 8 bits, which cannot be trained: see `with_byte_tables`.
    """
    bags = _bags(buckets, dim, "uniform", gram_dropout, in_bytes)
    x = layers.Concatenate(name="bags")([bags.title, bags.description, bags.both])
    x = layers.Dropout(dropout, name="bags_dropout")(x)
    if hidden:
        x = layers.Dense(hidden, activation="relu", name="dense")(x)
        x = layers.Dropout(dropout, name="dense_dropout")(x)
    logits = layers.Dense(classes, name="logits")(x)
    return keras.Model(bags.inputs, logits, name="ngrams")


def build_linear_network(
    classes: int, *, buckets: int, gram_dropout: float = 0.0, in_bytes: bool = False
) -> keras.Model:
    """A linear classifier on TF-IDF of unit length: one weight for each n-gram and category.

    Inputs as for `build_ngram_network`. The weights start at zero and are applied to the title and to title and
    description together, each divided by its own Euclidean length; the logits are the sum of both. So a title keeps
    half of the weight beside a long description.
    """
    bags = _bags(buckets, classes, "zeros", gram_dropout, in_bytes)
    return keras.Model(bags.inputs, layers.Add(name="logits")([bags.title, bags.both]), name="linear")


@dataclass(frozen=True, slots=True)
class _Bags:
    inputs: list[keras.KerasTensor]
    title: keras.KerasTensor
    description: keras.KerasTensor
    both: keras.KerasTensor


def _bags(buckets: int, width: int, initializer: str, gram_dropout: float, in_bytes: bool) -> _Bags:
    """The bags [B, width] of the fields, from one table."""
    weighted_sum = (
        TableLayers(TABLE, buckets, width).weighted_sum if in_bytes else _trained(buckets, width, initializer)
    )
    idf = layers.Embedding(buckets, 1, embeddings_initializer="ones", trainable=False, name="idf")

    def summed(prefix: str) -> tuple[list[keras.KerasTensor], keras.KerasTensor, keras.KerasTensor]:
        ids = keras.Input((None,), dtype="int32", name=f"{prefix}ids")
        weights = keras.Input((None,), dtype="float32", name=f"{prefix}weights")
        kept = layers.Dropout(gram_dropout, name=f"{prefix}gram_dropout")(weights)
        weighted = ops.expand_dims(kept, -1) * idf(ids)
        return [ids, weights], weighted_sum(ids, weighted), ops.sum(ops.square(weighted), axis=1)

    def bag(total: keras.KerasTensor, squares: keras.KerasTensor) -> keras.KerasTensor:
        return total / ops.sqrt(ops.maximum(squares, NORM_FLOOR**2))

    title_inputs, title, title_squares = summed("")
    description_inputs, description, description_squares = summed("description_")
    return _Bags(
        [*title_inputs, *description_inputs],
        bag(title, title_squares),
        bag(description, description_squares),
        bag(title + description, title_squares + description_squares),
    )


def _trained(buckets: int, width: int, initializer: str) -> WeightedSum:
    """The look-up in a table of floats."""
    grams = layers.Embedding(buckets, width, embeddings_initializer=initializer, name=TABLE)

    def weighted_sum(ids: keras.KerasTensor, weights: keras.KerasTensor) -> keras.KerasTensor:
        return ops.squeeze(ops.matmul(ops.transpose(weights, (0, 2, 1)), grams(ids)), 1)

    return weighted_sum


def set_idf(model: keras.Model, idf: np.ndarray) -> None:
    """Set the inverse document frequencies of an n-gram network: float [buckets], not negative."""
    model.get_layer("idf").set_weights([np.asarray(idf, np.float32).reshape(-1, 1)])


def with_byte_tables(model: keras.Model, in_bytes: keras.Model) -> keras.Model:
    """Fill `in_bytes`, built as `model` was but with `in_bytes=True`, with its weights: the table rounded to 8 bits."""
    table = model.get_layer(TABLE).get_weights()[0]
    set_table(in_bytes, TABLE, ByteTable.of(table))
    for layer in model.layers:
        if layer.name != TABLE and layer.get_weights():
            in_bytes.get_layer(layer.name).set_weights(layer.get_weights())
    return in_bytes
