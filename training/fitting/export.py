"""Writes a trained Keras network in the two forms that a version carries: `.keras`, and OpenVINO IR for serving.

Recurrent networks are built anew from OpenVINO's native sequence op: Keras unrolls them into TensorFlow list ops, which
convert badly and run several times slower. All others go through a SavedModel, which gives a leaner graph than
Keras' own OpenVINO export.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from models.networks.openvino import import_openvino

openvino = import_openvino()
op = openvino.opset13

LOGITS = "logits"
"""The name of the output."""
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip archive can state; a fixed one makes equal networks equal files."""


def save_keras(model: keras.Model, path: Path) -> None:
    """Write a network as `path` (.keras) for inference: without optimizer, losses or metrics.

    Its weights are rounded, in place, to numbers that float16 holds: the compiled form keeps them in float16, so both
    compute with the same, and half of each float's bits are zeros, which archives compress to nothing.
    The same weights give the same bytes: the archive holds no date and no memory address.
    """
    _round_weights(model)
    bare = keras.Model(model.inputs, model.outputs, name=model.name)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        dated = Path(folder, "network.keras")
        bare.save(dated)
        with zipfile.ZipFile(dated) as source, zipfile.ZipFile(path, "w") as target:
            for name in sorted(source.namelist()):
                content = source.read(name)
                if name == "metadata.json":
                    content = json.dumps({"keras_version": keras.__version__}).encode()
                elif name == "config.json":
                    content = json.dumps(_renumbered(json.loads(content), {})).encode()
                target.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), content)


def _round_weights(model: keras.Model) -> None:
    for weight in model.weights:
        if weight.dtype != "float32":
            continue
        exact = np.asarray(weight.value.numpy())
        with np.errstate(over="ignore"):
            rounded = exact.astype(np.float16).astype(np.float32)
        weight.assign(np.where(np.isfinite(rounded), rounded, exact))


def _renumbered(value: Any, numbers: dict[int, int]) -> Any:
    """A network's config in which shared objects are counted from 1: Keras tells them apart by memory address."""
    if isinstance(value, list):
        return [_renumbered(entry, numbers) for entry in value]
    if not isinstance(value, dict):
        return value
    renumbered = {key: _renumbered(entry, numbers) for key, entry in value.items()}
    address = value.get("shared_object_id")
    if address is not None:
        renumbered["shared_object_id"] = numbers.setdefault(address, len(numbers) + 1)
    return renumbered


def export_openvino(model: keras.Model, folder: Path, modality: str) -> None:
    """Write `{modality}.xml` and `.bin` into `folder`: weights in float16, inputs named and typed as in Keras.

    The same weights give the same bytes. Logits agree with Keras but for the rounding to float16; by how much is
    measured in docs/decisions/0029 and tested.
    """
    converted = to_openvino(model)
    _round_tables(converted)
    for index, node in enumerate(converted.get_ordered_ops()):
        # Given names end in counters of this process.
        node.set_friendly_name(f"{node.get_type_name()}_{index}")
    openvino.save_model(converted, folder / f"{modality}.xml", compress_to_fp16=True)


def compiled(model: keras.Model) -> Callable[[Any], np.ndarray]:
    """A network, or a part of one, as a function from its inputs to its one output.

    OpenVINO runs it several times faster than Keras.
    """
    core = openvino.Core()
    hints = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}
    network = core.compile_model(to_openvino(model), "CPU", hints)
    return lambda inputs: np.array(network(inputs)[0])


def to_openvino(model: keras.Model) -> Any:
    """The network as an `openvino.Model` in float32, with a dynamic batch axis (and dynamic length for text)."""
    recurrent = any(isinstance(layer, keras.layers.LSTM | keras.layers.GRU) for layer in model.layers)
    return _from_recurrent(model) if recurrent else _from_saved_model(model)


def _round_tables(converted: Any) -> None:
    """Make embedding tables float16 constants and convert the rows that were looked up.

    Left to `compress_to_fp16`, the table would be converted before the look-up, which the CPU plugin runs in its slow
    reference implementation.
    """
    halves: dict[str, Any] = {}
    for node in converted.get_ordered_ops():
        table = node.input_value(0).get_node() if node.get_type_name() == "Gather" else None
        if table is None or table.get_type_name() != "Constant" or table.get_element_type() != openvino.Type.f32:
            continue
        name = table.get_friendly_name()
        if name not in halves:
            halves[name] = op.constant(table.data.astype(np.float16))
        rows = op.gather(halves[name], node.input_value(1), node.input_value(2))
        node.output(0).replace(op.convert(rows, "f32").output(0))


