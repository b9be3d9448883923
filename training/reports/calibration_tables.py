"""The tables about calibration: temperatures, fits, promises kept, listings unlike the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.listing import evidence_label
from training.evaluation.intervals import share_estimate
from training.reports.rendering import percent, promise
from training.reports.tables import Cell, Json, Table, _decided

PROMISES = (0.95, 0.99)
"""Precisions whose promises are shown for every cohort."""


FITTED = {
    "listings": ("listings", "{:,}"),
    "accuracy": ("accuracy", "{:.3f}"),
    "temperature": ("temperature", "{:.2f}"),
    "nll_before": ("log loss before", "{:.3f}"),
    "nll_after": ("log loss after", "{:.3f}"),
    "ece": ("ECE after", "{:.3f}"),
    "set_floor": ("set floor", "{:.3f}"),
}
"""Of a case's calibration: column and format."""


OWN = {"class_thresholds": "thresholds", "class_floors": "set floors"}
"""Of a case's calibration: what single categories may have of their own."""


def _promised(row: Json, n: int) -> tuple[str, str]:
    """As `_decided`, with the interval of the share that is filed, too."""
    filed, right = _decided(row)
    ends = share_estimate(row["accepted"], n)
    return f"{filed} ({100 * ends['low']:.1f}–{100 * ends['high']:.1f})", right


def calibration_table(context: Json) -> Table | None:
    """What was fitted for each case: the contents of calibration.json, or a summary of how the fit went."""
    calibration = context.get("calibration") or {}
    cases = calibration.get("cases") or {}
    shown = [(key, *kind) for key, kind in FITTED.items() if any(key in fitted for fitted in cases.values())]
    asked = [promise(precision) for precision in calibration.get("precisions", ())]
    rows = []
    for evidence, fitted in cases.items():
        rows.append(
            [evidence_label(evidence), *(form.format(fitted[key]) if key in fitted else "–" for key, _, form in shown)]
        )
        if asked:
            rows[-1] += ["–" if threshold is None else f"{threshold:.3f}" for threshold in fitted["thresholds"]]
            rows[-1] += [str(len(fitted[key])) for key in OWN if key in fitted]
    own = [name for key, name in OWN.items() if asked and any(key in fitted for fitted in cases.values())]
    columns = [
        "evidence",
        *(name for _, name, _ in shown),
        *asked,
        *own,
    ]
    groups = [("", 1 + len(shown)), ("threshold", len(asked)), ("categories with their own", len(own))] if asked else []
    return Table(columns, rows, groups=groups) if rows else None


def fit_table(metrics: Json) -> Table | None:
    """How calibration went, case by case, on its own listings: a `CalibrationSummary` in the metrics."""
    cases = (metrics.get("calibration") or {}).get("cases") or {}
    columns = ("nll_before", "nll_scaled", "nll_after", "ece_before", "ece_scaled", "ece")
    rows = [
        [
            evidence_label(evidence),
            told.get("basis", ""),
            *(f"{told[key]:.3f}" if key in told else "–" for key in columns),
        ]
        for evidence, told in cases.items()
    ]
    names = ("as they came", "temperature", "all")
    groups = [("", 2), ("log loss", 3), ("ECE, cross-fitted", 3)]
    return Table(("evidence", "calibrated on", *names, *names), rows, words=2, groups=groups) if rows else None


def promises_table(cohorts: Mapping[str, Mapping[str, Json]], precisions: Sequence[float] = PROMISES) -> Table:
    """For every cohort and case: what is filed at some precisions and how much of it is right; prediction sets."""
    judged = [(name, evidence, figures) for name, cases in cohorts.items() for evidence, figures in cases.items()]
    offered = {row["precision"] for _, _, figures in judged for row in figures["decisions"]}
    asked = [precision for precision in precisions if precision in offered]
    rows: list[list[Cell]] = []
    for name, evidence, figures in judged:
        decisions = {row["precision"]: row for row in figures["decisions"]}
        sets = figures["prediction_sets"]
        decided = [cell for precision in asked for cell in _promised(decisions[precision], figures["n"])]
        held = sets.get("interval", percent(sets["coverage"]))
        rows.append([name, evidence_label(evidence), f"{figures['n']:,}", *decided, held, f"{sets['mean_size']:.1f}"])
    groups = [("", 3), *((f"asked for {promise(precision)}", 2) for precision in asked), ("prediction sets", 2)]
    filed = ("filed", "of these right") * len(asked)
    return Table(("listings", "evidence", "n", *filed, "hold the right one", "mean size"), rows, 2, groups)


def borrowing(metrics: Json) -> Json | None:
    """What borrowing photos did to fusion, if any were borrowed: a `ImputationCheck` in the metrics."""
    fusion = (metrics.get("calibration") or {}).get("fusion") or {}
    found: Json | None = fusion.get("borrowing")
    return found


def strangers_table(metrics: Json) -> Table | None:
    """How listings from outside the catalogue fared."""
    rows: list[list[Cell]] = [
        [evidence_label(evidence), f"{told['n']:,}", told["noticed"], told["review"], f"{told['confidence']:.2f}"]
        for evidence, told in (metrics.get("unfamiliar") or {}).items()
    ]
    return Table(("evidence", "n", "noticed", "sent to review", "mean confidence"), rows) if rows else None


def kinds_table(metrics: Json) -> Table | None:
    """Which kinds of listings from outside the catalogue were noticed: how many of how many, by case."""
    cases: Json = metrics.get("unfamiliar") or {}
    kinds = dict.fromkeys(kind for told in cases.values() for kind in told["kinds"])
    rows = []
    for kind in kinds:
        seen = [told["kinds"].get(kind) for told in cases.values()]
        rows.append([kind, *(f"{one['noticed']} of {one['n']}" if one else "–" for one in seen)])
    return Table(("kind", *(evidence_label(evidence) for evidence in cases)), rows) if rows else None


def alarms_table(cohorts: Mapping[str, Mapping[str, Json]]) -> Table | None:
    """How many of the catalogue's own listings are called unfamiliar: false alarms."""
    rows: list[list[Cell]] = [
        [name, evidence_label(evidence), f"{figures['n']:,}", figures["unfamiliar"]]
        for name, cases in cohorts.items()
        for evidence, figures in cases.items()
        if "unfamiliar" in figures
    ]
    return Table(("listings", "evidence", "n", "called unfamiliar"), rows, words=2) if rows else None


def precision_table(metrics: Json) -> Table | None:
    """What becomes of answers in bfloat16, by evidence; None where that was not measured."""
    rows = [
        [
            evidence_label(evidence),
            f"{told['listings']:,}",
            f"{100 * told['top1']:.2f} %",
            f"{100 * told['top1_clear']:.2f} %",
            f"{told['max_difference']:.3f}",
            f"{told['accuracy_f32']:.4f}",
            f"{told['accuracy']:.4f}",
        ]
        for evidence, told in ((metrics.get("precision") or {}).get("bf16") or {}).items()
    ]
    columns = ("evidence", "n", "all", "clear ones", "largest difference", "float32", "bfloat16")
    groups = [("", 2), ("same best category", 2), ("", 1), ("accuracy", 2)]
    return Table(columns, rows, groups=groups) if rows else None
