"""The tables of a comparison, the same in the page and in Markdown; and the figures that both are made of, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from models.listing import Evidence
from training.comparison.ablations import lessons_document
from training.comparison.candidates import Comparison, Contender, Entry
from training.comparison.cost_tables import milliseconds
from training.evaluation.intervals import share_estimate
from training.evaluation.metrics import evidence_metrics, fusion_comparison
from training.evaluation.predictions import Predictions
from training.reports.rendering import percent, promise
from training.reports.tables import Cell, Table, category_name, confused_pairs, flat

Json = Mapping[str, Any]
COLUMNS = ("network", "evidence", "n", "accuracy", "weighted F1", "macro F1", "ms per listing", "MB")
QUALITY = ("accuracy", "f1_weighted", "f1_macro")
PAIRS, EXAMPLES, TITLE_CHARACTERS = 12, 2, 90
PROMISES = (0.95, 0.99)
"""Precisions whose coverage is shown."""
MOST_SOURCES = 8
"""Label sources with kinds of text that have a column, those of most listings."""
NONE = "–"


def figures_of(entry: Entry, comparison: Comparison) -> dict[str, dict[str, Any]]:
    """The metrics of a network's answers by cohort, see `training.evaluation.metrics.evidence_metrics`."""
    codes = comparison.taxonomy.codes
    found = {name: entry.answers.only(rows) for name, rows in comparison.shown_cohorts.items()}
    return {name: evidence_metrics(given, codes) for name, given in found.items() if len(given.rows)}


def document(comparison: Comparison, figures: Mapping[str, Mapping[str, Json]]) -> dict[str, Any]:
    """`compare.json`: what the quality tables say, as numbers. Nothing in it is from a listing."""
    rows = [
        {
            "listings": cohort,
            "network": entry.name,
            "evidence": entry.evidence.label,
            "run": entry.contender.run,
            "n": given["n"],
            **{key: given[key] for key in (*QUALITY, "ece")},
            "ms": None if entry.cost is None else round(entry.cost.ms, 2),
            "cpu_ms": None if entry.cost is None else round(entry.cost.cpu_ms, 2),
            "other_ms": {
                str(way): round(costs[entry.evidence].ms, 2)
                for way, costs in entry.contender.other_costs.items()
                if entry.evidence in costs
            },
            "mb": None if entry.megabytes is None else round(entry.megabytes, 2),
            "parameters": entry.parameters,
            "class_f1": {row["code"]: row["f1"] for row in given["per_class"]},
        }
        for cohort, entry, given in _cells(comparison, figures)
    ]
    return {
        "on": comparison.part,
        "catalogue": comparison.catalogue.name,
        "command": comparison.command,
        "listings": len(comparison.rows),
        "networks": rows,
        "fusions": {contender.run: list(contender.fusions) for contender in comparison.contenders if contender.fusions},
        "learned": lessons_document([*comparison.contenders, *comparison.variants]),
        "not_trained": [asdict(each) for each in comparison.not_trained],
    }


def quality_tables(comparison: Comparison, figures: Mapping[str, Mapping[str, Json]]) -> dict[str, Table]:
    """One table for each cohort."""
    tables: dict[str, list[list[Cell]]] = {name: [] for name in comparison.shown_cohorts}
    for cohort, entry, given in _cells(comparison, figures):
        tables[cohort].append(_quality(entry, given))
    return {name: Table(COLUMNS, rows, words=2) for name, rows in tables.items() if rows}


def readme_table(comparison: Comparison, figures: Mapping[str, Mapping[str, Json]]) -> Table:
    """All of `quality_tables` as one: what goes into a README."""
    rows: list[list[Cell]] = [[cohort, *_quality(entry, given)] for cohort, entry, given in _cells(comparison, figures)]
    return Table(("listings", *COLUMNS), rows, words=3)


def _quality(entry: Entry, figures: Json) -> list[Cell]:
    return [
        entry.name,
        entry.evidence.label,
        f"{figures['n']:,}",
        figures["accuracy"],
        *(f"{figures[key]['value']:.3f}" for key in QUALITY[1:]),
        NONE if entry.cost is None else milliseconds(entry.cost.ms),
        NONE if entry.megabytes is None else f"{entry.megabytes:.1f}",
    ]


