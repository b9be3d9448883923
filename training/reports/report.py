"""`report.html`: a page on a version for people, all of it in one file, so that it opens anywhere without a network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.listing import evidence_label
from models.taxonomy import Taxonomy
from training.reports import plots
from training.reports.calibration_tables import (
    alarms_table,
    borrowing,
    calibration_table,
    fit_table,
    kinds_table,
    precision_table,
    promises_table,
    strangers_table,
)
from training.reports.rendering import environment
from training.reports.tables import (
    Json,
    Table,
    category_name,
    class_table,
    data_tables,
    decision_table,
    default_decision,
    evaluated,
    flat,
    fusion_table,
    main_cohort,
    network_table,
    pairs_table,
    summary_table,
)

MATRIX_CLASSES = 40
"""A confusion matrix shows at most so many categories, those with the most mistakes."""
DETAILS = {
    "Config": "config",
    "Libraries": "libraries",
    "Seconds by stage": "seconds",
    "Keras against the compiled networks": "parity",
    "Precision of the compiled networks": "precision",
}


@dataclass(frozen=True)
class Picture:
    """A plot as a data URI, and what it shows in words."""

    uri: str
    alt: str


def write_report(path: Path, metrics: Json, taxonomy: Taxonomy, context: Json) -> None:
    """Write the page. `metrics` is what `metrics_document` returns; every key of `context` is optional.

    `context` says what metrics do not, as `training.reports.model_card.write_model_card` tells; its `main_cohort` is
    the one shown in detail, else the first. Raises ValueError when nothing was evaluated, or nothing in `main_cohort`.
    """
    main, cases = main_cohort(metrics, context)
    cohorts = evaluated(metrics)
    evidence, figures = next(iter(cases.items()))
    fusion = metrics["cohorts"][main].get("fusion")
    text = (
        environment()
        .get_template("report.html.j2")
        .render(
            context=context,
            main=main,
            main_case=evidence_label(evidence),
            figures=figures,
            decision=default_decision(figures, context),
            summary=summary_table(cohorts),
            decisions={name: decision_table(cohort) for name, cohort in cohorts.items()},
            calibration=calibration_table(context),
            fit=fit_table(metrics),
            precisions=precision_table(metrics),
            promises=promises_table(cohorts),
            strangers=strangers_table(metrics),
            kinds=kinds_table(metrics),
            alarms=alarms_table(cohorts),
            borrowing=borrowing(metrics),
            fusion=fusion,
            fused=fusion_table(fusion) if fusion else None,
            pairs={
                evidence_label(evidence): pairs_table(cases[evidence], taxonomy) for evidence in _matrix_cases(cases)
            },
            classes=class_table(cases, taxonomy),
            data=data_tables(context),
            networks=network_table(context),
            details=_details(context),
            plots=_pictures(metrics, cohorts, cases, taxonomy),
        )
    )
    path.write_text(text, encoding="utf-8", errors="replace")


def _details(context: Json) -> dict[str, Table]:
    shown = {title: context[section] for title, section in DETAILS.items() if context.get(section)}
    return {title: Table(("", "value"), list(flat(value)), words=2) for title, value in shown.items()}


def _matrix_cases(cases: Mapping[str, Json]) -> list[str]:
    """The cases whose mistakes are shown: a title alone tells little that the text does not."""
    return [evidence for evidence in cases if evidence != "title"] or list(cases)


def _pictures(
    metrics: Json, cohorts: Mapping[str, Mapping[str, Json]], cases: Mapping[str, Json], taxonomy: Taxonomy
) -> dict[str, list[Picture]]:
    names = [category_name(code, taxonomy) for code in metrics["classes"]]
    lowest = min(p["precision"] for cohort in cohorts.values() for entry in cohort.values() for p in entry["sweep"])
    scores = {evidence: [row["f1"] for row in cases[evidence]["per_class"]] for evidence in _matrix_cases(cases)}
    return {
        "coverage": [
            _picture(plots.coverage_precision(cohort, name, lowest=lowest), f"Precision over coverage, {name}")
            for name, cohort in cohorts.items()
        ],
        "reliability": [
            _picture(plots.reliability_diagram(figures, evidence), f"Reliability, {evidence_label(evidence)}")
            for evidence, figures in cases.items()
        ],
        "confusion": [
            _picture(
                plots.confusion_matrix(*_worst(cases[evidence]["confusion"], names), evidence_label(evidence)),
                f"Confusion matrix, {evidence_label(evidence)}",
            )
            for evidence in _matrix_cases(cases)
        ],
        "classes": [_picture(plots.class_f1(names, scores), "F1 by category")],
        "curves": [
            _picture(plots.learning_curve(curve), f"Learning curves, {curve['network']}")
            for curve in metrics.get("curves", ())
        ],
    }


def _picture(svg: bytes, alt: str) -> Picture:
    return Picture("data:image/svg+xml;base64," + base64.b64encode(svg).decode(), alt)


def _worst(confusion: Sequence[Sequence[int]], names: Sequence[str]) -> tuple[list[list[int]], list[str]]:
    """The matrix and its names; of too many to read, those with the most mistakes and the others added up as one."""
    counts = np.array(confusion, dtype=np.int64)
    if len(names) <= MATRIX_CLASSES:
        return counts.tolist(), list(names)
    mistakes = counts.sum(0) + counts.sum(1) - 2 * counts.diagonal()
    chosen = np.sort(np.argsort(-mistakes, kind="stable")[: MATRIX_CLASSES - 1])
    place = np.full(len(names), len(chosen))
    place[chosen] = np.arange(len(chosen))
    gathered = np.zeros((MATRIX_CLASSES, MATRIX_CLASSES), np.int64)
    np.add.at(gathered, (place[:, None], place[None, :]), counts)
    return gathered.tolist(), [*(names[position] for position in chosen), f"{len(names) - len(chosen)} others"]
