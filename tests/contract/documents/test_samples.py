"""The sample listings of the service are complete: two of each category, each with a photo of its own."""

from __future__ import annotations

import json
import tomllib
from collections import Counter

from models.catalogue.rows import LabelledCsv
from models.catalogue.source import Source
from models.preprocessing.image.decode import decode_image
from service.settings import SAMPLES, Settings
from tests.contract.documents.documents import ROOT

IMAGES = SAMPLES.parent / "images"


def test_the_samples_are_complete() -> None:
    samples = list(LabelledCsv(Source(SAMPLES, IMAGES)))
    taxonomy = json.loads((ROOT / "training" / "configs" / "rakuten_taxonomy.json").read_text(encoding="utf-8"))
    codes = [category["code"] for category in taxonomy["categories"]]
    assert Counter(sample.category for sample in samples) == dict.fromkeys(codes, 2)
    assert len({sample.listing.id for sample in samples}) == len({sample.listing.image for sample in samples}) == 54
    for sample in samples:
        assert sample.listing.image is not None
        assert decode_image(sample.listing.image, 480, 480).photo is not None
    assert len(list(IMAGES.iterdir())) == 54
    assert Settings.model_fields["catalogue"].default == SAMPLES
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {"samples/*", "samples/images/*"} <= set(project["tool"]["setuptools"]["package-data"]["service"])