def confidence_table(entries: Sequence[Entry], figures: Mapping[str, Mapping[str, Json]], cohort: str) -> Table:
    """F1 with intervals, and what the confidences are worth."""
    rows: list[list[Cell]] = []
    for entry in entries:
        given = figures[entry.key].get(cohort)
        if given is None:
            continue
        decisions = {row["precision"]: row for row in given["decisions"]}
        kept = [decisions[precision] for precision in PROMISES]
        rows.append(
            [
                entry.name,
                entry.evidence.label,
                given["f1_weighted"],
                given["f1_macro"],
                f"{given['top3_accuracy']:.3f}",
                f"{given['log_loss']:.3f}",
                f"{given['ece']:.3f} ({given['ece_chance']:.3f})",
                *(cell for row in kept for cell in _filed(row, given["n"])),
            ]
        )
    columns = ["network", "evidence", "weighted F1", "macro F1", "top 3", "log loss", "ECE (by chance)"]
    groups = [("", len(columns)), *((f"filed at {promise(precision)}", 2) for precision in PROMISES)]
    return Table([*columns, *("share", "right") * len(PROMISES)], rows, words=2, groups=groups)


def title_table(comparison: Comparison) -> Table | None:
    """What the text networks answer to titles alone."""
    rows: list[list[Cell]] = []
    for entry in comparison.entries:
        given = entry.contender.answers.get(Evidence.TITLE) if entry.evidence is Evidence.TEXT else None
        if given is not None:
            shown = evidence_metrics(given, comparison.taxonomy.codes)
            rows.append([entry.name, f"{shown['n']:,}", *(shown[key] for key in QUALITY)])
    return Table(("network", "n", "accuracy", "weighted F1", "macro F1"), rows) if rows else None


def source_table(comparison: Comparison) -> Table | None:
    """Accuracy on the listings of each label source and kind of text; None where all are of one."""
    table = comparison.catalogue.rows.loc[list(comparison.rows)]
    groups = table.groupby(["label_source", "text_kind"]).groups
    if len(groups) < 2:
        return None
    chosen = sorted(groups.items(), key=lambda group: -len(group[1]))[:MOST_SOURCES]
    rows: list[list[Cell]] = []
    for entry in comparison.entries:
        cells: list[Cell] = []
        for _, members in chosen:
            given = entry.answers.only(members)
            right = int((given.probabilities.argmax(1) == given.labels).sum())
            cells.append(cast(Mapping[str, float], share_estimate(right, len(given.rows))) if len(given.rows) else NONE)
        rows.append([entry.name, entry.evidence.label, *cells])
    names = [f"{', '.join(part or 'none named' for part in key)} ({len(members):,})" for key, members in chosen]
    return Table(("network", "evidence", *names), rows, words=2)


def fusion_tables(comparison: Comparison) -> dict[str, Table]:
    """One table for each config with two networks: the methods on its calibration listings."""
    tables = {}
    for contender in comparison.contenders:
        rows: list[list[Cell]] = [
            [
                each["name"],
                each["detail"],
                each["accuracy"],
                each["f1_weighted"],
                each["f1_macro"],
                f"{each['nll']:.3f}",
                f"{each['ece']:.3f}",
                f"{each['classes_held']} of {each['classes']}",
            ]
            for each in contender.fusions
        ]
        if rows:
            columns = ["method", "what is learned", "accuracy", "weighted F1", "macro F1", "log loss", "ECE"]
            n = contender.fusions[0]["n"]
            name = f"{contender.run}: {n:,} calibration listings with text and photo"
            tables[name] = Table([*columns, "categories held"], rows, words=2)
    return tables


def gain_table(comparison: Comparison) -> Table | None:
    """What the fusion of each config gains on the shown listings that have text and photo."""
    rows: list[list[Cell]] = []
    for contender in comparison.contenders:
        fusion = fusion_comparison(contender.answers)
        if fusion is not None:
            cells = [fusion["accuracy"][evidence.value] for evidence in (Evidence.TEXT, Evidence.IMAGE, Evidence.BOTH)]
            values = [cell["value"] for cell in cells]
            gain = f"{100 * (values[2] - max(values[:2])):+.1f} points"
            held = f"{fusion['classes_held']} of {fusion['classes']}"
            rows.append([contender.run, contender.fusion, f"{fusion['n']:,}", *cells, gain, held])
    columns = ("config", "fusion", "n", "text", "photo", "text and photo", "gain over the better", "categories held")
    return Table(columns, rows, words=2) if rows else None


