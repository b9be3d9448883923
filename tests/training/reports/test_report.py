from __future__ import annotations

import base64
import re
import struct
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.listing import Evidence
from models.taxonomy import LANGUAGES, Category, Taxonomy
from tests.training.evaluation.test_metrics import CODES, PRECISIONS, answers
from training.evaluation.metrics import metrics_document
from training.evaluation.predictions import LearningCurve
from training.reports import plots
from training.reports.calibration_tables import calibration_table
from training.reports.report import write_report
from training.reports.tables import (
    class_table,
    confused_pairs,
    data_tables,
    decision_table,
    flat,
    main_cohort,
    pairs_table,
)

HOSTILE = """<script>alert(1)</script> "quoted" 'x' | a`b`c * _ & $\\x$ \ud800 \x07"""
TAXONOMY = Taxonomy(
    (
        *(Category(code, {"fr": f"nom {code}", "en": f"name {code}"}, {"en": "group"}) for code in CODES[:-1]),
        Category(CODES[-1], dict.fromkeys(LANGUAGES, HOSTILE), dict.fromkeys(LANGUAGES, HOSTILE)),
    )
)
CURVE = LearningCurve("gru", (1.0, float("nan")), (1.5, 1.2), (0.25, 0.5), 12.0)
CONTEXT: dict[str, Any] = {
    "name": "shop",
    "version": "2026.11.25-1f3a9c2",
    "created": "2026-11-25T14:03:11+00:00",
    "command": "python -m training run shop.toml",
    "config": {"name": "shop", "seed": 7, "split": {"group_near_duplicates": True, "holdout": [{"test": 0.3}]}},
    "data": {
        "rows": 1310,
        "photos": 400,
        "sources": {"true": 1000, "vote": 310},
        "kinds": {"original": 1310},
        "splits": {"train": {"true": 800, "vote": 300}, "calibration": {"true": 120}, "test": {"true": 80}},
        "left_out": {"undecodable image": 10},
        "source_meanings": {"vote": "what models think"},
        "fingerprint": "9f2c",
        "split_fingerprint": "77ab",
        "notes": ["Labels from `vote` are easier."],
    },
    "networks": [
        {
            "modality": "text",
            "name": "gru",
            "weights": "none",
            "licence": "MIT",
            "parameters": 1234567,
            "precision": "f32",
        }
    ],
    "calibration": {
        "precisions": list(PRECISIONS),
        "default_precision": 0.9,
        "coverage": 0.95,
        "cases": {
            "text": {
                "temperature": 1.25,
                "listings": 900,
                "thresholds": [0.9, None],
                "class_thresholds": {"10": [0.8, 0.95]},
                "set_floor": 0.05,
            }
        },
    },
    "parity": {"listings": 1000, "top1": 0.998, "mean_difference": 0.0004, "max_difference": 0.02},
    "libraries": {"keras": "3.15.1"},
    "limits": ["French listings dominate."],
    "seconds": {"text": 412.3},
}
CASES = {Evidence.TITLE: 1.5, Evidence.TEXT: 2.0, Evidence.IMAGE: 1.0, Evidence.BOTH: 2.5}


def metrics(listings: int = 200, **cohorts: dict[Evidence, float]) -> dict[str, Any]:
    """Two cohorts in which each case has its own signal."""
    named = {
        name.replace("_", " "): cases for name, cases in (cohorts or {"true_labels": CASES, "votes": CASES}).items()
    }
    return metrics_document(
        {
            name: {evidence: answers(listings, 3, signal, evidence) for evidence, signal in cases.items()}
            for name, cases in named.items()
        },
        CODES,
        [CURVE],
        {},
    )


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return metrics()


@pytest.fixture(scope="module")
def page(whole: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("report"), whole, CONTEXT)


def written(folder: Path, document: dict[str, Any], context: dict[str, Any], taxonomy: Taxonomy = TAXONOMY) -> str:
    path = folder / "report.html"
    write_report(path, document, taxonomy, context)
    return path.read_text(encoding="utf-8")


