"""The tables, targets, snippets and figures of the README and the documents that it leads to come from the code."""

from __future__ import annotations

import re
import subprocess

import pytest

from models.versions.metrics import quality_table, read_metrics
from models.versions.store import Store
from service.settings import settings_table
from tests.contract.documents.documents import ROOT, check_generated, read_document

README = read_document("README.md")
STORE = Store(ROOT / "models" / "store")
VERSION = STORE.folder(STORE.current())


def test_the_settings_table_is_the_code_s(update: bool) -> None:
    check_generated("docs/settings.md", "settings", settings_table(), update=update)


def test_the_quality_tables_are_the_shipped_version_s(update: bool) -> None:
    table = quality_table(read_metrics(VERSION))
    check_generated("docs/quality.md", "quality", table, update=update)
    head, line, *rows = table.splitlines()
    true_labels = [row for row in rows if row.startswith("| test split, all (true labels) |")]
    voted_labels = [row for row in rows if row.startswith("| held out, voted labels |")]
    content = "\n".join([head, line, *true_labels, voted_labels[-1]])  # the last row is of text and photo
    check_generated("README.md", "quality", content, update=update)


def test_the_readme_s_figures_stand_in_the_documents_it_links() -> None:
    card = " ".join((VERSION / "MODEL_CARD.md").read_text(encoding="utf-8").split())
    percentages = re.findall(r"\d+\.\d %", README.text)
    assert [figure for figure in percentages if figure not in card] == []
    speed = read_document("docs/speed.md").text
    rows = re.findall(r"^\| .*x to .*\|$", README.text, re.MULTILINE)
    assert len(rows) >= 4
    assert [row for row in rows if row not in speed] == []


def test_the_readme_can_be_read_in_one_sitting() -> None:
    assert README.text.count("\n") <= 180


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_exists_and_is_explained_by_help(name: str) -> None:
    targets = set(re.findall(r"(?:^|`|\d )make ([a-z0-9-]+)", read_document(name).text, re.MULTILINE))
    run = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    explained = set(re.findall(r"^  ([a-z0-9-]+) +\S", run.stdout, re.MULTILINE))
    assert targets
    assert targets <= explained | {"help"}
