"""The sample listings that come with the service: complete, in three languages, drawn by the project's own script."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from examples.samples.__main__ import MAX_BYTES, PICTURES, drawn, encoded
from models.catalogue.rows import LabelledCsv, LabelledListing
from models.preprocessing.image.decode import decode_image
from models.preprocessing.text.clean import plain_text
from service.settings import SAMPLES, Settings

ROOT = Path(__file__).parents[3]
IMAGES = SAMPLES.parent / "images"


@pytest.fixture(scope="module")
def samples() -> list[LabelledListing]:
    return list(LabelledCsv(SAMPLES, IMAGES))


def test_two_listings_of_each_category(samples: list[LabelledListing]) -> None:
    taxonomy = json.loads((ROOT / "training" / "configs" / "rakuten_taxonomy.json").read_text(encoding="utf-8"))
    codes = [one["code"] for one in taxonomy["categories"]]
    assert len(samples) == 54
    assert Counter(one.category for one in samples) == dict.fromkeys(codes, 2)
    assert len({one.listing.id for one in samples}) == 54
    assert Settings.model_fields["catalogue"].default == SAMPLES


def test_titles_and_descriptions_are_believable_in_length(samples: list[LabelledListing]) -> None:
    for one in samples:
        assert 15 <= len(one.listing.designation) <= 120, one.listing.id
        assert 20 <= len(plain_text(one.listing.description)) <= 400, one.listing.id
    with_markup = [one for one in samples if plain_text(one.listing.description) != one.listing.description]
    assert len(with_markup) >= 15


def test_three_languages(samples: list[LabelledListing]) -> None:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(["fr", "en", "de"])
    texts = [f"{one.listing.designation}. {plain_text(one.listing.description)}" for one in samples]
    languages = Counter(identifier.classify(text)[0] for text in texts)
    assert languages["fr"] > 27
    assert min(languages["en"], languages["de"]) >= 8


def test_each_has_a_picture_of_its_own(samples: list[LabelledListing]) -> None:
    names = [row["image"] for row in csv.DictReader(SAMPLES.read_text(encoding="utf-8").splitlines())]
    assert sorted(names) == sorted(f"{name}.jpg" for name in PICTURES)
    assert sorted(names) == sorted(path.name for path in IMAGES.iterdir())
    assert len({one.listing.image for one in samples}) == 54
    for one in samples:
        assert one.listing.image is not None
        assert len(one.listing.image) <= MAX_BYTES
        decoded = decode_image(one.listing.image, 480, 480)
        assert decoded.photo is not None
        assert (decoded.photo.format, decoded.photo.width, decoded.photo.height) == ("JPEG", 480, 480)
        corners = decoded.pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert (corners > 240).all(), one.listing.id  # on white


@pytest.mark.parametrize("name", PICTURES)
def test_the_script_draws_the_pictures_that_are_there(name: str) -> None:
    """To within what another version of the drawing library does with letters and edges."""
    again = Image.open(io.BytesIO(encoded(drawn(name)))).convert("RGB")
    shipped = Image.open(IMAGES / f"{name}.jpg").convert("RGB")
    difference = np.abs(np.asarray(again, np.int16) - np.asarray(shipped, np.int16))
    assert difference.mean() < 1


def test_the_samples_are_packaged() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {"samples/*", "samples/images/*"} <= set(project["tool"]["setuptools"]["package-data"]["service"])