def _from_saved_model(model: keras.Model) -> Any:
    import tensorflow as tf

    signature = {node.name: tf.TensorSpec(node.shape, node.dtype, node.name) for node in model.inputs}
    graph = tf.function(lambda inputs: {LOGITS: model(inputs, training=False)}).get_concrete_function(signature)
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=graph)
        return openvino.Core().read_model(folder)


def _from_recurrent(model: keras.Model) -> Any:
    """Build the graph of `training.networks.text.build_recurrent_network` from the weights of its layers."""
    ids = op.parameter([-1, -1], np.int32, name="ids")
    ids.output(0).get_tensor().set_names({"ids"})
    table = op.constant(_weights(model, "embedding")[0])
    states = _recurrent_states(model.get_layer("recurrent"), op.gather(table, ids, _index(0)))
    real = op.unsqueeze(op.not_equal(ids, op.constant(np.int32(0))), _index(2))
    total = op.reduce_sum(op.select(real, states, op.constant(np.float32(0))), _index(1))
    count = op.reduce_sum(op.convert(real, "f32"), _index(1))
    pooled = op.divide(total, op.maximum(count, op.constant(np.float32(1))))
    hidden = op.relu(_dense(pooled, _weights(model, "dense")))
    logits = _dense(hidden, _weights(model, "logits"))
    logits.output(0).get_tensor().set_names({LOGITS})
    return openvino.Model([op.result(logits)], [ids], model.name)


def _recurrent_states(layer: keras.Layer, embedded: Any) -> Any:
    """States [B, T, units] of a forward LSTM or GRU, given words [B, T, E].

    Every row is declared T words long: a forward layer's states at real words do not depend on the padding after them,
    the caller leaves out the rest, and the CPU plugin ignores shorter lengths.

    Gates: Keras' LSTM has input, forget, cell, output where OpenVINO wants forget, input, cell, output. Both order the
    GRU's as update, reset, hidden; with `reset_after` (Keras' default) the hidden gate keeps its two biases apart.
    """
    kernel, recurrent_kernel, bias = layer.get_weights()
    units = layer.units
    shape = op.shape_of(embedded, "i64")
    batch = op.gather(shape, op.constant(np.array([0], np.int64)), _index(0))
    lengths = op.broadcast(op.gather(shape, _index(1), _index(0)), batch)
    state = op.broadcast(op.constant(np.float32(0)), op.concat([batch, op.constant(np.array([1, units], np.int64))], 0))
    if isinstance(layer, keras.layers.LSTM):
        gates = [_stacked(_lstm_gates(weights).T) for weights in (kernel, recurrent_kernel, bias)]
        node = op.lstm_sequence(embedded, state, state, lengths, *gates, units, "forward")
    else:
        inner, outer = bias
        joined = np.concatenate([(inner + outer)[: 2 * units], inner[2 * units :], outer[2 * units :]])
        gates = [_stacked(kernel.T), _stacked(recurrent_kernel.T), _stacked(joined)]
        node = op.gru_sequence(embedded, state, lengths, *gates, units, "forward", linear_before_reset=True)
    return op.squeeze(node.output(0), _index(1))


def _index(value: int) -> Any:
    """A constant axis or position."""
    return op.constant(np.int64(value))


def _lstm_gates(weights: np.ndarray) -> np.ndarray:
    first, forget, cell, output = np.split(weights, 4, axis=-1)
    return np.concatenate([forget, first, cell, output], axis=-1)


def _stacked(weights: np.ndarray) -> Any:
    """A constant with the axis of directions (one) that sequence ops have."""
    return op.constant(np.ascontiguousarray(weights[np.newaxis], dtype=np.float32))


def _dense(x: Any, weights: list[np.ndarray]) -> Any:
    kernel, bias = weights
    return op.add(op.matmul(x, op.constant(kernel), False, False), op.constant(bias[np.newaxis]))


def _weights(model: keras.Model, layer_name: str) -> list[np.ndarray]:
    weights: list[np.ndarray] = model.get_layer(layer_name).get_weights()
    return weights
