from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.listing import Evidence
from models.taxonomy import Taxonomy
from tests.training.analysis.pages import codes_of, taxonomy_of
from tests.training.reports.pages import context_of, metrics_of
from training.reports.calibration_tables import calibration_table
from training.reports.plots import MATRIX_CLASSES, condensed
from training.reports.tables import (
    class_table,
    confused_pairs,
    data_tables,
    decision_table,
    flat,
    main_cohort,
    pairs_table,
)


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return metrics_of()


def test_the_main_cohort_is_the_context_s_or_the_first(whole: dict[str, Any]) -> None:
    name, cases = main_cohort(whole, {})
    assert (name, list(cases)) == ("true labels", ["both", "text", "title", "image"])
    assert main_cohort(whole, {"main_cohort": "votes"})[0] == "votes"
    with pytest.raises(ValueError, match="'nobody'"):
        main_cohort(whole, {"main_cohort": "nobody"})
    with pytest.raises(ValueError, match="no evaluated listings"):
        main_cohort({"cohorts": {"empty": {"n": 0, "cases": {}}}}, {})


def test_the_most_frequent_mistakes_come_first(whole: dict[str, Any]) -> None:
    assert confused_pairs([[9, 1, 0], [4, 9, 0], [2, 2, 9]], limit=3) == [(1, 0, 4), (2, 0, 2), (2, 1, 2)]
    table = pairs_table(whole["cohorts"]["true labels"]["cases"]["image"], taxonomy_of(3))
    counts = [int(str(row[2])) for row in table.rows]
    assert counts == sorted(counts, reverse=True)
    assert all(row[0] != row[1] for row in table.rows)


def test_a_matrix_too_large_to_read_keeps_every_listing_and_the_most_mistakes() -> None:
    counts = np.random.default_rng(0).integers(0, 5, (80, 80))
    matrix, names = condensed(counts.tolist(), codes_of(80))
    assert len(matrix) == len(names) == MATRIX_CLASSES
    assert names[-1] == "41 others"
    assert np.sum(matrix) == counts.sum()
    mistakes = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
    assert min(mistakes[codes_of(80).index(name)] for name in names[:-1]) >= np.sort(mistakes)[-39]


def test_a_broken_promise_is_marked() -> None:
    def achieved(value: float, low: float, high: float) -> str:
        estimate = {"value": value, "low": low, "high": high}
        row = {"precision": 0.95, "coverage": 0.5, "accepted": 9, "achieved": estimate}
        return str(decision_table({"text": {"decisions": [row]}}).rows[0][2])

    assert achieved(0.90, 0.85, 0.94).endswith("▼")
    assert not achieved(0.94, 0.90, 0.96).endswith("▼")
    nothing = {"precision": 0.995, "coverage": 0.0, "accepted": 0, "achieved": None}
    assert decision_table({"text": {"decisions": [nothing]}}).rows[0] == ["99.5\xa0%", "0.0\xa0%", "–"]


def test_tables_show_a_dash_for_what_is_missing(whole: dict[str, Any]) -> None:
    sources = data_tables(context_of())["Labels"]
    assert sources.columns[2:] == ["in the catalogue", "train", "calibration", "test"]
    assert sources.rows[1] == ["vote", "what models think", "310", "300", "–", "–"]
    assert sources.rows[-1][2:] == ["1,310", "1,100", "120", "80"]
    assert data_tables({}) == {}
    assert calibration_table({}) is None
    fitted = calibration_table(context_of())
    assert fitted is not None
    assert fitted.rows == [["text", "900", "1.25", "0.050", "0.900", "–", "1"]]
    assert len(fitted.full_columns) == len(fitted.columns)
    case = {"listings": 90, "accuracy": 0.5, "temperature": 1.0, "ece": 0.1}
    summary = calibration_table({"calibration": {"cases": {Evidence.BOTH: case}, "fusion": None}})
    assert summary is not None
    assert summary.rows == [["text and photo", "90", "0.500", "1.00", "0.100"]]
    assert class_table(whole["cohorts"]["votes"]["cases"], Taxonomy.of_codes(["x", "y"])).rows[0][:2] == ["10", ""]


def test_nested_settings_become_lines() -> None:
    nested = {"a": {"b": [1, 2], "c": [], "d": [{"e": True}, {"e": None}]}, "f": 0.5}
    assert list(flat(nested)) == [("a.b", "1, 2"), ("a.c", "–"), ("a.d.1.e", "true"), ("a.d.2.e", "–"), ("f", "0.5")]
