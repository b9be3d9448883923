"""Rows without a category and rare categories do not stop a run, and are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from training.catalogue.categories import settle_categories
from training.catalogue.dataset import Catalogue
from training.catalogue.read import read_catalogue, read_taxonomy
from training.config.run import CatalogueConfig
from training.errors import CatalogueRefused

HEADER = "designation,category,split\n"


def rows(*categories: tuple[str, int, str]) -> str:
    return HEADER + "".join(f"livre,{code},{split}\n" for code, count, split in categories for _ in range(count))


def settle(folder: Path, text: str, **settings: Any) -> tuple[Catalogue, CatalogueConfig]:
    (folder / "listings.csv").write_text(text, encoding="utf-8")
    config = CatalogueConfig.model_validate({"path": folder / "listings.csv", **settings})
    return settle_categories(read_catalogue(config), config), config


MIXED = rows(("a", 6, ""), ("b", 5, ""), ("", 2, ""), ("few", 4, ""), ("one", 1, ""), ("unlearned", 9, "test"))


@pytest.mark.parametrize(
    ("settings", "codes", "notes"),
    [
        ({}, {"a", "b"}, ["categories of fewer than 5 listings are left out: few (4), one (1), unlearned (9)"]),
        ({"min_listings": 4}, {"a", "b", "few"}, ["categories of fewer than 4 listings are left out: one (1), unlear"]),
        (
            {"rare": "other"},
            {"a", "b", "other"},
            ["categories of fewer than 5 listings are filed under other: few (4),"],
        ),
        (
            {"rare": "other", "min_listings": 6},
            {"a", "other"},
            ["categories of fewer than 6 listings are filed under other: b (5), few (4), one (1), unlearned (9)"],
        ),
    ],
)
def test_rare_categories(tmp_path: Path, settings: dict[str, Any], codes: set[str], notes: list[str]) -> None:
    catalogue, config = settle(tmp_path, MIXED, **settings)
    assert set(catalogue.rows["category"]) == codes
    said = catalogue.notes[1:]  # after that columns are absent
    assert said[0] == "2 rows without a category left out (rows 13, 14)"
    assert [note[: len(start)] for note, start in zip(said[1:], notes, strict=True)] == notes
    assert sum(catalogue.left_out.values()) + len(catalogue) == 27
    taxonomy = read_taxonomy(config, catalogue)
    assert set(taxonomy.codes) == codes
    assert ("other" not in codes) or taxonomy.label("other", "de") == "Sonstiges"


def test_other_is_left_out_where_it_is_rare_itself(tmp_path: Path) -> None:
    catalogue, _ = settle(tmp_path, rows(("a", 6, ""), ("b", 5, ""), ("one", 1, "")), rare="other")
    assert set(catalogue.rows["category"]) == {"a", "b"}


def test_only_rows_with_text_or_a_photo_count(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"")
    lines = "".join(f"{text},{code},{image}\n" for code, text, image in (
        *[("a", "livre", "")] * 5, *[("b", "", "x.jpg")] * 5, *[("c", "", "gone.jpg")] * 5, *[("d", "<br>", "")] * 5,
    ))  # fmt: skip
    catalogue, _ = settle(tmp_path, "designation,category,image\n" + lines, images=tmp_path)
    assert set(catalogue.rows["category"]) == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        (
            MIXED,
            {"rare": "refuse"},
            "categories of fewer than 5 listings: few (4), one (1), unlearned (9): add listings, ",
        ),
        (
            rows(("a", 9, ""), ("b", 4, "")),
            {},
            "at least two categories of 5 or more listings are needed (a (9), b (4))",
        ),
        (rows(("", 9, "")), {}, "at least two categories of 5 or more listings are needed (no row has a category)"),
        (HEADER, {}, "at least two categories of 5 or more listings are needed (no row has a category)"),
    ],
)
def test_a_refusal_is_one_line(tmp_path: Path, text: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogueRefused) as caught:
        settle(tmp_path, text, **settings)
    assert str(caught.value).startswith(f"listings.csv: {message}")
    assert "\n" not in str(caught.value)
