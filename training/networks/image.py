"""Image networks: uint8 photos [B, H, W, 3] RGB in, logits float32 [B, C] out; scaling pixels is part of the graph.

A pretrained backbone under a classifier: global average pooling ("features"), then dense, batch norm, ReLU and dropout
for each width of the head, then logits. `split_at` parts a network into what stays frozen and what is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import keras
from keras import layers, ops

from training.config.networks import HEAD_CUT, IMAGE_NETWORKS, Scaling
from training.errors import CutInvalid, WeightsUnavailable
from training.networks.efficientnet_lite import VARIANTS, build_efficientnet_lite, load_checkpoint, load_package_weights

FEATURES = "features"
"""The layer after global average pooling, float32 [B, F]."""
CLASSIFIER_PREFIX = "classifier_"
"""Prefix of the names of the classifier's own layers."""
MOST_TRIED = 6
"""Number of layers that are tried as cuts for an error's suggestions."""
IMAGENET_MEANS_RGB = (123.68, 116.779, 103.939)
"""Mean of ImageNet's training photos, as subtracted by the Caffe models that VGG16 and ResNet50 descend from."""


def build_image_network(
    name: str,
    classes: int,
    height: int | None = None,
    width: int | None = None,
    *,
    weights: str = "imagenet",
    head: Sequence[int] = (1024, 512),
    dropout: float = 0.2,
) -> keras.Model:
    """Build one of `training.networks.IMAGE_NETWORKS` for photos of `height` x `width` (default: as it was trained).

    `weights` is "imagenet" (keras.applications downloads them), "package" (from an installed package), "none" (random)
    or the path of a weights file of the backbone (Keras' `.weights.h5` or `.h5`; a PyTorch `.pth` for
    EfficientNet-Lite). An empty `head` makes a linear probe. Raises WeightsUnavailable, and ValueError for another
    name.
    """
    if name not in IMAGE_NETWORKS:
        raise ValueError(f"no image network is called {name!r}")
    backbone = _build_backbone(name, height, width, weights)
    x = layers.GlobalAveragePooling2D(name=FEATURES)(backbone.outputs[0])
    for index, units in enumerate(head, start=1):
        x = layers.Dense(units, name=f"{CLASSIFIER_PREFIX}dense_{index}")(x)
        x = layers.BatchNormalization(name=f"{CLASSIFIER_PREFIX}norm_{index}")(x)
        x = layers.ReLU(name=f"{CLASSIFIER_PREFIX}relu_{index}")(x)
        x = layers.Dropout(dropout, name=f"{CLASSIFIER_PREFIX}dropout_{index}")(x)
    logits = layers.Dense(classes, name=f"{CLASSIFIER_PREFIX}logits")(x)
    return keras.Model(backbone.inputs, logits, name=name)


def split_at(model: keras.Model, layer_name: str) -> tuple[keras.Model, keras.Model]:
    """Part a network into (trunk, tail) after a layer, or after its pooled features when `layer_name` is "head".

    The trunk maps {"pixels"} to the layer's output and is frozen; the tail maps that activation to logits and is
    trained, but for the backbone's batch norms, which stay in inference mode with their pretrained statistics. Both
    share the model's weights: an activation may be computed once by the trunk and fed to the tail in every epoch, and
    fitting the tail fits `model`, whose `trainable` flags this sets. Raises CutInvalid.
    """
    name = FEATURES if layer_name == HEAD_CUT else layer_name
    try:
        activation = model.get_layer(name).output
    except ValueError as error:
        raise CutInvalid(f"network {model.name} has no layer {name}; {_other_cuts(model, name)}") from error
    try:
        tail = keras.Model(activation, model.outputs[0], name=f"{model.name}_tail")
    except ValueError as error:
        problem = f"network {model.name} cannot be cut after {name}: data flows around it"
        raise CutInvalid(f"{problem}; {_other_cuts(model, name)}") from error
    trunk = keras.Model(model.inputs, activation, name=f"{model.name}_trunk")
    trunk.trainable = False
    for layer in tail.layers:
        own = layer.name.startswith(CLASSIFIER_PREFIX)
        layer.trainable = own or not isinstance(layer, layers.BatchNormalization)
    return trunk, tail


