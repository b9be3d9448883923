"""Page, Markdown and figures of a comparison, of answers whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.taxonomy import LANGUAGES, Category, Taxonomy
from tests.training.synthetic_comparison import make_comparison
from training.catalogue.dataset import Catalogue
from training.comparison.candidates import Comparison
from training.comparison.cost import Cost, Way
from training.comparison.report import write_comparison
from training.comparison.tables import source_table, ways_table

HOSTILE = "<script>alert(1)</script> | a_b & c"
TAXONOMY = Taxonomy(
    (
        *(Category(code, {"en": f"name {code}"}, {"en": "group"}) for code in ("10", "40", "2583")),
        Category("9", dict.fromkeys(LANGUAGES, HOSTILE), {"en": "group"}),
    )
)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    made = make_comparison(TAXONOMY, {"tfidf_svm": 1.5, "ngrams": 2.2}, {"vgg16": 1.0}, ("ngrams", "vgg16"))
    made.catalogue.rows["designation"] += f" {HOSTILE}"
    return made


@pytest.fixture(scope="module")
def written(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the three files, with its plots."""
    page = write_comparison(tmp_path_factory.mktemp("comparison") / "new", comparison)
    assert page.name == "compare.html"
    return page.parent


def test_no_title_of_a_listing_is_in_the_json(written: Path) -> None:
    assert "title " in (written / "compare.md").read_text(encoding="utf-8")
    assert "title " not in (written / "compare.json").read_text(encoding="utf-8")


def figures(folder: Path) -> Any:
    return json.loads((folder / "compare.json").read_text(encoding="utf-8"))


def test_every_network_has_one_row_a_cohort_and_a_shared_one_is_not_repeated(written: Path) -> None:
    networks = [(row["listings"], row["evidence"], row["network"]) for row in figures(written)["networks"]]
    of_whole = [row[1:] for row in networks if row[0] == "all of the validation part"]
    texts, photo, both = [("text", "tfidf_svm"), ("text", "ngrams")], ("photo", "vgg16"), "ngrams + vgg16"
    assert of_whole == [*texts, photo, ("text and photo", both)]
    assert {row[0] for row in networks} == {"all of the validation part", "true", "vote"}
    assert len(networks) == 12


def test_the_figures_are_those_of_the_answers(written: Path, comparison: Comparison) -> None:
    whole = [row for row in figures(written)["networks"] if row["listings"] == "all of the validation part"]
    for row, entry in zip(whole, comparison.entries, strict=True):
        right = (entry.answers.probabilities.argmax(1) == entry.answers.labels).mean()
        assert row["accuracy"]["value"] == pytest.approx(right, abs=1e-6)
        assert row["accuracy"]["low"] < right < row["accuracy"]["high"]
        assert row["n"] == 60
    votes = [row["n"] for row in figures(written)["networks"] if row["listings"] == "vote"]
    assert votes == [20] * 4


@pytest.mark.usefixtures("without_plots")
def test_one_network_alone_can_be_shown(comparison: Comparison, tmp_path: Path) -> None:
    photo = next(each for each in comparison.contenders if each.networks[0].name == "vgg16")
    write_comparison(tmp_path, replace(comparison, contenders=[photo], not_trained=[]))
    assert {row["evidence"] for row in figures(tmp_path)["networks"]} == {"photo"}
    assert figures(tmp_path)["fusions"] == {}
    assert 'id="fusion"' not in (tmp_path / "compare.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("without_plots")
def test_two_networks_of_one_kind_are_told_apart_by_their_configs(comparison: Comparison, tmp_path: Path) -> None:
    one = comparison.contenders[1]
    other = replace(one, run="other", networks=[replace(one.networks[0], key="another fit")])
    write_comparison(tmp_path, replace(comparison, contenders=[one, other]))
    assert [row["network"] for row in figures(tmp_path)["networks"][:2]] == ["ngrams (ngrams-config)", "ngrams (other)"]


def test_accuracy_is_told_by_label_source_and_kind_of_text(comparison: Comparison) -> None:
    table = comparison.catalogue.rows
    assert source_table(comparison) is not None
    kinds = table.assign(text_kind="original")
    kinds.loc[kinds.index[:6], "text_kind"] = "cleaned"
    named = replace(comparison, catalogue=Catalogue("listings.csv", kinds))
    found = source_table(named)
    assert found is not None
    assert list(found.columns) == [
        "network",
        "evidence",
        "true, original (36)",
        "vote, original (18)",
        "true, cleaned (4)",
        "vote, cleaned (2)",
    ]
    entry, cell = comparison.entries[0], found.rows[0][2]
    chosen = kinds.index[(kinds["label_source"] == "true") & (kinds["text_kind"] == "original")]
    given = entry.answers.only(chosen)
    assert isinstance(cell, dict)
    assert cell["value"] == pytest.approx((given.probabilities.argmax(1) == given.labels).mean(), abs=1e-6)
    alike = replace(comparison, catalogue=Catalogue("listings.csv", table.assign(label_source="true")))
    assert source_table(alike) is None


def test_the_time_is_told_in_every_precision_and_number_of_threads(comparison: Comparison) -> None:
    assert ways_table(comparison) is None
    others = {Way("f32", 2): 0.6, Way("bf16", 1): 0.5}
    contenders = [
        replace(
            each,
            other_costs={
                way: {c: Cost(50, f * k.ms, k.ms, k.ms) for c, k in each.costs.items()} for way, f in others.items()
            },
        )
        for each in comparison.contenders
    ]
    table = ways_table(replace(comparison, contenders=contenders))
    assert table is not None
    assert table.columns[2:] == ("f32, one thread", "f32, a core pair", "bf16, one thread")
    assert table.rows[0][2:] == ["0.40", "0.24", "0.20"]
    assert len(table.rows) == len(comparison.entries)
