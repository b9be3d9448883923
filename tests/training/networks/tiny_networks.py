"""Every network in a size that builds in seconds, with inputs for it and weights that let signals through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from training.networks.image import build_image_network
from training.networks.tables import ByteTable, set_table
from training.networks.text import build_text_network, join_networks
from training.networks.use_checkpoint import PIECE_TABLE, EncoderSizes

CLASSES = 5
WORDS = 50
TEXT_SIZES: Mapping[str, Mapping[str, Any]] = {
    "lstm": {"vocabulary": WORDS, "embedding": 6, "units": 7, "dense": 8},
    "gru": {"vocabulary": WORDS, "embedding": 6, "units": 7, "dense": 8},
    "ngrams": {"buckets": WORDS, "dim": 6, "hidden": 8},
    "linear": {"buckets": WORDS},
    "sentence_encoder": {"rows": WORDS, "sizes": EncoderSizes(12, 4, 6, 8), "hidden": 8, "encoder_rate": 0.5},
}
PART_WEIGHTS = {"ngrams": 0.8, "linear": 1.5, "sentence_encoder": 0.6}
INPUTS: Mapping[str, tuple[str, ...]] = {
    "lstm": ("words",),
    "gru": ("words",),
    "ngrams": ("ngrams",),
    "linear": ("ngrams",),
    "sentence_encoder": ("pieces",),
    "combined": ("ngrams", "pieces"),
}
"""The kinds of features that each text network takes."""
SMALLEST_SIDE = {"xception": 71}
"""Where keras.applications does not allow 64."""


def text_network(name: str) -> Any:
    """A text network whose words and gates lie far enough apart that a mix-up shows."""
    if name == "combined":
        return join_networks({part: text_network(part) for part in PART_WEIGHTS}, PART_WEIGHTS)
    keras.utils.set_random_seed(1)
    model = build_text_network(name, CLASSES, **TEXT_SIZES[name])
    random = np.random.default_rng(2)
    for layer in model.layers:
        if layer.name in ("embedding", "grams", "recurrent"):
            layer.set_weights([random.normal(size=weight.shape) for weight in layer.get_weights()])
    if name == "sentence_encoder":
        table = random.normal(size=(WORDS, TEXT_SIZES[name]["sizes"].table))
        set_table(model.get_layer("encoder"), PIECE_TABLE, ByteTable.of(table.astype(np.float32)))
    return model


def text_inputs(name: str, lengths: Sequence[int], padded: int) -> dict[str, np.ndarray]:
    """Rows of `lengths` real entries each, post-padded to `padded`; descriptions are the titles in reverse order."""
    random = np.random.default_rng(3)
    real = np.arange(padded) < np.array(lengths)[:, None]
    ids = (random.integers(1, WORDS, (len(lengths), 64))[:, :padded] * real).astype(np.int32)
    weights = (random.random((len(lengths), 64))[:, :padded] * real).astype(np.float32)
    kinds = {
        "words": {"ids": ids},
        "ngrams": {"ids": ids, "weights": weights, "description_ids": ids[::-1], "description_weights": weights[::-1]},
        "pieces": {"pieces": ids, "description_pieces": ids[::-1]},
    }
    return {key: values for kind in INPUTS[name] for key, values in kinds[kind].items()}


def image_network(name: str, *, lively: bool = True, **options: Any) -> Any:
    """An image network for small photos.

    `lively` scales its batch norms: in inference mode, fresh ones scale nothing, and what is left of a photo after
    dozens of randomly initialised layers is 1e-12.
    """
    keras.utils.set_random_seed(1)
    side = SMALLEST_SIDE.get(name, 64)
    model = build_image_network(name, CLASSES, side, side, **{"weights": "none", "head": (8,), **options})
    if lively:
        norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        for layer in norms:
            layer.momentum = 0.0
        model(photos(model, 8), training=True)
        for layer in norms:
            layer.momentum = 0.99
            # Keep the mean: subtracting it would leave differences of nearly equal photos, which amplifies rounding.
            layer.moving_variance.assign(layer.moving_variance + layer.moving_mean**2)
            layer.moving_mean.assign(keras.ops.zeros_like(layer.moving_mean))
    return model


def photos(model: Any, count: int) -> dict[str, np.ndarray]:
    """Random photos of the network's size."""
    _, height, width, channels = model.inputs[0].shape
    pixels = np.random.default_rng(4).integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    return {"pixels": pixels}


def logits(model: Any, inputs: Any) -> np.ndarray:
    """The network's answer in inference mode."""
    return keras.ops.convert_to_numpy(model(inputs, training=False))
