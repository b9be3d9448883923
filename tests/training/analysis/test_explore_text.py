from __future__ import annotations

import sys
import types

import pandas as pd
import pytest

from models.preprocessing.text.clean import ListingText
from training.analysis.explore_text import (
    LENGTH_EDGES,
    UNCERTAIN,
    languages,
    length_bins,
    main_languages,
    stop_words,
    telling_terms,
)


def texts(*titles: str) -> list[ListingText]:
    return [ListingText(title, "") for title in titles]


def test_every_length_is_in_one_bin() -> None:
    bins = dict(length_bins([0, 1, 10, 11, 2560, 2561, 9999]))
    assert bins["none"] == 1
    assert bins["1–10"] == 2
    assert bins["11–20"] == 1
    assert bins["1281–2560"] == 1
    assert bins["over 2560"] == 2
    assert len(bins) == len(LENGTH_EDGES)


def test_languages_of_texts_that_say_enough() -> None:
    found = languages(
        pd.Series(
            texts(
                "Une piscine gonflable avec sa bâche et sa pompe de filtration",
                "The armchair comes with a cover and is delivered within two days",
                "Der Schrank wird mit zwei Schubladen und einer Anleitung geliefert",
                "PS4",
            ),
            index=[3, 5, 8, 9],
        )
    )
    assert found.to_dict() == {3: "fr", 5: "en", 8: "de"}


def test_the_main_language_is_of_the_clear_ones() -> None:
    found = pd.Series(["fr", "fr", "en", UNCERTAIN, UNCERTAIN, UNCERTAIN])
    categories = pd.Series(["a", "a", "a", "a", "b", "a"])
    assert main_languages(found, categories) == {"a": ("fr", pytest.approx(2 / 3))}


def test_terms_tell_categories_apart() -> None:
    pools = [f"piscine ronde modèle {number} neuf avec le filtre" for number in range(30)]
    books = [f"roman policier tome {number} neuf avec le marque page" for number in range(30)]
    found = telling_terms(texts(*pools, *books), ["pool"] * 30 + ["book"] * 30)
    assert {"piscine", "ronde"} <= {word for term in found["pool"] for word in term.text.split()}
    assert {"roman", "policier"} <= {word for term in found["book"] for word in term.text.split()}
    assert not {"neuf", "avec", "le", "neuf avec", "avec le"} & {term.text for term in found["pool"] + found["book"]}
    best = found["pool"][0]
    assert (best.share, best.elsewhere) == (1.0, 0.0)
    assert all(term.score > 0 for term in found["pool"])


def test_a_term_repeated_within_one_listing_counts_once() -> None:
    shouting = ["promo " * 50 + "lampe", *[f"lampe de bureau {number}" for number in range(20)]]
    chairs = [f"chaise de jardin {number}" for number in range(20)]
    found = telling_terms(texts(*shouting, *chairs), ["lamp"] * 21 + ["chair"] * 20)
    assert "promo" not in {term.text for term in found["lamp"]}


def test_common_words_tell_no_category_however_unevenly_spread() -> None:
    listings, categories = [], []
    for category in "abcdefgh":
        for number in range(40):
            article = "the" if category == "a" or number < 4 else "un"
            listings.append(ListingText(f"{article} mot{category} {number}", ""))
            categories.append(category)
    found = telling_terms(listings, categories)
    assert "mota" in found["a"][0].text
    assert "the" not in {term.text for term in found["a"]}


def test_no_words_are_no_terms() -> None:
    assert telling_terms(texts("12", "?", ""), ["a", "b", "a"]) == {"a": [], "b": []}


def test_stop_words_come_from_the_package_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("stop_words")
    package.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    package.get_stop_words = lambda language: [f"mot-{language}"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stop_words", package)
    assert stop_words() == ["mot-de", "mot-en", "mot-fr"]
