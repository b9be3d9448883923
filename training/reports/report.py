"""`report.html`: a page on a version for people, one file that opens anywhere without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.listing import evidence_label
from models.taxonomy import Taxonomy
from training.reports import calibration_tables, plots, tables
from training.reports.plots import Picture
from training.reports.rendering import render, write_whole
from training.reports.tables import Json, Table, category_name, evaluated, main_cohort

DETAILS = {
    "Config": "config",
    "Libraries": "libraries",
    "Seconds by stage": "seconds",
    "Keras against the compiled networks": "parity",
    "Precision of the compiled networks": "precision",
}


def write_report(path: Path, metrics: Json, taxonomy: Taxonomy, context: Json) -> None:
    """Write the page. `metrics` is what `metrics_document` returns; every key of `context` is optional.

    See `training.reports.model_card.write_model_card` for the keys of `context`; its `main_cohort` is the one shown in
    detail, else the first. Raises ValueError when nothing was evaluated, or nothing in `main_cohort`.
    """
    _, cases = main_cohort(metrics, context)
    mistakes = {
        evidence_label(evidence): tables.pairs_table(cases[evidence], taxonomy) for evidence in _with_matrix(cases)
    }
    text = render(
        "report.html.j2",
        **page_values(metrics, taxonomy, context),
        decisions={name: tables.decision_table(cohort) for name, cohort in evaluated(metrics).items()},
        pairs=mistakes,
        details={
            title: Table(("", "value"), list(tables.flat(context[key])), words=2)
            for title, key in DETAILS.items()
            if context.get(key)
        },
        plots=_pictures(metrics, cases, taxonomy),
    )
    write_whole(path, text)


def page_values(metrics: Json, taxonomy: Taxonomy, context: Json) -> dict[str, Any]:
    """The values that the templates of report and model card share."""
    main, cases = main_cohort(metrics, context)
    cohorts = evaluated(metrics)
    evidence, figures = next(iter(cases.items()))
    fusion = metrics["cohorts"][main].get("fusion")
    return {
        "context": context,
        "main": main,
        "main_evidence": evidence_label(evidence),
        "figures": figures,
        "decision": tables.default_decision(figures, context),
        "summary": tables.summary_table(cohorts),
        "calibration": calibration_tables.calibration_table(context),
        "fit": calibration_tables.fit_table(metrics),
        "precisions": calibration_tables.precision_table(metrics),
        "promises": calibration_tables.promises_table(cohorts),
        "out_of_catalogue": calibration_tables.out_of_catalogue_table(metrics),
        "kinds": calibration_tables.kinds_table(metrics),
        "alarms": calibration_tables.alarms_table(cohorts),
        "borrowing": ((metrics.get("calibration") or {}).get("fusion") or {}).get("borrowing"),
        "fusion": fusion,
        "fused": tables.fusion_table(fusion) if fusion else None,
        "classes": tables.class_table(cases, taxonomy),
        "data": tables.data_tables(context),
        "networks": tables.network_table(context),
    }


def _with_matrix(cases: Mapping[str, Json]) -> list[str]:
    """The kinds of evidence whose mistakes are shown: a title alone adds little to the text."""
    return [evidence for evidence in cases if evidence != "title"] or list(cases)


def _pictures(metrics: Json, cases: Mapping[str, Json], taxonomy: Taxonomy) -> dict[str, list[Picture]]:
    cohorts = evaluated(metrics)
    names = [category_name(code, taxonomy) for code in metrics["classes"]]
    lowest = min(p["precision"] for cohort in cohorts.values() for entry in cohort.values() for p in entry["sweep"])
    scores = {evidence: [row["f1"] for row in cases[evidence]["per_class"]] for evidence in _with_matrix(cases)}
    matrices = {
        evidence_label(evidence): plots.confusion_matrix(cases[evidence]["confusion"], names, evidence_label(evidence))
        for evidence in scores
    }
    return {
        "coverage": [
            Picture.of(plots.coverage_precision(cohort, name, lowest=lowest), f"Precision over coverage, {name}")
            for name, cohort in cohorts.items()
        ],
        "reliability": [
            Picture.of(plots.reliability_diagram(figures, evidence), f"Reliability, {evidence_label(evidence)}")
            for evidence, figures in cases.items()
        ],
        "confusion": [Picture.of(matrix, f"Confusion matrix, {name}") for name, matrix in matrices.items()],
        "classes": [Picture.of(plots.class_f1(names, scores), "F1 by category")],
        "curves": [
            Picture.of(
                plots.learning_curves({"validation": curve}, curve["network"]), f"Learning curves, {curve['network']}"
            )
            for curve in metrics.get("curves", ())
        ],
    }