def check_cut(name: str, height: int, width: int, layer_name: str) -> None:
    """Check in seconds, without weights, that an image network can be parted after a layer. Raises CutInvalid."""
    if layer_name not in (HEAD_CUT, IMAGE_NETWORKS[name].cut):
        split_at(build_image_network(name, 2, height, width, weights="none", head=()), layer_name)


def _other_cuts(model: keras.Model, wanted: str) -> str:
    """Layers that the network can be cut after, those of the most similar names first."""
    layers_before = [layer.name for layer in model.layers if not layer.name.startswith(CLASSIFIER_PREFIX)]
    similar = get_close_matches(wanted, layers_before, MOST_TRIED, cutoff=0.5)
    usual = [IMAGE_NETWORKS[model.name].cut] if model.name in IMAGE_NETWORKS else []
    suggestions = [name for name in similar if name != wanted and _can_be_cut(model, name)]
    return f"it can be after {', '.join(dict.fromkeys([*suggestions, *usual, HEAD_CUT]))}"


def _can_be_cut(model: keras.Model, name: str) -> bool:
    try:
        keras.Model(model.get_layer(name).output, model.outputs[0])
    except ValueError:
        return False
    return True


def _build_backbone(name: str, height: int | None, width: int | None, weights: str) -> keras.Model:
    facts = IMAGE_NETWORKS[name]
    if weights in ("imagenet", "package") and weights != facts.weights:
        raise WeightsUnavailable(f'{name} has no weights "{weights}"; it has "{facts.weights}", "none" or a path')
    pixels = keras.Input((height or facts.size, width or facts.size, 3), dtype="uint8", name="pixels")
    images = _scaled(pixels, facts.scaling)
    if facts.builder in VARIANTS:
        backbone = keras.Model(pixels, build_efficientnet_lite(facts.builder, images))
        if weights == "package":
            load_package_weights(backbone, facts.builder)
    else:
        backbone = _build_application(name, images, weights if weights == "imagenet" else None)
    if weights not in ("imagenet", "package", "none"):
        _load_weights(backbone, Path(weights))
    return backbone


def _build_application(name: str, images: keras.KerasTensor, weights: str | None) -> keras.Model:
    build = getattr(keras.applications, IMAGE_NETWORKS[name].builder)
    try:
        return build(include_top=False, weights=weights, input_tensor=images)
    except Exception as error:
        if weights is None:
            raise
        # The download fails in as many ways as a network can; Keras wraps most of them in a bare Exception.
        raise WeightsUnavailable(
            f"the ImageNet weights of {name} could not be downloaded: name a file or a network with packaged weights"
        ) from error


def _load_weights(backbone: keras.Model, path: Path) -> None:
    if path.suffix == ".pth":
        load_checkpoint(backbone, path)
        return
    try:
        backbone.load_weights(path)
    except (OSError, ValueError) as error:
        raise WeightsUnavailable(f"the weights file {path.name} cannot be read, or is of another network") from error


def _scaled(pixels: keras.KerasTensor, scaling: Scaling) -> keras.KerasTensor:
    """uint8 RGB to the images that the backbone was trained on, float32 unless it does its own scaling."""
    if scaling == "caffe":
        centred = layers.Rescaling(1.0, offset=[-mean for mean in IMAGENET_MEANS_RGB], name="scaling")(pixels)
        return ops.flip(centred, axis=-1)
    if scaling == "symmetric":
        return layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling")(pixels)
    if scaling == "centred":
        return layers.Rescaling(1 / 128, offset=-127 / 128, name="scaling")(pixels)
    return pixels
