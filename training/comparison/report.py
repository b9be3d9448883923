"""`compare.html`, `compare.md` with the tables of the page, and `compare.json` with its figures.

Page and Markdown show titles of the catalogue's own listings: they are for the disk of whoever has the catalogue, and
no part of any version. The JSON holds figures alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from models.listing import Evidence
from training.comparison import ablations, tables
from training.comparison import plots as compare_plots
from training.comparison.candidates import SHOWN, Comparison, Contender, Entry
from training.comparison.tables import QUALITY, Figures
from training.evaluation.predictions import Predictions
from training.reports import plots
from training.reports.plots import Picture
from training.reports.rendering import cut, percent, render, write_whole
from training.reports.tables import Cell, Json, Table, category_name, confused_pairs, flat

CAUTION = {
    "validation": "The validation part chose the epoch at which each fit stopped, so all of these figures flatter a "
    "little, all networks alike. The test part is left alone until a network is chosen.",
    "calibration": "Temperatures, thresholds and fusion weights were fitted on these very listings: the accuracy of "
    "text and photo alone stands, but fused figures, calibration errors and the shares filed flatter.",
    "test": "The test part is to be looked at once, when the choice is made: whoever chooses by these figures has to "
    "find other listings for honest ones.",
}
PAIRS, EXAMPLES, TITLE_CHARACTERS = 12, 2, 90


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Write page, Markdown and JSON into `folder`, made if need be; returns the page's path."""
    figures = {entry.key: tables.figures_of(entry, comparison) for entry in comparison.entries}
    values = _values(comparison, figures)
    write_whole(folder / "compare.html", render("compare.html.j2", **values))
    write_whole(folder / "compare.md", render("compare.md.j2", **values))
    write_whole(folder / "compare.json", json.dumps(document(comparison, figures), indent=1) + "\n")
    return folder / "compare.html"


def document(comparison: Comparison, figures: Figures) -> dict[str, Any]:
    """`compare.json`: the quality tables as numbers. Nothing in it is from a listing."""
    rows = [
        {
            "listings": cohort,
            "network": entry.name,
            "evidence": entry.evidence.label,
            "run": entry.contender.run,
            "n": metrics["n"],
            **{key: metrics[key] for key in (*QUALITY, "ece")},
            "ms": None if entry.cost is None else round(entry.cost.ms, 2),
            "cpu_ms": None if entry.cost is None else round(entry.cost.cpu_ms, 2),
            "other_ms": {
                str(way): round(costs[entry.evidence].ms, 2)
                for way, costs in entry.contender.other_costs.items()
                if entry.evidence in costs
            },
            "mb": None if entry.megabytes is None else round(entry.megabytes, 2),
            "parameters": entry.parameters,
            "class_f1": {row["code"]: row["f1"] for row in metrics["per_class"]},
        }
        for cohort, entry, metrics in tables.cells(comparison, figures)
    ]
    return {
        "on": comparison.part,
        "catalogue": comparison.catalogue.name,
        "command": comparison.command,
        "listings": len(comparison.rows),
        "networks": rows,
        "fusions": {contender.run: list(contender.fusions) for contender in comparison.contenders if contender.fusions},
        "learned": ablations.ablations_document([*comparison.contenders, *comparison.variants]),
        "not_trained": [asdict(failed) for failed in comparison.not_trained],
    }


def _values(comparison: Comparison, figures: Figures) -> dict[str, Any]:
    """The values of both templates."""
    whole = comparison.whole
    columns, rows = tables.class_rows(comparison, figures, whole)
    sources = comparison.catalogue.rows.loc[list(comparison.rows), "label_source"].value_counts()
    entries = [entry for entry in comparison.entries if whole in figures[entry.key]]
    metrics = {entry.key: figures[entry.key][whole] for entry in entries}
    contenders = [*comparison.contenders, *comparison.variants]
    return {
        "comparison": comparison,
        "created": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "caution": CAUTION[comparison.part],
        "sources": {str(source) or "no named source": int(n) for source, n in sources.items()},
        "quality": tables.quality_tables(comparison, figures),
        "readme": tables.readme_table(comparison, figures),
        "confidence": tables.confidence_table(entries, figures, whole),
        "titles": tables.title_table(comparison),
        "gains": tables.gain_table(comparison),
        "fusions": tables.fusion_tables(comparison),
        "costs": tables.cost_table(comparison),
        "ways": tables.ways_table(comparison),
        "by_source": tables.source_table(comparison),
        "class_columns": columns,
        "class_rows": rows,
        "classes": tables.class_table(columns, rows),
        "mistakes": [_mistakes(entry, metrics[entry.key], comparison) for entry in entries],
        "shares": ablations.share_table(ablations.share_ablations(contenders)),
        "kinds": ablations.kind_table(ablations.kind_ablations(contenders), comparison),
        "settings": settings_table(comparison.contenders),
        "missing": tables.missing_table(comparison),
        "plots": _plots(comparison, entries, metrics),
        "best": _best(entries, metrics),
    }


