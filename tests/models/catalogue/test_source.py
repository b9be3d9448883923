"""Labelled listings are named by a table or by a run's config, whatever their columns are called."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from models.catalogue.category import category_code, look_alike_key
from models.catalogue.rows import LabelledCsv
from models.catalogue.source import read_source
from models.errors import ListingsUnreadable

README = """
name = "mine"
[catalogue]
path = "listings.csv"
images = "photos"
[catalogue.columns]
designation = "title"
category = "shelf"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"pixels")
    (tmp_path / "listings.csv").write_text("title;shelf;image\nUn livre;10.0;a.JPG\n", encoding="utf-8")
    (tmp_path / "mine.toml").write_text(README, encoding="utf-8")
    (tmp_path / "lower.toml").write_text('base = "mine.toml"\n[text]\nepochs = 3\n', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mine.toml", {}),
        ("lower.toml", {}),
        ("listings.csv", {"columns": ["category=shelf"], "images": "photos"}),
    ],
)
def test_a_config_or_a_table(folder: Path, name: str, options: dict[str, str]) -> None:
    images = folder / options["images"] if "images" in options else None
    (row,) = LabelledCsv(read_source(folder / name, images, options.get("columns", ())))
    assert (row.listing.designation, row.category, row.listing.image) == ("Un livre", "10", b"pixels")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("listings.csv", "title,shelf\n", "listings.csv: no column category (columns: title, shelf); name it with"),
        ("a.toml", '[catalogue]\npath = "listings.csv"\n', "listings.csv: no column category (columns: title, shelf"),
        ("a.toml", "[catalogue]\n", "a.toml: catalogue.path: field required"),
        ("a.toml", '[catalogue]\npath = "x.parquet"\n', "x.parquet: not a CSV file"),
        ("a.toml", "[catalogue", "a.toml: not TOML"),
        ("b.toml", README + 'listing_id = "sku"\n', "listings.csv: no column sku (columns: "),
        ("c.csv", "listing_id,category\n", "c.csv: no column designation, description, image (columns: "),
    ],
)
def test_what_is_wrong_is_one_line(folder: Path, name: str, content: str, message: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(ListingsUnreadable) as caught:
        list(LabelledCsv(read_source(folder / name)))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        (["2583", " 2583 ", "2583.0", "2583,0"], "2583"),
        (["Bébé", unicodedata.normalize("NFD", "Bébé")], "Bébé"),
        (["Jeux vidéo", "Jeux\u00a0 vidéo"], "Jeux vidéo"),
        (["1.000"], "1.000"),  # a thousand, in German
        (["0042"], "0042"),
    ],
)
def test_what_is_certainly_one_category_is_one(cells: list[str], code: str) -> None:
    assert {category_code(cell) for cell in cells} == {code}


def test_what_may_be_one_category_looks_alike() -> None:
    for alike in (["Livres", "livres", "LIVRES", "Liv res"], ["42", "0042"], ["ﬁlm", "film"], ["Straße", "STRASSE"]):
        assert len({look_alike_key(code) for code in alike}) == 1
    assert len({look_alike_key(code) for code in ("0", "00", "10", "Livre", "Livres", "Bebe", "Bébé")}) == 6
