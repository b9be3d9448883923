from __future__ import annotations

import pytest

from models.listing import Modality
from training.reports.model_card import weights_facts


@pytest.mark.parametrize(
    ("network", "weights", "source", "licence"),
    [
        ("efficientnet_lite0", "package", "ImageNet, from the package efficientnet-lite0-pytorch", "Apache-2.0"),
        ("vgg16", "imagenet", "ImageNet, from keras.applications", "Apache-2.0"),
        ("vgg16", "none", "trained from scratch on this catalogue", "this project's"),
        ("vgg16", "mine.h5", "a file named by the config", "that of the file"),
    ],
)
def test_only_pretrained_weights_have_a_licence_of_their_own(
    network: str, weights: str, source: str, licence: str
) -> None:
    told = weights_facts({"image": {"network": network, "weights": weights}}, Modality.IMAGE)
    assert told["weights"].startswith(source)
    assert told["licence"] == licence


def test_a_text_network_without_encoder_is_this_project_s() -> None:
    told = weights_facts({"text": {"network": "ngrams", "parts": {"encoder": None}}}, Modality.TEXT)
    assert told == {"weights": "trained from scratch on this catalogue", "licence": "this project's"}