class Reader(HTMLParser):
    """What a browser would do with the page: which elements, which addresses it loads, whether it is well formed."""

    EMPTY = frozenset({"meta", "img", "br", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []
        self.widths: list[int] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        assert not any(name.startswith("on") for name in found)
        self.sources += [found[name] for name in ("src", "srcset", "data", "poster", "action") if name in found]
        self.links += [found["href"]] if "href" in found else []
        self.ids |= {found["id"]} if "id" in found else set()
        if tag == "img":
            assert found["alt"]
        if tag == "tr":
            self.widths.append(0)
        if tag in ("td", "th"):
            self.widths[-1] += int(found.get("colspan", 1))
        if tag == "table":
            self.widths.clear()
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "table":
            assert len(set(self.widths)) == 1, "rows of a table differ in their number of columns"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def test_the_page_is_whole_and_loads_nothing(page: str) -> None:
    read = Reader(page)
    assert not read.open
    assert not read.tags & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert (
        len(read.sources) == 2 + 4 + 3 + 1 + 1
    )  # coverage by cohort, reliability by case, confusion, categories, curve
    assert all(source.startswith("data:image/svg+xml;base64,") for source in read.sources)
    assert {link.removeprefix("#") for link in read.links} == read.ids
    assert "default-src 'none'" in page
    assert len(page.encode()) < 3_000_000
    assert not re.search(r"url\(|@import|https?://", page)


def test_the_page_tells_what_it_was_given(page: str, whole: dict[str, Any]) -> None:
    words = " ".join(" ".join(Reader(page).words).split())
    figures = whole["cohorts"]["true labels"]["cases"]["both"]
    for told in (
        CONTEXT["version"],
        "2026-11-25 14:03 UTC",
        CONTEXT["command"],
        f"{100 * figures['accuracy']['value']:.1f}",
        f"{figures['f1_macro']['low']:.3f}–{figures['f1_macro']['high']:.3f}",
        "Filed at 90",
        "name 50",
        "what models think",
        "undecodable image",
        "1,234,567",
        "split.holdout.1.test",
        "French listings dominate.",
        "9f2c",
    ):
        assert told in words


def test_nothing_given_is_taken_for_markup(tmp_path: Path) -> None:
    hostile = {
        "name": HOSTILE,
        "version": HOSTILE,
        "created": HOSTILE,
        "command": HOSTILE,
        "config": {HOSTILE: HOSTILE},
        "data": {
            **{key: {HOSTILE: 3} for key in ("sources", "kinds", "left_out")},
            "splits": {HOSTILE: {HOSTILE: 3}},
            "source_meanings": {HOSTILE: HOSTILE},
            "notes": [HOSTILE],
            "fingerprint": HOSTILE,
        },
        "networks": [{"modality": HOSTILE, "name": HOSTILE}],
        "limits": [HOSTILE],
    }
    cohort = {HOSTILE.replace("_", " "): {Evidence.TEXT: answers(30)}}
    document = metrics_document(cohort, CODES, [LearningCurve(HOSTILE, (1.0,), (1.0,), (0.5,), 1.0)], {})
    page = written(tmp_path, document, hostile)
    read = Reader(page)
    assert "script" not in read.tags
    assert "<script>alert(1)</script>" in " ".join(read.words)
    for source in read.sources:
        svg = ET.fromstring(base64.b64decode(source.partition(",")[2]))  # noqa: S314 - made here
        assert not [element for element in svg.iter() if element.tag.endswith("script")]


def test_a_page_without_context_of_one_modality(tmp_path: Path) -> None:
    page = written(tmp_path, {**metrics(test={Evidence.IMAGE: 1.0}), "curves": []}, {})
    read = Reader(page)
    assert len(read.sources) == 4
    assert {link.removeprefix("#") for link in read.links} == read.ids
    assert "photo" in page
    assert "What fusion gains" not in page


def test_eighty_categories_fit(tmp_path: Path) -> None:
    codes = [f"c{number}" for number in range(80)]
    document = metrics_document(
        {"test": {Evidence.IMAGE: answers(800, 1, 1.0, Evidence.IMAGE, classes=80)}}, codes, [], {}
    )
    page = written(tmp_path, document, {}, Taxonomy.of_codes(codes))
    assert len(page.encode()) < 1_000_000  # with one matrix; there are three at most
    svg = base64.b64decode(Reader(page).sources[2].partition(",")[2]).decode()
    assert ">41 others<" in svg
    assert sum(map(int, re.findall(r">(\d+)<", svg))) == 800  # every listing is somewhere in the matrix
    figures = document["cohorts"]["test"]["cases"]["image"]
    counts = np.array(figures["confusion"])
    mistakes = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
    shown = [code for code in codes if f">{code}<" in svg]
    assert len(shown) == 39
    assert min(mistakes[codes.index(code)] for code in shown) >= np.sort(mistakes)[-39]


def test_the_same_metrics_make_the_same_page(tmp_path: Path, whole: dict[str, Any], page: str) -> None:
    assert written(tmp_path, whole, CONTEXT) == page


def test_the_main_cohort_is_the_one_asked_for(whole: dict[str, Any]) -> None:
    assert main_cohort(whole, {})[0] == "true labels"
    name, cases = main_cohort(whole, {"main_cohort": "votes"})
    assert (name, list(cases)) == ("votes", ["both", "text", "title", "image"])
    with pytest.raises(ValueError, match="'nobody'"):
        main_cohort(whole, {"main_cohort": "nobody"})
    with pytest.raises(ValueError, match="no evaluated listings"):
        main_cohort({"cohorts": {"empty": {"n": 0, "cases": {}}}}, {})


def test_the_most_frequent_mistakes_come_first(whole: dict[str, Any]) -> None:
    assert confused_pairs([[9, 1, 0], [4, 9, 0], [2, 2, 9]], limit=3) == [(1, 0, 4), (2, 0, 2), (2, 1, 2)]
    table = pairs_table(whole["cohorts"]["votes"]["cases"]["image"], TAXONOMY)
    counts = [int(str(row[2])) for row in table.rows]
    assert counts == sorted(counts, reverse=True)
    assert all(row[0] != row[1] for row in table.rows)


def test_a_broken_promise_is_marked() -> None:
    def decided(value: float, low: float, high: float) -> str:
        row = {
            "precision": 0.95,
            "coverage": 0.5,
            "accepted": 9,
            "achieved": {"value": value, "low": low, "high": high},
        }
        return str(decision_table({"text": {"decisions": [row]}}).rows[0][2])

    assert decided(0.90, 0.85, 0.94).endswith("▼")
    assert not decided(0.94, 0.90, 0.96).endswith("▼")
    nothing = {"precision": 0.995, "coverage": 0.0, "accepted": 0, "achieved": None}
    assert decision_table({"text": {"decisions": [nothing]}}).rows[0] == ["99.5\xa0%", "0.0\xa0%", "–"]


def test_tables_say_what_is_missing(whole: dict[str, Any]) -> None:
    sources = data_tables(CONTEXT)["Labels"]
    assert sources.columns[2:] == ["in the catalogue", "train", "calibration", "test"]
    assert sources.rows[1] == ["vote", "what models think", "310", "300", "–", "–"]
    assert sources.rows[-1][2:] == ["1,310", "1,100", "120", "80"]
    assert data_tables({}) == {}
    assert calibration_table({}) is None
    fitted = calibration_table(CONTEXT)
    assert fitted is not None
    assert fitted.rows == [["text", "900", "1.25", "0.050", "0.900", "–", "1"]]
    assert len(fitted.full_columns) == len(fitted.columns)
    summary = {
        "cases": {Evidence.BOTH: {"listings": 90, "accuracy": 0.5, "temperature": 1.0, "ece": 0.1}},
        "fusion": None,
    }
    summarised = calibration_table({"calibration": summary})
    assert summarised is not None
    assert summarised.rows == [["text and photo", "90", "0.500", "1.00", "0.100"]]
    assert class_table(whole["cohorts"]["votes"]["cases"], Taxonomy.of_codes(["x", "y"])).rows[0][:2] == ["10", ""]


def test_nested_settings_become_lines() -> None:
    nested = {"a": {"b": [1, 2], "c": [], "d": [{"e": True}, {"e": None}]}, "f": 0.5}
    assert list(flat(nested)) == [("a.b", "1, 2"), ("a.c", "–"), ("a.d.1.e", "true"), ("a.d.2.e", "–"), ("f", "0.5")]


def test_plots_come_as_png_too(whole: dict[str, Any]) -> None:
    cases = whole["cohorts"]["votes"]["cases"]
    for png in (
        plots.confusion_matrix(cases["both"]["confusion"], CODES, kind="png"),
        plots.reliability_diagram(cases["both"], "both", kind="png"),
        plots.coverage_precision(cases, "votes", kind="png"),
        plots.learning_curve(whole["curves"][0], kind="png"),
        plots.class_f1(CODES, {"text": [0.1, None, 0.5, 1.0, 0.0]}, kind="png"),
    ):
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", png[16:24])
        assert min(width, height) >= 200


def test_the_plots_leave_matplotlib_as_it_was(whole: dict[str, Any]) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    plots.learning_curve(whole["curves"][0])
    assert dict(mpl.rcParams) == before
    plots.confusion_matrix(np.zeros((2, 2), int).tolist(), ["日本", "$x_1$"])  # no listings, no such glyphs, no formula
