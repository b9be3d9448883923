"""Golden listings from a file: its format, and the errors that name a line at fault."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.listing import Listing
from models.preprocessing.image.decode import decode_image
from training.errors import ConfigError
from training.publishing.golden import read_golden_listings

EXAMPLES = Path(__file__).parents[3] / "examples"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "golden.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_lines_are_listings_and_photos_lie_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"photo")
    path = write(tmp_path, '{"designation": "Titre", "image": "a.jpg"}', '{"description": "<p>Größe</p>"}')
    assert read_golden_listings(path) == [Listing("Titre", "", b"photo"), Listing("", "<p>Größe</p>")]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"title": "x"}', '{"image": "missing.jpg"}', '{"designation": 5}', "", '{"image": "../a.jpg"}']
)
def test_a_line_that_is_no_listing_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path, '{"designation": "ok"}', line, '{"designation": "ok"}')
    with pytest.raises(ConfigError, match=re.escape("line 2 of golden.jsonl")):
        read_golden_listings(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.jsonl"):
        read_golden_listings(tmp_path / "none.jsonl")


def test_the_project_s_own_listings_cover_every_kind_of_evidence() -> None:
    listings = read_golden_listings(EXAMPLES / "listings.jsonl")
    kinds = {(bool(listing.designation), bool(listing.description), listing.image is not None) for listing in listings}
    assert {(True, False, False), (True, True, False), (False, False, True), (True, True, True)} <= kinds
    for listing in listings:
        if listing.image is not None:
            assert decode_image(listing.image, 64, 64).warnings == ()
