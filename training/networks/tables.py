"""Look-up tables in 8 bits: a byte for each number, and a scale and a lowest value for each row.

A table is three Keras embeddings, so that a network file names standard layers only: the bytes (uint8, which OpenVINO
keeps as they are in its files and in memory), the scale and the low. A row is `low + scale * bytes`. Scales and lows
are numbers that float16 holds exactly, for the OpenVINO files round constants to it: both runtimes compute with the
same.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from models.arrays import Floats

LEVELS = 255


@dataclass(frozen=True, slots=True, eq=False)
class ByteTable:
    """A table [R, D] in 8 bits: `bytes` uint8 [R, D]; `scale` and `low` float32 [R], exact in float16."""

    bytes: NDArray[np.uint8]
    scale: Floats
    low: Floats

    @classmethod
    def of(cls, table: Floats) -> ByteTable:
        """Round a table to bytes: each number moves by at most half a scale, the 510th part of its row's range."""
        low = half_exact(table.min(axis=1))
        # Rounded up, for the largest number of a row must not be out of reach.
        wanted = (table.max(axis=1) - low) / LEVELS
        scale = half_exact(wanted)
        scale = np.where(scale < wanted, half_exact(np.nextafter(scale.astype(np.float16), np.float16(np.inf))), scale)
        steps = np.where(scale > 0, scale, 1)[:, np.newaxis]
        levels = np.clip(np.rint((table - low[:, np.newaxis]) / steps), 0, LEVELS)
        return cls(levels.astype(np.uint8), scale, low)

    def values(self) -> Floats:
        """The numbers that the table stands for, float32 [R, D]."""
        return self.low[:, np.newaxis] + self.scale[:, np.newaxis] * self.bytes


def half_exact(values: NDArray[np.floating]) -> Floats:
    """The nearest numbers that float16 holds, as float32."""
    return np.asarray(values, np.float32).astype(np.float16).astype(np.float32)


class TableLayers:
    """The three layers of one table of `rows` rows, called `name`, `name`_scale and `name`_low; never trained."""

    def __init__(self, name: str, rows: int, width: int) -> None:
        fixed = {"embeddings_initializer": "zeros", "trainable": False}
        self.bytes = layers.Embedding(rows, width, dtype="uint8", name=name, **fixed)
        self.scale = layers.Embedding(rows, 1, name=f"{name}_scale", **fixed)
        self.low = layers.Embedding(rows, 1, name=f"{name}_low", **fixed)

    def rows(self, ids: keras.KerasTensor) -> keras.KerasTensor:
        """Rows float32 [B, T, D] of ids int32 [B, T]."""
        return ops.cast(self.bytes(ids), "float32") * self.scale(ids) + self.low(ids)

    def weighted_sum(self, ids: keras.KerasTensor, weights: keras.KerasTensor) -> keras.KerasTensor:
        """Sum of rows [B, D], each times its weight of `weights` [B, T, 1]: rows are never expanded to floats."""
        scaled = ops.transpose(weights * self.scale(ids), (0, 2, 1))
        total = ops.squeeze(ops.matmul(scaled, ops.cast(self.bytes(ids), "float32")), 1)
        return total + ops.sum(weights * self.low(ids), axis=1)


def set_table(model: keras.Model, name: str, table: ByteTable) -> None:
    """Fill the layers of the table called `name`. Raises ValueError if they have another shape."""
    model.get_layer(name).set_weights([table.bytes])
    model.get_layer(f"{name}_scale").set_weights([table.scale[:, np.newaxis]])
    model.get_layer(f"{name}_low").set_weights([table.low[:, np.newaxis]])
