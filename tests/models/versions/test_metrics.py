from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from models.errors import VersionRefused
from models.versions.metrics import FILE_NAME, quality_table, read_metrics

FIGURES = {
    "n": 846,
    "accuracy": {"value": 0.80049, "low": 0.7712, "high": 0.8251},
    "f1_weighted": {"value": 0.5, "low": 0.4, "high": 0.6},
    "f1_macro": {"value": 1, "low": 1, "high": 1},
    "ece": 0.0315,
    "coverage": {"0.9": {"share": 0.8}},
}
METRICS = {
    "cohorts": {
        "true labels": {"n": 900, "cases": {"text": FIGURES, "both": FIGURES}},
        "voted": {"n": 1, "cases": {"image": FIGURES}},
    },
    "classes": [],
}


def test_one_row_for_each_set_of_listings_and_case() -> None:
    rows = quality_table(METRICS).splitlines()
    assert len(rows) == 5
    assert {row.count("|") for row in rows} == {8}
    assert rows[2] == (
        "| true labels | text | 846 | 0.800 (0.771-0.825) | 0.500 (0.400-0.600) | 1.000 (1.000-1.000) | 0.032 |"
    )
    assert rows[3].startswith("| true labels | text and photo |")
    assert rows[4].startswith("| voted | photo |")


def test_a_case_of_the_future_goes_by_its_name() -> None:
    metrics = {"cohorts": {"test": {"cases": {"video": FIGURES}}}}
    assert "| test | video |" in quality_table(metrics)


def without(key: str) -> dict[str, Any]:
    metrics = deepcopy(METRICS)
    del metrics["cohorts"]["voted"]["cases"]["image"][key]  # type: ignore[index]
    return metrics


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"cohorts": None},
        {"cohorts": []},
        {"cohorts": {"test": None}},
        {"cohorts": {"test": {}}},
        {"cohorts": {"test": {"cases": []}}},
        {"cohorts": {"test": {"cases": {"text": 3}}}},
        *(without(key) for key in ("n", "accuracy", "f1_weighted", "f1_macro", "ece")),
        {"cohorts": {"test": {"cases": {"text": FIGURES | {"ece": "low"}}}}},
        {"cohorts": {"test": {"cases": {"text": FIGURES | {"accuracy": 0.8}}}}},
    ],
)
def test_a_missing_figure_is_refused(metrics: dict[str, Any]) -> None:
    with pytest.raises(VersionRefused):
        quality_table(metrics)


def test_metrics_are_read(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"cohorts": {}}')
    assert read_metrics(tmp_path) == {"cohorts": {}}


@pytest.mark.parametrize("content", [None, b"", b"[]", b"3", b"{", b"\xff\xfe", b"[" * 100_000])
def test_anything_else_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(VersionRefused):
        read_metrics(tmp_path)
