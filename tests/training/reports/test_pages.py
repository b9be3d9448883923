"""All pages for people: what they say (snapshots), and that they are safe and small whatever a catalogue says."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.training.analysis.pages import codes_of
from tests.training.reports.pages import PAGES, report

HOSTILE = (
    """ <script>alert(1)</script> "quoted" 'x' | a`b`c * _ & $\\x$ """
    "<img src=x onerror=alert(2)> \ud800 \x07\n# Heading"
)


class Page(HTMLParser):
    """An HTML page as a browser reads it: its elements, the addresses it loads, its words.

    Raises AssertionError where elements are not closed, rows of a table differ in width, or an attribute is a script.
    """

    EMPTY = frozenset({"meta", "img", "br", "hr", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []
        self.widths: list[int] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        assert not any(name.startswith("on") for name in values)
        self.sources += [values[name] for name in ("src", "srcset", "data", "poster", "action") if name in values]
        self.links += [values["href"]] if "href" in values else []
        self.ids |= {values["id"]} if "id" in values else set()
        if tag == "img":
            assert values["alt"]
        if tag == "table":
            self.widths.clear()
        if tag == "tr":
            self.widths.append(0)
        if tag in ("td", "th"):
            self.widths[-1] += int(values.get("colspan", 1))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "table":
            assert len(set(self.widths)) == 1, "rows of a table differ in their number of columns"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def check_markdown(text: str) -> None:
    """One title, no HTML but ours, tables whose rows are of one width; what is code may say anything."""
    outside = re.sub(r"^(`{3,})json\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert len(re.findall(r"^# ", outside, re.MULTILINE)) == 1
    assert not re.search(r"(?<!\\)<(?!/?details>|/?summary>|!-- )", outside)
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        rows = [len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()]
        assert len(rows) > 2
        assert len(set(rows)) == 1


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize("kind", PAGES)
def test_pages_are_as_their_snapshots(kind: str, tmp_path: Path, snapshot: Callable[[str, str], None]) -> None:
    for name, text in PAGES[kind](tmp_path).items():
        text = re.sub(r"(?<=<style>).*?(?=</style>)", "...", text, flags=re.DOTALL)
        text = re.sub(r"data:image/[a-z+]+;base64,[\w+/=]*", "data:...", text)
        snapshot(f"{kind}-{name}", text)


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize("kind", PAGES)
def test_pages_load_nothing_from_elsewhere(kind: str, tmp_path: Path) -> None:
    for name, text in PAGES[kind](tmp_path).items():
        if name.endswith(".html"):
            page = Page(text)
            assert not page.tags & {"script", "link", "iframe", "object", "embed", "base", "form"}
            assert all(source.startswith("data:image/") for source in page.sources)
            assert {link.removeprefix("#") for link in page.links} <= page.ids
            assert "default-src 'none'" in text
            assert not re.search(r"url\(|@import|https?://", text)


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize("kind", PAGES)
def test_nothing_from_a_catalogue_is_taken_for_markup(kind: str, tmp_path: Path) -> None:
    for name, text in PAGES[kind](tmp_path, HOSTILE).items():
        if name.endswith(".md"):
            check_markdown(text)
            continue
        page = Page(text)
        assert not page.tags & {"script", "iframe"}
        assert all(source.startswith("data:image/") for source in page.sources)
        assert kind == "bare-report" or "alert(1)" in " ".join(page.words)


def test_plots_of_hostile_names_hold_no_script(tmp_path: Path) -> None:
    page = Page(report(tmp_path, HOSTILE)["report.html"])
    assert len(page.sources) == 2 + 4 + 3 + 1 + 1  # coverage by cohort, reliability, confusion, categories, curve
    for source in page.sources:
        svg = ET.fromstring(base64.b64decode(source.partition("base64,")[2]))  # noqa: S314 - made here
        assert not [element for element in svg.iter() if element.tag.endswith("script")]


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize("kind", PAGES)
def test_eighty_categories_are_all_there_in_a_small_page(kind: str, tmp_path: Path) -> None:
    for name, text in PAGES[kind](tmp_path, classes=80).items():
        assert len(text.encode()) < 1_000_000
        if kind != "audit":  # which lists the categories of the issues alone
            words = text if name.endswith(".md") else " ".join(Page(text).words)
            assert set(codes_of(80)) <= set(re.findall(r"\d+", words))
