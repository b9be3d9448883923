"""The tables of a comparison, which page and Markdown share: quality, confidence, fusion, cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.listing import Evidence
from training.comparison.candidates import Comparison, Entry, accuracy_of
from training.comparison.cost import Way
from training.evaluation.metrics import evidence_metrics, fusion_comparison
from training.reports.calibration_tables import PROMISES
from training.reports.rendering import promise
from training.reports.tables import NONE, Cell, Json, Table, category_name, decided

Figures = Mapping[str, Mapping[str, Json]]
"""Metrics of each entry (by its key), by cohort; see `figures_of`."""
COLUMNS = ("network", "evidence", "n", "accuracy", "weighted F1", "macro F1", "ms per listing", "MB")
QUALITY = ("accuracy", "f1_weighted", "f1_macro")
MOST_SOURCES = 8
"""Label sources with kinds of text that have a column, those of most listings."""


def figures_of(entry: Entry, comparison: Comparison) -> dict[str, dict[str, Any]]:
    """The metrics of a network's predictions by cohort, see `training.evaluation.metrics.evidence_metrics`."""
    codes = comparison.taxonomy.codes
    predictions = {name: entry.answers.only(rows) for name, rows in comparison.shown_cohorts.items()}
    return {name: evidence_metrics(of_cohort, codes) for name, of_cohort in predictions.items() if len(of_cohort.rows)}


def cells(comparison: Comparison, figures: Figures) -> Iterator[tuple[str, Entry, Json]]:
    """(cohort, entry, metrics), by cohort."""
    for cohort in comparison.shown_cohorts:
        for entry in comparison.entries:
            if cohort in figures[entry.key]:
                yield cohort, entry, figures[entry.key][cohort]


def quality_tables(comparison: Comparison, figures: Figures) -> dict[str, Table]:
    """One table for each cohort."""
    tables: dict[str, list[list[Cell]]] = {name: [] for name in comparison.shown_cohorts}
    for cohort, entry, metrics in cells(comparison, figures):
        tables[cohort].append(_quality(entry, metrics))
    return {name: Table(COLUMNS, rows, words=2) for name, rows in tables.items() if rows}


def readme_table(comparison: Comparison, figures: Figures) -> Table:
    """`quality_tables` as one table, for a README."""
    rows: list[list[Cell]] = [[name, *_quality(entry, metrics)] for name, entry, metrics in cells(comparison, figures)]
    return Table(("listings", *COLUMNS), rows, words=3)


def _quality(entry: Entry, metrics: Json) -> list[Cell]:
    return [
        entry.name,
        entry.evidence.label,
        f"{metrics['n']:,}",
        metrics["accuracy"],
        *(f"{metrics[key]['value']:.3f}" for key in QUALITY[1:]),
        milliseconds(entry.cost.ms if entry.cost else None),
        _megabytes(entry.megabytes),
    ]


def confidence_table(entries: Sequence[Entry], figures: Figures, cohort: str) -> Table:
    """F1 with intervals, and the quality of the confidences; `entries` have metrics of the cohort."""
    rows: list[list[Cell]] = []
    for entry in entries:
        metrics = figures[entry.key][cohort]
        decisions = {row["precision"]: row for row in metrics["decisions"]}
        rows.append(
            [
                entry.name,
                entry.evidence.label,
                metrics["f1_weighted"],
                metrics["f1_macro"],
                f"{metrics['top3_accuracy']:.3f}",
                f"{metrics['log_loss']:.3f}",
                f"{metrics['ece']:.3f} ({metrics['ece_chance']:.3f})",
                *(cell for precision in PROMISES for cell in decided(decisions[precision], metrics["n"])),
            ]
        )
    columns = ["network", "evidence", "weighted F1", "macro F1", "top 3", "log loss", "ECE (by chance)"]
    groups = [("", len(columns)), *((f"filed at {promise(precision)}", 2) for precision in PROMISES)]
    return Table([*columns, *("share", "right") * len(PROMISES)], rows, words=2, groups=groups)


def title_table(comparison: Comparison) -> Table | None:
    """The quality of the text networks on titles alone."""
    rows: list[list[Cell]] = []
    for entry in comparison.entries:
        titles = entry.contender.answers.get(Evidence.TITLE) if entry.evidence is Evidence.TEXT else None
        if titles is not None:
            metrics = evidence_metrics(titles, comparison.taxonomy.codes)
            rows.append([entry.name, f"{metrics['n']:,}", *(metrics[key] for key in QUALITY)])
    return Table(("network", "n", "accuracy", "weighted F1", "macro F1"), rows) if rows else None


def source_table(comparison: Comparison) -> Table | None:
    """Accuracy by label source and kind of text; None where all listings have the same."""
    table = comparison.catalogue.rows.loc[list(comparison.rows)]
    groups = table.groupby(["label_source", "text_kind"]).groups
    if len(groups) < 2:
        return None
    chosen = sorted(groups.items(), key=lambda group: -len(group[1]))[:MOST_SOURCES]
    rows: list[list[Cell]] = [
        [
            entry.name,
            entry.evidence.label,
            *(accuracy_of(entry.answers.only(members)) or NONE for _, members in chosen),
        ]
        for entry in comparison.entries
    ]
    names = [f"{', '.join(part or 'none named' for part in key)} ({len(members):,})" for key, members in chosen]
    return Table(("network", "evidence", *names), rows, words=2)


