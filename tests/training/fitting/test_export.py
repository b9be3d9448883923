"""Saved networks compute as trained ones, in Keras and in OpenVINO."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.networks.openvino import import_openvino
from models.networks.runtime import load_network
from tests.training.networks.tiny_networks import CLASSES, image_network, logits, photos, text_inputs, text_network
from training.config.networks import TEXT_NETWORKS
from training.fitting.export import export_openvino, save_keras, to_openvino

pytestmark = pytest.mark.tensorflow

EXACT = 1e-4
"""Largest difference of float32 graphs, in spreads of the logits over a batch."""
ROUNDED = 0.03
"""Largest difference with float16 weights: 11 bits of mantissa, through up to 50 layers of random weights."""


def network(name: str) -> tuple[Any, dict[str, np.ndarray]]:
    if name in TEXT_NETWORKS:
        return text_network(name), text_inputs(name, [9, 4, 12, 0], padded=12)
    model = image_network(name)
    return model, photos(model, 3)


def largest_difference(answer: np.ndarray, reference: np.ndarray) -> float:
    assert answer.dtype == np.float32
    assert answer.shape == reference.shape
    assert reference.std() > 1e-3
    return float(np.abs(answer - reference).max() / reference.std())


@pytest.mark.parametrize("name", [*TEXT_NETWORKS, "efficientnet_lite0", "mobilenetv2", "resnet50", "vgg16"])
@pytest.mark.slow
def test_a_saved_network_answers_alike_in_both_runtimes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, inputs = network(name)
    reference = logits(model, inputs)
    converted = to_openvino(model)
    exact = import_openvino().Core().compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert largest_difference(exact(inputs)[0], reference) < EXACT

    monkeypatch.setattr("training.fitting.export.to_openvino", lambda _: converted)  # converting is what takes long
    export_openvino(model, tmp_path, "any")
    save_keras(model, tmp_path / "any.keras")
    assert largest_difference(logits(model, inputs), reference) < ROUNDED
    reference = logits(model, inputs)  # saving has rounded the weights
    compiled = load_network(tmp_path, "any", runtime="openvino")
    restored = load_network(tmp_path, "any", runtime="keras")
    assert set(compiled.input_names) == set(restored.input_names) == set(inputs)
    assert compiled.classes == restored.classes == CLASSES
    assert largest_difference(restored.logits(inputs), reference) < EXACT
    assert largest_difference(compiled.logits(inputs), reference) < ROUNDED
    rows = [{key: values[row : row + 1] for key, values in inputs.items()} for row in range(len(reference))]
    assert largest_difference(np.concatenate([compiled.logits(row) for row in rows]), compiled.logits(inputs)) < EXACT
    assert (tmp_path / "any.bin").stat().st_size < 2.1 * model.count_params() + 1_000, "weights are not float16"
    if name in TEXT_NETWORKS:  # the pixels of the others are bytes as well
        in_bytes = 'element_type="u8"' in (tmp_path / "any.xml").read_text()
        assert in_bytes == (name in ("sentence_encoder", "combined"))


@pytest.mark.parametrize("name", ["gru", "ngrams", "combined"])
def test_equal_networks_are_equal_files(name: str, tmp_path: Path) -> None:
    contents = []
    for attempt in ("first", "second"):
        model, _ = network(name)
        folder = tmp_path / attempt
        folder.mkdir()
        export_openvino(model, folder, "any")
        contents.append([(folder / f"any.{suffix}").read_bytes() for suffix in ("xml", "bin")])
    assert contents[0] == contents[1]
    for attempt in ("first", "second"):
        save_keras(model, tmp_path / attempt / "any.keras")
    assert (tmp_path / "first/any.keras").read_bytes() == (tmp_path / "second/any.keras").read_bytes()


def test_a_saved_network_carries_neither_optimizer_nor_date(tmp_path: Path) -> None:
    model, inputs = network("lstm")
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.train_on_batch(inputs, np.zeros(4))
    save_keras(model, tmp_path / "text.keras")
    assert model.optimizer.iterations == 1
    assert [path.name for path in tmp_path.iterdir()] == ["text.keras"]
    with zipfile.ZipFile(tmp_path / "text.keras") as archive:
        assert json.loads(archive.read("metadata.json")) == {"keras_version": keras.__version__}
        assert not json.loads(archive.read("config.json")).get("compile_config")
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
    restored = keras.saving.load_model(tmp_path / "text.keras", safe_mode=True)
    assert not restored.compiled
    np.testing.assert_allclose(logits(restored, inputs), logits(model, inputs), rtol=1e-6)
