"""The quality table of a version: what `metrics.json` says, as Markdown for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.errors import VersionRefused
from models.listing import evidence_label

FILE_NAME = "metrics.json"


def read_metrics(folder: Path) -> dict[str, Any]:
    """The parsed `metrics.json` of a version folder. Raises VersionRefused when it is missing or not a JSON object."""
    try:
        document = json.loads((folder / FILE_NAME).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise VersionRefused(f"{FILE_NAME} is missing or malformed") from error
    if not isinstance(document, dict):
        raise VersionRefused(f"{FILE_NAME} is not an object")
    return document


def quality_table(metrics: dict[str, Any]) -> str:
    """Markdown table: one row for each evaluated set of listings and case, with 95 % intervals.

    Raises VersionRefused when a figure is missing.
    """
    lines = [
        "| listings | evidence | n | accuracy | F1 weighted | F1 macro | ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    try:
        for name, cohort in metrics["cohorts"].items():
            lines += [_row(name, evidence, figures) for evidence, figures in cohort["cases"].items()]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise VersionRefused(f"{FILE_NAME} lacks a figure of the quality table") from error
    return "\n".join(lines)


def _row(name: str, evidence: str, figures: dict[str, Any]) -> str:
    intervals = [_interval(figures[key]) for key in ("accuracy", "f1_weighted", "f1_macro")]
    cells = [name, evidence_label(evidence), str(figures["n"]), *intervals, f"{figures['ece']:.3f}"]
    return f"| {' | '.join(cells)} |"


def _interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"