def class_rows(
    comparison: Comparison, figures: Mapping[str, Mapping[str, Json]], cohort: str
) -> tuple[list[str], list[tuple[str, int, list[float | None]]]]:
    """F1 of each category side by side: the columns' names, and (category, most listings of any evidence, F1s)."""
    shown = [(entry, figures[entry.key][cohort]) for entry in comparison.entries if cohort in figures[entry.key]]
    rows = []
    for position, code in enumerate(comparison.taxonomy.codes):
        cells = [given["per_class"][position] for _, given in shown]
        most = max(cell["n"] for cell in cells)
        rows.append((category_name(code, comparison.taxonomy), most, [cell["f1"] for cell in cells]))
    return [f"{entry.name}, {entry.evidence.label}" for entry, _ in shown], rows


def class_table(columns: Sequence[str], rows: Sequence[tuple[str, int, Sequence[float | None]]]) -> Table:
    """`class_rows` as a plain table."""
    cells = [[name, f"{n:,}", *(NONE if f1 is None else f"{f1:.3f}" for f1 in scores)] for name, n, scores in rows]
    return Table(["category", "n", *columns], cells)


def pairs_table(entry: Entry, figures: Json, comparison: Comparison, cohort: str) -> Table | None:
    """The most frequent mistakes, each with the titles of the most certain ones; None without any."""
    given = entry.answers.only(comparison.shown_cohorts[cohort])
    names = [category_name(code, comparison.taxonomy) for code in comparison.taxonomy.codes]
    rows: list[list[Cell]] = []
    for true, predicted, n in confused_pairs(figures["confusion"], PAIRS):
        titles = " · ".join(f"“{title}”" for title in _examples(given, comparison, true, predicted))
        share = percent(n / figures["per_class"][true]["n"])
        rows.append([names[true], names[predicted], titles, str(n), share])
    return (
        Table(("true category", "predicted", "for example", "listings", "share of the true"), rows, words=3)
        if rows
        else None
    )


def _examples(answers: Predictions, comparison: Comparison, true: int, predicted: int) -> Iterator[str]:
    best = answers.probabilities.argmax(1)
    places = np.flatnonzero((answers.labels == true) & (best == predicted))
    order = np.argsort(-answers.probabilities[places, predicted], kind="stable")
    table = comparison.catalogue.rows
    for place in places[order][:EXAMPLES]:
        row = table.loc[int(answers.rows[place])]
        title = " ".join((row["designation"].strip() or row["description"].strip() or "(photo alone)").split())
        yield title if len(title) <= TITLE_CHARACTERS else title[: TITLE_CHARACTERS - 1].rstrip() + "…"


def settings_table(contenders: Sequence[Contender]) -> Table | None:
    """The settings in which configs that have them differ, and all sizes of networks; None when there are none."""
    trained = [contender for contender in contenders if contender.settings]
    lines = [dict(flat(contender.settings)) for contender in trained]
    keys = dict.fromkeys(key for line in lines for key in line)
    differing = [key for key in keys if ".parameters." in key or len({line[key] for line in lines if key in line}) > 1]
    rows = [[key, *(line.get(key, "") for line in lines)] for key in differing]
    columns = ["setting", *(contender.run for contender in trained)]
    return Table(columns, rows, words=len(columns)) if rows else None


def missing_table(comparison: Comparison) -> Table | None:
    """The configs that could not be trained, and why."""
    rows = [[each.run, each.network, f"not trained: {each.reason}"] for each in comparison.not_trained]
    return Table(("config", "network", "why"), rows, words=3) if rows else None


def _cells(comparison: Comparison, figures: Mapping[str, Mapping[str, Json]]) -> Iterator[tuple[str, Entry, Json]]:
    """(cohort, entry, figures), by cohort."""
    for cohort in comparison.shown_cohorts:
        for entry in comparison.entries:
            if cohort in figures[entry.key]:
                yield cohort, entry, figures[entry.key][cohort]


def _filed(row: Json, n: int) -> tuple[str, str]:
    """The share that is filed and how much of it is right, with their intervals."""
    ends = share_estimate(row["accepted"], n)
    filed = f"{percent(row['coverage'])} ({100 * ends['low']:.1f}–{100 * ends['high']:.1f})"
    achieved = row["achieved"]
    if achieved is None:
        return filed, NONE
    mark = " ▼" if achieved["high"] < row["precision"] else ""
    right = f"{100 * achieved['low']:.1f}–{100 * achieved['high']:.1f}"
    return filed, f"{percent(achieved['value'])} ({right}){mark}"
