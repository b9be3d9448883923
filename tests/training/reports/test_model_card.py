from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.listing import Evidence
from models.taxonomy import Taxonomy
from models.versions.metrics import quality_table
from tests.training.evaluation.test_metrics import CODES, answers
from tests.training.reports.test_report import CONTEXT, HOSTILE, TAXONOMY, metrics
from training.evaluation.metrics import metrics_document
from training.reports.model_card import write_model_card
from training.reports.rendering import markdown_code, markdown_json, markdown_text

SECTIONS = (
    "Use",
    "Data",
    "Networks",
    "How it was evaluated",
    "Decisions",
    "Out of the catalogue",
    "Categories",
    "Calibration",
    "Known limits",
    "To make it again",
)


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return metrics()


def written(folder: Path, document: dict[str, Any], context: dict[str, Any], taxonomy: Taxonomy = TAXONOMY) -> str:
    path = folder / "MODEL_CARD.md"
    write_model_card(path, document, taxonomy, context)
    return path.read_text(encoding="utf-8")


def tables(card: str) -> list[list[int]]:
    """Of each table, the number of columns in each of its rows."""
    blocks = re.findall(r"(?:^\|.*\|\n)+", card, re.MULTILINE)
    return [[len(re.findall(r"(?<!\\)\|", row)) - 1 for row in block.splitlines()] for block in blocks]


def plain(markdown: str) -> str:
    """What a reader sees of escaped words."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", markdown)


def test_the_card_tells_what_a_sceptic_asks(tmp_path: Path, whole: dict[str, Any]) -> None:
    card = written(tmp_path, whole, CONTEXT)
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == list(SECTIONS)
    assert quality_table(whole) in card
    both = whole["cohorts"]["true labels"]["cases"]["both"]
    for told in (
        f"**{100 * both['accuracy']['value']:.1f}\xa0%**",
        "At a precision of 90\xa0% it files",
        "| vote | what models think | 310 | 300 | – | – |",
        "- Labels from `vote` are easier.",
        "undecodable image",
        "says otherwise. Near-duplicates (of photo or title) were kept within one part",
        "| text | gru | none | MIT | f32 | 1,234,567 |",
        "the same best category in\n99.8\xa0%",
        "(listings by label source: 120 true)",
        "90\xa0% precision is promised",
        "| 10 name 10 | group |",
        "- French listings dominate.",
        "- seed 7",
        "- catalogue `9f2c`",
        "`python -m training run shop.toml`",
        "- keras 3.15.1",
        '"group_near_duplicates": true',
    ):
        assert told in card, told


def test_tables_are_well_formed(tmp_path: Path, whole: dict[str, Any]) -> None:
    found = tables(written(tmp_path, whole, CONTEXT))
    assert len(found) == 13
    assert all(len(rows) > 2 and len(set(rows)) == 1 for rows in found)


def test_without_context_it_says_what_is_not_known(tmp_path: Path) -> None:
    card = written(tmp_path, metrics(test={Evidence.TEXT: 2.0, Evidence.TITLE: 1.0}), {})
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == list(SECTIONS)
    assert "from\nits text (title and description). With" in card
    assert "Nothing was recorded about the data" in card
    assert "Nothing was recorded about the networks" in card
    assert "None were recorded for this version, which does not mean that there are none." in card
    assert "\n\n\n" not in card
    assert "None" not in card.replace("None were recorded", "")


def test_a_split_that_lets_near_duplicates_straddle_is_admitted(tmp_path: Path, whole: dict[str, Any]) -> None:
    card = written(tmp_path, whole, {"config": {"split": {"group_near_duplicates": False}}})
    assert "says otherwise. Near-duplicates were **not** kept within one part" in card


def test_nothing_given_is_taken_for_markdown(tmp_path: Path) -> None:
    hostile = {
        "name": HOSTILE,
        "version": f"{HOSTILE}\n# Heading",
        "command": HOSTILE,
        "config": {"name": "````\n# Heading"},
        "data": {"splits": {HOSTILE: {HOSTILE: 3}}, "notes": ["1. one\n# Heading"], "fingerprint": HOSTILE},
        "networks": [{"modality": HOSTILE, "name": HOSTILE}],
        "limits": [HOSTILE, "- no list"],
        "libraries": {HOSTILE: HOSTILE},
    }
    card = written(tmp_path, metrics_document({"test": {Evidence.TEXT: answers(40)}}, CODES, [], {}), hostile)
    outside = re.sub(r"^(`{3,})json\n.*?\n\1$|(`+)[^`].*?\2", "", card, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^## (.*)$", outside, re.MULTILINE) == list(SECTIONS)
    assert len(re.findall(r"^# ", outside, re.MULTILINE)) == 1
    assert not re.search(r"(?<!\\)<(?!/?details>|/?summary>)", outside)
    assert "- 1\\. one \\# Heading" in card
    assert "- \\- no list" in card
    assert all(len(set(rows)) == 1 for rows in tables(card))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\\")))
def test_escaped_words_read_as_they_were(text: str) -> None:
    escaped = markdown_text(text)
    assert "\n" not in escaped
    assert plain(escaped) == re.sub(r"\s+", " ", text)
    assert not re.search(r"(?<!\\)[`*_<|\[\]]", escaped)


@given(st.text("a` \n"))
def test_code_ends_where_it_should(text: str) -> None:
    for code in (markdown_code(text), markdown_json(text)):
        fence = re.match("`+", code)
        assert fence
        inside = code[len(fence[0]) : -len(fence[0])]
        assert code.endswith(fence[0])
        assert fence[0] not in re.findall("`+", inside)


def test_strangers_and_how_calibration_went_are_told(tmp_path: Path, whole: dict[str, Any]) -> None:
    share = {"value": 0.5, "low": 0.1, "high": 0.9}
    strangers = {
        "text": {
            "n": 4,
            "noticed": share,
            "review": share,
            "confidence": 0.31,
            "kinds": {"job": {"n": 4, "noticed": 2}},
        }
    }
    fitted = {
        "cases": {
            "both": {"basis": "510 true, photos borrowed", "nll_before": 0.7, "nll_scaled": 0.6, "nll_after": 0.55}
        },
        "fusion": {"borrowing": {"listings": 1391, "own_accuracy": 0.829, "borrowed_accuracy": 0.83}},
    }
    card = written(tmp_path, whole | {"unfamiliar": strangers, "calibration": fitted}, CONTEXT)
    assert "| text | 4 | 0.500 (0.100–0.900) | 0.500 (0.100–0.900) | 0.31 |" in card
    assert "| job | 2 of 4 |" in card
    assert "| text and photo | 510 true, photos borrowed | 0.700 | 0.600 | 0.550 | – | – | – |" in card
    assert "On\n1,391 listings that have one, fusion is right in 82.9" in card
    assert all(len(set(rows)) == 1 for rows in tables(card))
