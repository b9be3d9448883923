"""Small networks of known weights, as OpenVINO IR and, where asked for, as Keras: what a tiny version holds.

Class `i` answers to the word `WORDS[i]` in a text and to the colour `COLOURS[i]` of a photo; everything else gets a
weak answer that depends on all of the listing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.listing import Modality
from models.preprocessing.settings import NgramPreprocessing
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.ngrams import NgramFeatures

WORDS = ("livre", "console", "figurine", "piscine", "manette", "peluche", "cahier", "Größe")
COLOURS = (
    (140, 70, 20),
    (60, 60, 60),
    (220, 30, 40),
    (30, 110, 220),
    (20, 160, 60),
    (250, 150, 190),
    (250, 220, 60),
    (120, 30, 160),
)
SIDE = 32
"""Height and width in pixels of what the image network takes."""
NGRAMS = NgramPreprocessing(buckets=1024, title_characters=200, description_characters=1000)
SHORTEST = np.float32(1e-3)
"""Least Euclidean length that a bag of n-grams is divided by."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """Of text, `table` [1024, C] of n-grams and `fields` [2 C, C]; of photos, `colours` [3, C] and their bias [C]."""

    table: Floats
    fields: Floats
    colours: Floats
    colour_bias: Floats

    @classmethod
    def draw(cls, classes: int, seed: int) -> Weights:
        """Random n-grams, on top of them what makes words and colours tell."""
        random = np.random.default_rng(seed)
        table = random.normal(0, 0.5, (NGRAMS.buckets, classes))
        features = NgramFeatures(NGRAMS)
        for index, word in enumerate(WORDS[:classes]):
            table[features.extract(ListingText(word, ""))["ids"], index] += 1.5
        fields = np.concatenate([np.eye(classes), 0.6 * np.eye(classes)])
        colours = np.array(COLOURS[:classes]).T / 255 - 0.5
        sharpness = 12 + random.normal(0, 0.2)
        arrays = (table, fields, 2 * sharpness * colours, -sharpness * (colours**2).sum(0))
        return cls(*(array.astype(np.float32) for array in arrays))


def write_networks(folder: Path, weights: Weights, modalities: Collection[Modality] = tuple(Modality)) -> None:
    """Write the networks as OpenVINO IR."""
    import openvino

    builders = {Modality.TEXT: openvino_text, Modality.IMAGE: openvino_image}
    for modality in modalities:
        openvino.save_model(builders[modality](weights), folder / f"{modality}.xml", compress_to_fp16=False)


def openvino_text(weights: Weights) -> Any:
    """The n-gram network: per field sum(table[id] * w) / |w|, then a layer over both."""
    import openvino
    from openvino import opset13 as op

    table, axis = op.constant(weights.table), op.constant(np.int64(1))
    inputs, bags = [], []
    for prefix in ("", "description_"):
        ids, gram_weights = _input(f"{prefix}ids", [-1, -1], np.int32), _input(f"{prefix}weights", [-1, -1], np.float32)
        grams = op.multiply(op.gather(table, ids, op.constant(np.int64(0))), op.unsqueeze(gram_weights, op.constant(2)))
        squares = op.reduce_sum(op.multiply(gram_weights, gram_weights), axis, keep_dims=True)
        length = op.sqrt(op.maximum(squares, op.constant(SHORTEST**2)))
        inputs += [ids, gram_weights]
        bags.append(op.divide(op.reduce_sum(grams, axis), length))
    logits = op.matmul(op.concat(bags, 1), op.constant(weights.fields), False, False)
    return openvino.Model([_output(logits)], inputs, "text")


def openvino_image(weights: Weights, *, side: int = SIDE, batch: int = -1, name: str = "pixels") -> Any:
    """A layer over the photo's mean colour."""
    import openvino
    from openvino import opset13 as op

    pixels = _input(name, [batch, side, side, 3], np.uint8)
    scaled = op.subtract(
        op.divide(op.convert(pixels, "f32"), op.constant(np.float32(255))), op.constant(np.float32(0.5))
    )
    mean = op.reduce_mean(scaled, op.constant(np.int64([1, 2])))
    logits = op.add(op.matmul(mean, op.constant(weights.colours), False, False), op.constant(weights.colour_bias))
    return openvino.Model([_output(logits)], [pixels], "image")


def _input(name: str, shape: list[int], dtype: type[np.generic]) -> Any:
    from openvino import opset13 as op

    node = op.parameter(shape, dtype, name=name)
    node.output(0).get_tensor().set_names({name})
    return node


def _output(logits: Any) -> Any:
    from openvino import opset13 as op

    logits.output(0).get_tensor().set_names({"logits"})
    return op.result(logits)


def write_keras(folder: Path, weights: Weights, modalities: Collection[Modality]) -> None:
    builders = {Modality.TEXT: _keras_text, Modality.IMAGE: _keras_image}
    for modality in modalities:
        builders[modality](weights).save(folder / f"{modality}.keras")


def _keras_text(weights: Weights) -> Any:
    import keras
    from keras import layers, ops

    classes = weights.table.shape[1]
    table = layers.Embedding(NGRAMS.buckets, classes, name="grams")
    inputs, bags = [], []
    for prefix in ("", "description_"):
        ids = keras.Input((None,), dtype="int32", name=f"{prefix}ids")
        gram_weights = keras.Input((None,), dtype="float32", name=f"{prefix}weights")
        squares = ops.sum(ops.square(gram_weights), axis=1, keepdims=True)
        total = ops.sum(table(ids) * ops.expand_dims(gram_weights, -1), axis=1)
        inputs += [ids, gram_weights]
        bags.append(total / ops.sqrt(ops.maximum(squares, float(SHORTEST) ** 2)))
    logits = layers.Dense(classes, use_bias=False, name="logits")(layers.Concatenate()(bags))
    model = keras.Model(inputs, logits, name="text")
    table.set_weights([weights.table])
    model.get_layer("logits").set_weights([weights.fields])
    return model


def _keras_image(weights: Weights) -> Any:
    import keras
    from keras import layers

    pixels = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="pixels")
    mean = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255, -0.5)(pixels))
    model = keras.Model([pixels], layers.Dense(weights.colours.shape[1], name="logits")(mean), name="image")
    model.get_layer("logits").set_weights([weights.colours, weights.colour_bias])
    return model
