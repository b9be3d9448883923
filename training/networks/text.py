"""Text networks: padded features in, logits float32 [B, C] out, which do not depend on the padding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import layers, ops

from training.networks.ngrams import build_linear_network, build_ngram_network
from training.networks.sentence_encoder import build_sentence_encoder_network

RECURRENT: Mapping[str, Callable[..., keras.Layer]] = {"lstm": layers.LSTM, "gru": layers.GRU}
BUILDERS: Mapping[str, Callable[..., keras.Model]] = {
    "ngrams": build_ngram_network,
    "linear": build_linear_network,
    "sentence_encoder": build_sentence_encoder_network,
}


def build_text_network(name: str, classes: int, **sizes: Any) -> keras.Model:
    """Build one of `training.networks.TEXT_NETWORKS` but "combined", which is made of fitted ones (`join_networks`).

    `sizes` are the keyword arguments of its own builder. Raises ValueError for another name and TypeError for a size
    that the network does not have.
    """
    if name in RECURRENT:
        return build_recurrent_network(name, classes, **sizes)
    if name in BUILDERS:
        return BUILDERS[name](classes, **sizes)
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
    averaged by hand and not by GlobalAveragePooling1D, which gives NaN for a row of padding alone.
    `training.fitting.export` reads the weights by these layer names.
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


def join_networks(parts: Mapping[str, keras.Model], weights: Mapping[str, float]) -> keras.Model:
    """One network whose logits are the weighted sum of its parts' logits; parts of weight 0 are left out.

    Parts are networks of any kind for the same categories; inputs of the same name are the same. At least one weight
    is not 0.
    """
    inputs: dict[str, keras.KerasTensor] = {}
    terms = []
    for name, part in parts.items():
        if not weights[name]:
            continue
        for node in part.inputs:
            if node.name not in inputs:
                inputs[node.name] = keras.Input(node.shape[1:], dtype=node.dtype, name=node.name)
        renamed = keras.Model(part.inputs, part.outputs[0], name=name)
        logits = renamed([inputs[node.name] for node in part.inputs])
        terms.append(layers.Rescaling(weights[name], name=f"{name}_weight")(logits))
    logits = layers.Add(name="logits")(terms) if len(terms) > 1 else terms[0]
    return keras.Model(list(inputs.values()), logits, name="combined")
