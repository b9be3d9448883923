"""The tables about calibration: temperatures, fits, promises kept, listings from outside the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from models.listing import evidence_label
from training.reports.rendering import percent, promise
from training.reports.tables import NONE, Cell, Json, Table, decided

PROMISES = (0.95, 0.99)
"""Precisions whose promises are shown."""
FITTED = {
    "listings": ("listings", "{:,}"),
    "accuracy": ("accuracy", "{:.3f}"),
    "temperature": ("temperature", "{:.2f}"),
    "nll_before": ("log loss before", "{:.3f}"),
    "nll_after": ("log loss after", "{:.3f}"),
    "ece": ("ECE after", "{:.3f}"),
    "set_floor": ("set floor", "{:.3f}"),
}
"""Column and format of each field of an evidence's calibration."""
COMPARED = {
    "listings": "{:,}",
    "top1": "{:.2%}",
    "top1_clear": "{:.2%}",
    "max_difference": "{:.3f}",
    "accuracy_f32": "{:.4f}",
    "accuracy": "{:.4f}",
}
"""Format of each field of a comparison of bfloat16 with float32."""
OWN = {"class_thresholds": "thresholds", "class_floors": "set floors"}
"""Fields of an evidence's calibration that single categories may have a value of their own for."""


def calibration_table(context: Json) -> Table | None:
    """The fitted values by evidence: the contents of calibration.json, or a summary of the fit."""
    calibration = context.get("calibration") or {}
    cases = calibration.get("cases") or {}
    fields = [key for key in FITTED if any(key in fitted for fitted in cases.values())]
    promises = [promise(precision) for precision in calibration.get("precisions", ())]
    own = [key for key in OWN if promises and any(key in fitted for fitted in cases.values())]
    rows = []
    for evidence, fitted in cases.items():
        row = [evidence_label(evidence)]
        row += [FITTED[key][1].format(fitted[key]) if key in fitted else NONE for key in fields]
        if promises:
            row += [NONE if threshold is None else f"{threshold:.3f}" for threshold in fitted["thresholds"]]
        rows.append([*row, *(str(len(fitted[key])) if key in fitted else NONE for key in own)])
    columns = ["evidence", *(FITTED[key][0] for key in fields), *promises, *(OWN[key] for key in own)]
    groups = [("", 1 + len(fields)), ("threshold", len(promises)), ("categories with their own", len(own))]
    return Table(columns, rows, groups=groups if promises else []) if rows else None


def fit_table(metrics: Json) -> Table | None:
    """The calibration of each evidence on its own listings: the metrics' `CalibrationSummary`."""
    cases = (metrics.get("calibration") or {}).get("cases") or {}
    columns = ("nll_before", "nll_scaled", "nll_after", "ece_before", "ece_scaled", "ece")
    rows = [
        [
            evidence_label(evidence),
            summary.get("basis", ""),
            *(f"{summary[key]:.3f}" if key in summary else NONE for key in columns),
        ]
        for evidence, summary in cases.items()
    ]
    names = ("as they came", "temperature", "all")
    groups = [("", 2), ("log loss", 3), ("ECE, cross-fitted", 3)]
    return Table(("evidence", "calibrated on", *names, *names), rows, words=2, groups=groups) if rows else None


def promises_table(cohorts: Mapping[str, Mapping[str, Json]]) -> Table:
    """For each cohort and evidence: the share filed at some precisions and how much of it is right; prediction sets."""
    evaluations = [(name, evidence, figures) for name, cases in cohorts.items() for evidence, figures in cases.items()]
    offered = {row["precision"] for _, _, figures in evaluations for row in figures["decisions"]}
    shown = [precision for precision in PROMISES if precision in offered]
    rows: list[list[Cell]] = []
    for name, evidence, figures in evaluations:
        decisions = {row["precision"]: row for row in figures["decisions"]}
        sets = figures["prediction_sets"]
        filed = [cell for precision in shown for cell in decided(decisions[precision], figures["n"])]
        held = sets.get("interval", percent(sets["coverage"]))
        rows.append([name, evidence_label(evidence), f"{figures['n']:,}", *filed, held, f"{sets['mean_size']:.1f}"])
    groups = [("", 3), *((f"asked for {promise(precision)}", 2) for precision in shown), ("prediction sets", 2)]
    columns = ("filed", "of these right") * len(shown)
    return Table(("listings", "evidence", "n", *columns, "hold the right one", "mean size"), rows, 2, groups)


def out_of_catalogue_table(metrics: Json) -> Table | None:
    """The answers to listings from outside the catalogue, by evidence."""
    rows: list[list[Cell]] = [
        [evidence_label(evidence), f"{row['n']:,}", row["noticed"], row["review"], f"{row['confidence']:.2f}"]
        for evidence, row in (metrics.get("unfamiliar") or {}).items()
    ]
    return Table(("evidence", "n", "noticed", "sent to review", "mean confidence"), rows) if rows else None


def kinds_table(metrics: Json) -> Table | None:
    """The listings from outside the catalogue by kind: how many of how many were noticed with each evidence."""
    cases: Json = metrics.get("unfamiliar") or {}
    rows = []
    for kind in dict.fromkeys(kind for row in cases.values() for kind in row["kinds"]):
        counts = [row["kinds"].get(kind) for row in cases.values()]
        rows.append([kind, *(f"{count['noticed']} of {count['n']}" if count else NONE for count in counts)])
    return Table(("kind", *(evidence_label(evidence) for evidence in cases)), rows) if rows else None


def alarms_table(cohorts: Mapping[str, Mapping[str, Json]]) -> Table | None:
    """False alarms: how many of the catalogue's own listings are called unfamiliar."""
    rows: list[list[Cell]] = [
        [name, evidence_label(evidence), f"{figures['n']:,}", figures["unfamiliar"]]
        for name, cases in cohorts.items()
        for evidence, figures in cases.items()
        if "unfamiliar" in figures
    ]
    return Table(("listings", "evidence", "n", "called unfamiliar"), rows, words=2) if rows else None


def precision_table(metrics: Json) -> Table | None:
    """The differences of answers in bfloat16 from those in float32, by evidence; None where they were not measured."""
    rows = [
        [evidence_label(evidence), *(form.format(row[key]).replace("%", " %") for key, form in COMPARED.items())]
        for evidence, row in ((metrics.get("precision") or {}).get("bf16") or {}).items()
    ]
    columns = ("evidence", "n", "all", "clear ones", "largest difference", "float32", "bfloat16")
    groups = [("", 2), ("same best category", 2), ("", 1), ("accuracy", 2)]
    return Table(columns, rows, groups=groups) if rows else None