def fusion_tables(comparison: Comparison) -> dict[str, Table]:
    """One table for each config with two networks: the methods on its calibration listings."""
    columns = ["method", "what is learned", "accuracy", "weighted F1", "macro F1", "log loss", "ECE", "categories held"]
    tables = {}
    for contender in comparison.contenders:
        rows: list[list[Cell]] = [
            [
                method["name"],
                method["detail"],
                *(method[key] for key in QUALITY),
                f"{method['nll']:.3f}",
                f"{method['ece']:.3f}",
                f"{method['classes_held']} of {method['classes']}",
            ]
            for method in contender.fusions
        ]
        if rows:
            n = contender.fusions[0]["n"]
            tables[f"{contender.run}: {n:,} calibration listings with text and photo"] = Table(columns, rows, words=2)
    return tables


def gain_table(comparison: Comparison) -> Table | None:
    """The gain of each config's fusion on the shown listings that have text and photo."""
    rows: list[list[Cell]] = []
    for contender in comparison.contenders:
        fusion = fusion_comparison(contender.answers)
        if fusion is not None:
            text, photo, fused = (
                fusion["accuracy"][evidence.value] for evidence in (Evidence.TEXT, Evidence.IMAGE, Evidence.BOTH)
            )
            gain = f"{100 * (fused['value'] - max(text['value'], photo['value'])):+.1f} points"
            held = f"{fusion['classes_held']} of {fusion['classes']}"
            rows.append([contender.run, contender.fusion, f"{fusion['n']:,}", text, photo, fused, gain, held])
    columns = ("config", "fusion", "n", "text", "photo", "fused", "gain over the better", "categories held")
    return Table(columns, rows, words=2) if rows else None


def class_rows(
    comparison: Comparison, figures: Figures, cohort: str
) -> tuple[list[str], list[tuple[str, int, list[float | None]]]]:
    """F1 of each category side by side: the columns' names, and (category, most listings of any evidence, F1s)."""
    entries = [(entry, figures[entry.key][cohort]) for entry in comparison.entries if cohort in figures[entry.key]]
    rows = []
    for position, code in enumerate(comparison.taxonomy.codes):
        of_class = [metrics["per_class"][position] for _, metrics in entries]
        most = max(row["n"] for row in of_class)
        rows.append((category_name(code, comparison.taxonomy), most, [row["f1"] for row in of_class]))
    return [f"{entry.name}, {entry.evidence.label}" for entry, _ in entries], rows


def class_table(columns: Sequence[str], rows: Sequence[tuple[str, int, Sequence[float | None]]]) -> Table:
    """`class_rows` as a plain table."""
    texts = [[name, f"{n:,}", *(NONE if f1 is None else f"{f1:.3f}" for f1 in scores)] for name, n, scores in rows]
    return Table(["category", "n", *columns], texts)


def cost_table(comparison: Comparison) -> Table:
    """Time, size and parameters of each network, and the time of its fit."""
    rows: list[list[Cell]] = []
    for entry in comparison.entries:
        cost = entry.cost
        times = [NONE] * 3 if cost is None else map(milliseconds, (cost.ms, cost.ms_p95, cost.cpu_ms))
        fit = sum(seconds for stage, seconds in entry.contender.seconds.items() if _fits(stage, entry))
        rows.append(
            [
                entry.name,
                entry.evidence.label,
                " + ".join(dict.fromkeys(network.precision for network in entry.networks)),
                f"{entry.parameters:,}",
                _megabytes(entry.megabytes),
                _megabytes(entry.keras_megabytes),
                *times,
                f"{fit:,.0f}",
            ]
        )
    columns = ["network", "evidence", "served in", "parameters", "compiled", "Keras"]
    columns += ["median", "95th percentile", "CPU time", "seconds to make"]
    groups = [("", 4), ("MB", 2), ("ms per listing", 3), ("", 1)]
    return Table(columns, rows, words=3, groups=groups)


def ways_table(comparison: Comparison) -> Table | None:
    """The median time of a listing by precision and number of threads; None where there is one way only."""
    ways = list(dict.fromkeys(way for entry in comparison.entries for way in entry.contender.other_costs))
    if not ways:
        return None
    rows: list[list[Cell]] = []
    for entry in comparison.entries:
        others = [entry.contender.other_costs.get(way, {}).get(entry.evidence) for way in ways]
        if entry.cost is not None and any(others):
            times = [milliseconds(cost.ms if cost else None) for cost in (entry.cost, *others)]
            rows.append([entry.name, entry.evidence.label, *times])
    plain = Way("f32", 1)
    return Table(("network", "evidence", *map(str, (plain, *ways))), rows, words=2) if rows else None


def missing_table(comparison: Comparison) -> Table | None:
    """The configs that could not be trained, and why."""
    rows = [[failed.run, failed.network, f"not trained: {failed.reason}"] for failed in comparison.not_trained]
    return Table(("config", "network", "why"), rows, words=3) if rows else None


def _fits(stage: str, entry: Entry) -> bool:
    """Whether a stage makes one of the entry's networks."""
    stages = {"text": ("text", "baseline"), "image": ("image", "activations")}
    return any(stage.split("-")[0] in stages[network.modality.value] for network in entry.networks)


def milliseconds(value: float | None) -> str:
    """A time with as many digits as a stopwatch is good for."""
    return NONE if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _megabytes(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}"
