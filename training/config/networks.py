"""The networks that a config can name, with the facts that a config is checked against; Keras is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

TEXT_NETWORKS = ("lstm", "gru", "ngrams", "linear", "sentence_encoder", "combined")
TEXT_PARTS: Mapping[str, str] = MappingProxyType(
    {"ngrams": "ngrams", "linear": "linear", "encoder": "sentence_encoder"}
)
"""The network that each part of "combined" is."""
Scaling = Literal["caffe", "symmetric", "centred", "own"]
"""What a backbone wants of RGB 0..255: "caffe" BGR less the ImageNet means, "symmetric" x / 127.5 - 1, "centred"
(x - 127) / 128, "own" nothing, because its first layers do it."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """A pretrained image network without its classifier.

    `builder` is its name in `keras.applications`, or a variant of `training.networks.efficientnet_lite`; `size` the
    photo side in pixels that it was trained on; `cut` the layer after which fine-tuning starts unless the run says
    otherwise. `weights` is where its ImageNet weights come from: "imagenet" is keras.applications' download, "package"
    an installed package.
    """

    builder: str
    scaling: Scaling
    size: int
    cut: str
    weights: Literal["imagenet", "package"] = "imagenet"


HEAD_CUT = "head"
"""The cut before the classifier: nothing of the backbone is trained."""


IMAGE_NETWORKS: Mapping[str, Backbone] = MappingProxyType(
    {
        "efficientnet_lite0": Backbone("lite0", "centred", 224, "block10_add", weights="package"),
        "efficientnet_lite2": Backbone("lite2", "centred", 260, "block14_add", weights="package"),
        "resnet50": Backbone("ResNet50", "caffe", 224, "conv4_block6_out"),
        "mobilenetv2": Backbone("MobileNetV2", "symmetric", 224, "block_12_add"),
        "vgg16": Backbone("VGG16", "caffe", 224, "block4_pool"),
        "xception": Backbone("Xception", "symmetric", 299, "block14_sepconv1_act"),
        "efficientnetv2b0": Backbone("EfficientNetV2B0", "own", 224, "block5e_add"),
        "convnext_tiny": Backbone("ConvNeXtTiny", "own", 224, HEAD_CUT),
    }
)
