"""The figures and tables of a comparison, of answers whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.training.analysis.pages import taxonomy_of
from tests.training.synthetic_comparison import make_comparison
from training.catalogue.dataset import Catalogue
from training.comparison.candidates import Comparison
from training.comparison.report import document
from training.comparison.tables import figures_of, source_table


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return make_comparison(taxonomy_of(4), {"tfidf_svm": 1.5, "ngrams": 2.2}, {"vgg16": 1.0}, ("ngrams", "vgg16"))


def figures(comparison: Comparison) -> dict[str, Any]:
    """The content of compare.json."""
    return document(comparison, {entry.key: figures_of(entry, comparison) for entry in comparison.entries})


def test_every_network_has_one_row_a_cohort_and_a_shared_one_is_not_repeated(comparison: Comparison) -> None:
    networks = [(row["listings"], row["evidence"], row["network"]) for row in figures(comparison)["networks"]]
    of_whole = [row[1:] for row in networks if row[0] == "all of the validation part"]
    texts, photo, both = [("text", "tfidf_svm"), ("text", "ngrams")], ("photo", "vgg16"), "ngrams + vgg16"
    assert of_whole == [*texts, photo, ("text and photo", both)]
    assert {row[0] for row in networks} == {"all of the validation part", "true", "vote"}
    assert len(networks) == 12


def test_the_figures_are_those_of_the_answers_and_no_title_is_among_them(comparison: Comparison) -> None:
    rows = figures(comparison)["networks"]
    whole = [row for row in rows if row["listings"] == "all of the validation part"]
    for row, entry in zip(whole, comparison.entries, strict=True):
        right = (entry.answers.probabilities.argmax(1) == entry.answers.labels).mean()
        assert row["accuracy"]["value"] == pytest.approx(right, abs=1e-6)
        assert row["accuracy"]["low"] < right < row["accuracy"]["high"]
        assert row["n"] == 60
    assert [row["n"] for row in rows if row["listings"] == "vote"] == [20] * 4
    assert "title " not in json.dumps(figures(comparison))


def test_one_network_alone_can_be_shown(comparison: Comparison) -> None:
    photo = next(contender for contender in comparison.contenders if contender.networks[0].name == "vgg16")
    alone = figures(replace(comparison, contenders=[photo], not_trained=[]))
    assert {row["evidence"] for row in alone["networks"]} == {"photo"}
    assert alone["fusions"] == {}


def test_two_networks_of_one_kind_are_told_apart_by_their_configs(comparison: Comparison) -> None:
    ngrams = comparison.contenders[1]
    other = replace(ngrams, run="other", networks=[replace(ngrams.networks[0], key="another fit")])
    rows = figures(replace(comparison, contenders=[ngrams, other]))["networks"]
    assert [row["network"] for row in rows[:2]] == ["ngrams (ngrams-config)", "ngrams (other)"]


def test_accuracy_is_told_by_label_source_and_kind_of_text(comparison: Comparison) -> None:
    table = comparison.catalogue.rows
    assert source_table(comparison) is not None
    kinds = table.assign(text_kind="original")
    kinds.loc[kinds.index[:6], "text_kind"] = "cleaned"
    sources = source_table(replace(comparison, catalogue=Catalogue("listings.csv", kinds)))
    assert sources is not None
    groups = ["true, original (36)", "vote, original (18)", "true, cleaned (4)", "vote, cleaned (2)"]
    assert list(sources.columns) == ["network", "evidence", *groups]
    entry, cell = comparison.entries[0], sources.rows[0][2]
    chosen = kinds.index[(kinds["label_source"] == "true") & (kinds["text_kind"] == "original")]
    answers = entry.answers.only(chosen)
    assert isinstance(cell, dict)
    assert cell["value"] == pytest.approx((answers.probabilities.argmax(1) == answers.labels).mean(), abs=1e-6)
    alike = replace(comparison, catalogue=Catalogue("listings.csv", table.assign(label_source="true")))
    assert source_table(alike) is None