def _mistakes(entry: Entry, metrics: Json, comparison: Comparison) -> dict[str, Any]:
    """The confusion matrix and the most frequent mistakes, each with the titles of the most certain ones."""
    names = [category_name(code, comparison.taxonomy) for code in comparison.taxonomy.codes]
    title = f"{entry.name}, {entry.evidence.label}"
    answers = entry.answers.only(comparison.rows)
    rows: list[list[Cell]] = []
    for true, predicted, n in confused_pairs(metrics["confusion"], PAIRS):
        titles = " · ".join(f"“{title}”" for title in _examples(answers, comparison, true, predicted))
        share = percent(n / metrics["per_class"][true]["n"])
        rows.append([names[true], names[predicted], titles, str(n), share])
    columns = ("true category", "predicted", "for example", "listings", "share of the true")
    return {
        "name": title,
        "matrix": Picture.of(plots.confusion_matrix(metrics["confusion"], names, title), f"Confusion matrix, {title}"),
        "pairs": Table(columns, rows, words=3) if rows else None,
    }


def _examples(answers: Predictions, comparison: Comparison, true: int, predicted: int) -> Iterator[str]:
    best = answers.probabilities.argmax(1)
    positions = np.flatnonzero((answers.labels == true) & (best == predicted))
    order = np.argsort(-answers.probabilities[positions, predicted], kind="stable")
    for position in positions[order][:EXAMPLES]:
        row = comparison.catalogue.rows.loc[int(answers.rows[position])]
        title = row["designation"].strip() or row["description"].strip() or "(photo alone)"
        yield cut(" ".join(title.split()), TITLE_CHARACTERS)


def settings_table(contenders: Sequence[Contender]) -> Table | None:
    """The settings in which configs that have them differ, and all sizes of networks; None when there are none."""
    trained = [contender for contender in contenders if contender.settings]
    lines = [dict(flat(contender.settings)) for contender in trained]
    keys = dict.fromkeys(key for line in lines for key in line)
    differing = [key for key in keys if ".parameters." in key or len({line[key] for line in lines if key in line}) > 1]
    rows = [[key, *(line.get(key, "") for line in lines)] for key in differing]
    columns = ["setting", *(contender.run for contender in trained)]
    return Table(columns, rows, words=len(columns)) if rows else None


def _best(entries: Sequence[Entry], metrics: Mapping[str, Json]) -> list[dict[str, Any]]:
    """The most accurate of each evidence, for the tiles on top."""
    tiles = []
    for evidence in SHOWN:
        candidates = [entry for entry in entries if entry.evidence is evidence]
        if candidates:
            entry = max(candidates, key=lambda entry: metrics[entry.key]["accuracy"]["value"])
            tiles.append({"evidence": evidence.label, "name": entry.name, "figures": metrics[entry.key]})
    return tiles


def _plots(comparison: Comparison, entries: Sequence[Entry], metrics: Mapping[str, Json]) -> dict[str, list[Picture]]:
    points = [
        compare_plots.Point(
            entry.name, entry.evidence, metrics[entry.key]["accuracy"], None if entry.cost is None else entry.cost.ms
        )
        for entry in entries
    ]
    costs = [Picture.of(compare_plots.accuracy_over_cost(points), "Accuracy over cost")]
    return {
        "accuracy": [Picture.of(compare_plots.accuracies(points), "Accuracy with 95 % intervals")],
        "cost": costs if any(point.ms for point in points) else [],
        "coverage": list(_coverage(entries, metrics)),
        "reliability": [
            Picture.of(
                plots.reliability_diagram(metrics[entry.key], entry.evidence),
                f"{entry.name}, {entry.evidence.label}",
            )
            for entry in entries
        ],
        "curves": list(_curves(comparison)),
        **_ablation_plots([*comparison.contenders, *comparison.variants]),
    }


def _ablation_plots(contenders: Sequence[Contender]) -> dict[str, list[Picture]]:
    """Accuracy by the number of training listings, and by the kinds of label."""
    lines = [
        compare_plots.Line(group[0].name, group[0].evidence, [(step.listings, step.accuracy) for step in group])
        for group in ablations.share_ablations(contenders)
    ]
    points = [
        compare_plots.Point(f"{step.contender.run} ({step.listings:,})", step.evidence, step.accuracy, None)
        for group in ablations.kind_ablations(contenders)
        for step in group
    ]
    pictures: dict[str, list[Picture]] = {"shares": [], "kinds": []}
    if lines:
        plot = compare_plots.accuracy_over_listings(lines)
        pictures["shares"] = [Picture.of(plot, "Accuracy over training listings")]
    if points:
        pictures["kinds"] = [Picture.of(compare_plots.accuracies(points), "Accuracy by the labels learned from")]
    return pictures


def _coverage(entries: Sequence[Entry], metrics: Mapping[str, Json]) -> Iterator[Picture]:
    """One plot for each evidence, all with the same axis of precision."""
    lowest = min((point["precision"] for entry in metrics.values() for point in entry["sweep"]), default=0.0)
    for evidence in SHOWN:
        sweeps = {entry.name: metrics[entry.key]["sweep"] for entry in entries if entry.evidence is evidence}
        if sweeps:
            plot = compare_plots.coverage_curves(sweeps, evidence.label, lowest=lowest)
            yield Picture.of(plot, f"Precision over coverage, {evidence.label}")


def _curves(comparison: Comparison) -> Iterator[Picture]:
    """One plot for each modality; a network that several configs share is shown once."""
    for evidence in (Evidence.TEXT, Evidence.IMAGE):
        curves = {
            entry.name: asdict(curve)
            for entry in comparison.entries
            if entry.evidence is evidence
            for curve in entry.contender.curves
            if curve.network == entry.networks[0].name
        }
        if curves:
            plot = plots.learning_curves(curves, f"{evidence.label} networks")
            yield Picture.of(plot, f"Learning curves, {evidence.label}")
