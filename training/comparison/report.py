"""`compare.html`, the same as `compare.md`, and its figures as `compare.json`.

Page and Markdown show titles of the catalogue's own listings: they are for the disk of whoever has the catalogue, and
no part of any version. The JSON holds figures alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.listing import Evidence
from training.comparison import plots as compare_plots
from training.comparison.ablations import kind_lessons, kind_table, share_lessons, share_table
from training.comparison.candidates import SHOWN, Comparison, Contender, Entry
from training.comparison.cost_tables import cost_table, ways_table
from training.comparison.tables import (
    Json,
    class_rows,
    class_table,
    confidence_table,
    document,
    figures_of,
    fusion_tables,
    gain_table,
    missing_table,
    pairs_table,
    quality_tables,
    readme_table,
    settings_table,
    source_table,
    title_table,
)
from training.reports import plots
from training.reports.rendering import environment
from training.reports.report import Picture, _picture, _worst
from training.reports.tables import category_name

CAUTION = {
    "validation": "The validation part chose the epoch at which each fit stopped, so all of these figures flatter a "
    "little, all networks alike. The test part is left alone until a network is chosen.",
    "calibration": "Temperatures, thresholds and fusion weights were fitted on these very listings: accuracy of text "
    "and photo alone stands, but fused figures, calibration errors and what is filed flatter.",
    "test": "The test part is to be looked at once, when the choice is made: whoever chooses by these figures has to "
    "find other listings for honest ones.",
}
FILES = ("compare.html", "compare.md", "compare.json")


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Write page, Markdown and JSON into `folder`, made if need be; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {entry.key: figures_of(entry, comparison) for entry in comparison.entries}
    shown = _shown(comparison, figures)
    created = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    pages = {"compare.html.j2": "compare.html", "compare.md.j2": "compare.md"}
    for template, name in pages.items():
        text = environment().get_template(template).render(comparison=comparison, created=created, **shown)
        text = text if name.endswith(".html") else re.sub(r"\n{3,}", "\n\n", text)
        (folder / name).write_text(text, encoding="utf-8", errors="replace")
    figures_file = json.dumps(document(comparison, figures), indent=1) + "\n"
    (folder / "compare.json").write_text(figures_file, encoding="utf-8")
    return folder / "compare.html"


def _shown(comparison: Comparison, figures: Mapping[str, Mapping[str, Json]]) -> dict[str, Any]:
    """What both templates show."""
    whole = comparison.whole
    columns, rows = class_rows(comparison, figures, whole)
    sources = comparison.catalogue.rows.loc[list(comparison.rows), "label_source"].value_counts()
    entries = [entry for entry in comparison.entries if whole in figures[entry.key]]
    learned = [*comparison.contenders, *comparison.variants]
    return {
        "caution": CAUTION[comparison.part],
        "sources": {str(source) or "no named source": int(n) for source, n in sources.items()},
        "quality": quality_tables(comparison, figures),
        "readme": readme_table(comparison, figures),
        "confidence": confidence_table(entries, figures, whole),
        "titles": title_table(comparison),
        "gains": gain_table(comparison),
        "fusions": fusion_tables(comparison),
        "costs": cost_table(comparison),
        "ways": ways_table(comparison),
        "by_source": source_table(comparison),
        "class_columns": columns,
        "class_rows": rows,
        "classes": class_table(columns, rows),
        "mistakes": [_mistakes(entry, figures[entry.key][whole], comparison) for entry in entries],
        "shares": share_table(share_lessons(learned)),
        "kinds": kind_table(kind_lessons(learned), comparison),
        "settings": settings_table(comparison.contenders),
        "missing": missing_table(comparison),
        "plots": _plots(comparison, entries, {entry.key: figures[entry.key][whole] for entry in entries}),
        "best": _best(entries, {entry.key: figures[entry.key][whole] for entry in entries}),
    }


def _mistakes(entry: Entry, figures: Json, comparison: Comparison) -> dict[str, Any]:
    names = [category_name(code, comparison.taxonomy) for code in comparison.taxonomy.codes]
    title = f"{entry.name}, {entry.evidence.label}"
    matrix = plots.confusion_matrix(*_worst(figures["confusion"], names), title)
    return {
        "name": title,
        "matrix": _picture(matrix, f"Confusion matrix, {title}"),
        "pairs": pairs_table(entry, figures, comparison, comparison.whole),
    }


def _best(entries: list[Entry], figures: Mapping[str, Json]) -> list[dict[str, Any]]:
    """The most accurate of each evidence, for the tiles on top."""
    found = []
    for evidence in SHOWN:
        of_case = [entry for entry in entries if entry.evidence is evidence]
        if of_case:
            entry = max(of_case, key=lambda each: figures[each.key]["accuracy"]["value"])
            found.append({"case": evidence.label, "name": entry.name, "figures": figures[entry.key]})
    return found


def _plots(comparison: Comparison, entries: list[Entry], figures: Mapping[str, Json]) -> dict[str, list[Picture]]:
    points = [
        compare_plots.Point(
            entry.name, entry.evidence, figures[entry.key]["accuracy"], None if entry.cost is None else entry.cost.ms
        )
        for entry in entries
    ]
    costs = [_picture(compare_plots.accuracy_over_cost(points), "Accuracy over cost")]
    return {
        "accuracy": [_picture(compare_plots.accuracies(points), "Accuracy with 95 % intervals")],
        "cost": costs if any(point.ms for point in points) else [],
        "coverage": _coverage(entries, figures),
        "reliability": [
            _picture(
                plots.reliability_diagram(figures[entry.key], entry.evidence),
                f"{entry.name}, {entry.evidence.label}",
            )
            for entry in entries
        ],
        "curves": _curves(comparison),
        **_lessons([*comparison.contenders, *comparison.variants]),
    }


def _lessons(contenders: list[Contender]) -> dict[str, list[Picture]]:
    """What more listings give, and what each kind of label."""
    shares, kinds = share_lessons(contenders), kind_lessons(contenders)
    lines = [
        compare_plots.Line(group[0].name, group[0].evidence, [(lesson.listings, lesson.accuracy) for lesson in group])
        for group in shares
    ]
    points = [
        compare_plots.Point(f"{lesson.contender.run} ({lesson.listings:,})", lesson.evidence, lesson.accuracy, None)
        for group in kinds
        for lesson in group
    ]
    found: dict[str, list[Picture]] = {"shares": [], "kinds": []}
    if lines:
        found["shares"] = [_picture(compare_plots.accuracy_over_listings(lines), "Accuracy over training listings")]
    if points:
        found["kinds"] = [_picture(compare_plots.accuracies(points), "Accuracy by the labels learned from")]
    return found


def _coverage(entries: list[Entry], figures: Mapping[str, Json]) -> list[Picture]:
    """One plot for each evidence, all with the same axis of precision."""
    lowest = min((p["precision"] for given in figures.values() for p in given["sweep"]), default=0.0)
    found = []
    for evidence in SHOWN:
        sweeps = {entry.name: figures[entry.key]["sweep"] for entry in entries if entry.evidence is evidence}
        if sweeps:
            plot = compare_plots.coverage_curves(sweeps, evidence.label, lowest=lowest)
            found.append(_picture(plot, f"Precision over coverage, {evidence.label}"))
    return found


def _curves(comparison: Comparison) -> list[Picture]:
    """One plot for each modality; a network that several configs share is shown once."""
    found = []
    for evidence in (Evidence.TEXT, Evidence.IMAGE):
        curves = {}
        for entry in comparison.entries:
            name = entry.networks[0].name
            its = [curve for curve in entry.contender.curves if curve.network == name]
            if entry.evidence is evidence and its:
                curves[entry.name] = {
                    key: getattr(its[0], key) for key in ("train_loss", "validation_loss", "validation_accuracy")
                }
        if curves:
            plot = compare_plots.learning_curves(curves, f"{evidence.label} networks")
            found.append(_picture(plot, f"Learning curves, {evidence.label}"))
    return found
