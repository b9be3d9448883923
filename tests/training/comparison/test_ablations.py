"""Ablations: the configs that form one line, and the rows that they lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from models.listing import Evidence
from tests.training.analysis.pages import taxonomy_of
from tests.training.synthetic_comparison import make_comparison
from training.comparison.ablations import kind_ablations, kind_table, share_ablations, share_table, split_variants
from training.comparison.candidates import Comparison, Contender
from training.comparison.report import document
from training.comparison.tables import figures_of

TAXONOMY = taxonomy_of(3)
ALL = {"true": 800, "vote": 200}


def learned(
    contender: Contender, run: str, share: float = 1.0, sources: Mapping[str, int] = ALL, text: str = "ngrams"
) -> Contender:
    """A contender that learned from a share of the listings of some label sources; votes alone have photos."""
    weights = {source: 0.0 for source in ALL if source not in sources}
    settings: dict[str, Any] = {
        "split": {"train_share": share, "seed": 1},
        "catalogue": {"weights": weights, "kind_weights": {}},
        "text": {"network": text},
        "image": {"network": "vgg16" if Evidence.IMAGE in contender.answers else "none"},
    }
    counts = {source: int(n * share) for source, n in sources.items()}
    total = sum(counts.values())
    listings = {Evidence.TEXT: total, Evidence.IMAGE: counts.get("vote", 0), Evidence.BOTH: total}
    return replace(contender, run=run, settings=settings, learned=listings, sources=counts)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """A whole config, halves and quarters of it, a text network on true labels alone, and another network."""
    made = make_comparison(TAXONOMY, {"tfidf_svm": 1.5, "ngrams": 2.2}, {"vgg16": 1.0}, ("ngrams", "vgg16"))
    reference, words, photos, both = made.contenders
    reference = replace(reference, settings={})
    whole = learned(both, "whole")
    variants = [
        learned(both, "half", 0.5),
        learned(words, "true", sources={"true": 800}),
        learned(both, "quarter", 0.25),
    ]
    other = learned(photos, "other", 0.5, text="gru")
    other = replace(other, settings={**other.settings, "image": {"network": "xception"}})
    contenders, found = split_variants([reference, *variants, whole, other])
    assert [each.run for each in contenders] == ["reference", "whole", "other"]
    assert [each.run for each in found] == ["half", "true", "quarter"]
    return replace(made, contenders=contenders, variants=found)


def everyone(comparison: Comparison) -> list[Contender]:
    return [*comparison.contenders, *comparison.variants]


def test_shares_of_one_config_are_a_line_for_each_evidence(comparison: Comparison) -> None:
    groups = share_ablations(everyone(comparison))
    assert [(group[0].evidence, [ablation.listings for ablation in group]) for group in groups] == [
        (Evidence.TEXT, [250, 500, 1000]),
        (Evidence.IMAGE, [50, 100, 200]),
        (Evidence.BOTH, [250, 500, 1000]),
    ]
    assert {ablation.name for group in groups for ablation in group} == {"whole"}
    answers = groups[0][0].contender.answers[Evidence.TEXT]
    right = (answers.probabilities.argmax(1) == answers.labels).mean()
    assert groups[0][0].accuracy["value"] == pytest.approx(right, abs=1e-6)


def test_kinds_of_label_are_compared_at_the_same_share(comparison: Comparison) -> None:
    groups = kind_ablations(everyone(comparison))
    assert [[ablation.contender.run for ablation in group] for group in groups] == [["true", "whole"]]
    assert groups[0][0].evidence is Evidence.TEXT
    table = kind_table(groups, comparison)
    assert table is not None
    assert table.columns[3:] == ("listings", *comparison.shown_cohorts)
    assert table.rows[0][:4] == ["true", "text", "800 true", "800"]


def test_without_variants_there_is_nothing_to_show() -> None:
    assert share_table(share_ablations([])) is None
    made = make_comparison(TAXONOMY, {"a": 1.5, "b": 2.2}, {"c": 1.0}, ("b", "c"))
    assert split_variants(made.contenders) == (list(made.contenders), [])
    assert kind_table(kind_ablations(made.contenders), made) is None


def test_variants_have_no_rows_but_those_of_what_they_learned(comparison: Comparison) -> None:
    figures = document(comparison, {entry.key: figures_of(entry, comparison) for entry in comparison.entries})
    assert {row["run"] for row in figures["networks"]} == {"reference", "whole"}, "the other's photo network is shared"
    learned = [(row["run"], row["listings"]) for row in figures["learned"]["listings"][:3]]
    assert learned == [("quarter", 250), ("half", 500), ("whole", 1000)]
    assert figures["learned"]["kinds"][0]["sources"] == {"true": 800}
