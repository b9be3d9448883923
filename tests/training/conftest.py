"""Snapshots of generated pages, and plots that are not drawn."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SNAPSHOTS = Path(__file__).parent / "reports" / "snapshots"
UPDATE = ".venv-dev/bin/python -m pytest tests/training/reports --update"


@pytest.fixture
def snapshot(update: bool) -> Callable[[str, str], None]:
    """Compare a text with the file of that name in `reports/snapshots`; `--update` rewrites the file instead."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / name
        if update:
            path.write_text(text, encoding="utf-8")
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if text != expected:
            lines = difflib.unified_diff(expected.splitlines(), text.splitlines(), "snapshot", "generated", n=0)
            pytest.fail("\n".join([f"{name} differs; if that is intended: {UPDATE}", *lines]), pytrace=False)

    return compare


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots are laid out and written in seconds; their files are empty here, and matrices are not drawn at all."""
    from matplotlib.figure import Figure

    from training.reports import plots

    def savefig(_: Figure, stream: Any, **__: Any) -> None:
        stream.write(b"<svg/>")

    monkeypatch.setattr(Figure, "savefig", savefig)
    monkeypatch.setattr(plots, "confusion_matrix", lambda *_: b"<svg/>")


@pytest.fixture
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take seconds, and are the business of other tests."""
    monkeypatch.setattr("training.publishing.release.write_report", lambda path, *_: path.write_text("no report"))
