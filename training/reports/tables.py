"""The tables of the pages, made of metrics and of a run's context.

The context is a plain mapping with the run's description; `training.reports.model_card` lists its keys, all optional.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.listing import Evidence, evidence_label
from models.taxonomy import Taxonomy
from training.evaluation.intervals import share_estimate
from training.reports.rendering import percent, percent_interval, promise

MOST_TELLING = (Evidence.BOTH, Evidence.TEXT, Evidence.TITLE, Evidence.IMAGE)
PAIRS = 15
FALLBACK_PRECISION = 0.95
"""Precision of the decisions on top of the page, when the context names no default precision."""
LANGUAGE = "en"
"""Language of the categories' labels: that of the pages."""
NONE = "–"
"""A cell without a value."""

Json = Mapping[str, Any]
Cell = str | Mapping[str, float]
"""Text, or an estimate: value, low and high."""


@dataclass(frozen=True)
class Table:
    """A table for people. Its first `words` columns hold words, the others figures.

    `groups` are headings over neighbouring columns, each with how many it spans; empty when there are none.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    words: int = 1
    groups: Sequence[tuple[str, int]] = ()

    @property
    def full_columns(self) -> list[str]:
        """The columns' names, each after its group's."""
        over = [group for group, span in self.groups for _ in range(span)] or [""] * len(self.columns)
        return [f"{group}: {column}" if group else column for group, column in zip(over, self.columns, strict=True)]


def evaluated(metrics: Json) -> dict[str, dict[str, Json]]:
    """Figures by cohort and evidence, the most telling evidence first; cohorts without listings are left out."""
    cohorts = {name: cohort["cases"] for name, cohort in metrics["cohorts"].items() if cohort["cases"]}
    return {
        name: {
            evidence: cases[evidence]
            for evidence in dict.fromkeys([*(evidence for evidence in MOST_TELLING if evidence in cases), *cases])
        }
        for name, cases in cohorts.items()
    }


def main_cohort(metrics: Json, context: Json) -> tuple[str, dict[str, Json]]:
    """The cohort shown in detail (the context's, else the first), and its figures by evidence.

    Raises ValueError when it has none.
    """
    cohorts = evaluated(metrics)
    name = str(context.get("main_cohort") or next(iter(cohorts), ""))
    if name not in cohorts:
        raise ValueError(f"no evaluated listings in cohort {name!r}" if name else "no evaluated listings")
    return name, cohorts[name]


def default_decision(figures: Json, context: Json) -> Json | None:
    """The row of `figures` that says what the version files by itself at its default precision."""
    wanted = decision_default(context, "default_precision") or FALLBACK_PRECISION
    return next((row for row in figures["decisions"] if row["precision"] >= wanted - 1e-9), None)


def decision_default(context: Json, key: str) -> float | None:
    """The version's `default_precision` or `coverage`, from its calibration, else its config; None without either."""
    config = (context.get("config") or {}).get("decision") or {}
    value = (context.get("calibration") or {}).get(key, config.get(key.removeprefix("default_")))
    return None if value is None else float(value)


def summary_table(cohorts: Mapping[str, Mapping[str, Json]]) -> Table:
    """One row for each cohort and evidence."""
    rows: list[list[Cell]] = [
        [
            *(name, evidence_label(evidence), f"{figures['n']:,}"),
            *(figures[key] for key in ("accuracy", "f1_weighted", "f1_macro")),
            *(f"{figures[key]:.3f}" for key in ("top3_accuracy", "log_loss", "ece", "ece_chance")),
        ]
        for name, cases in cohorts.items()
        for evidence, figures in cases.items()
    ]
    scores = ("accuracy", "F1 weighted", "F1 macro", "top 3", "log loss", "ECE", "ECE by chance")
    columns = ("listings", "evidence", "n", *scores)
    return Table(columns, rows, words=2)


def decision_table(cases: Mapping[str, Json]) -> Table:
    """One row for each precision on offer: the share filed with each evidence, and how much of it is right."""
    promised = [row["precision"] for row in next(iter(cases.values()))["decisions"]]
    rows = [
        [promise(precision), *(cell for figures in cases.values() for cell in decided(figures["decisions"][position]))]
        for position, precision in enumerate(promised)
    ]
    groups = [("", 1), *((evidence_label(evidence), 2) for evidence in cases)]
    return Table(["precision asked for", *("filed", "of these right") * len(cases)], rows, words=0, groups=groups)


def decided(row: Json, n: int = 0) -> tuple[str, str]:
    """The share filed, with its interval if `n` listings are given, and how much of it is right with its interval.

    ▼ marks a promise that was not kept: the whole interval is below the precision.
    """
    filed = percent(row["coverage"])
    if n:
        filed += f" ({percent_interval(share_estimate(row['accepted'], n))})"
    achieved = row["achieved"]
    if achieved is None:
        return filed, NONE
    mark = " ▼" if achieved["high"] < row["precision"] else ""
    return filed, f"{percent(achieved['value'])} ({percent_interval(achieved)}){mark}"


def fusion_table(fusion: Json) -> Table:
    """The gain of fusion on listings with text and photo: a cohort's `fusion` as a table."""
    rows = [
        [evidence_label(evidence), fusion["accuracy"][evidence], fusion["f1_weighted"][evidence]]
        for evidence in fusion["accuracy"]
    ]
    return Table(("evidence", "accuracy", "F1 weighted"), rows)


def confused_pairs(confusion: Sequence[Sequence[int]], limit: int = PAIRS) -> list[tuple[int, int, int]]:
    """The most frequent mistakes: (true class, predicted class, count), by falling count."""
    counts = np.array(confusion, dtype=np.int64)
    np.fill_diagonal(counts, 0)
    true, predicted = np.nonzero(counts)
    order = np.argsort(-counts[true, predicted], kind="stable")[:limit]
    return [(int(true[i]), int(predicted[i]), int(counts[true[i], predicted[i]])) for i in order]


def pairs_table(figures: Json, taxonomy: Taxonomy) -> Table:
    """The most frequent mistakes with the share of the true category's listings."""
    classes = figures["per_class"]
    rows = []
    for true, predicted, n in confused_pairs(figures["confusion"]):
        names = [category_name(classes[position]["code"], taxonomy) for position in (true, predicted)]
        rows.append([*names, str(n), percent(n / classes[true]["n"])])
    return Table(("true category", "predicted", "listings", "share of the true"), rows, words=2)


def class_table(cases: Mapping[str, Json], taxonomy: Taxonomy) -> Table:
    """One row for each category: precision, recall and F1 with the first evidence, F1 with the others."""
    main, *others = (figures["per_class"] for figures in cases.values())
    rows = []
    for position, row in enumerate(main):
        group = taxonomy.group(row["code"], LANGUAGE) if row["code"] in taxonomy else ""
        cells = [category_name(row["code"], taxonomy), group, str(row["n"])]
        cells += [_score(row[key]) for key in ("precision", "recall", "f1")]
        for figures in others:
            cells += [str(figures[position]["n"]), _score(figures[position]["f1"])]
        rows.append(cells)
    names = [evidence_label(evidence) for evidence in cases]
    groups = [("", 2), (names[0], 4), *((name, 2) for name in names[1:])]
    columns = ["category", "group", "n", "precision", "recall", "F1", *("n", "F1") * len(others)]
    return Table(columns, rows, words=2, groups=groups)


def _score(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def category_name(code: str, taxonomy: Taxonomy) -> str:
    """Code and label of a category; the code alone when the taxonomy has no other label for it."""
    label = category_label(code, taxonomy)
    return code if label == code else f"{code} {label}"


def category_label(code: str, taxonomy: Taxonomy) -> str:
    """The label of a category; its code where the taxonomy does not have it."""
    return taxonomy.label(code, LANGUAGE) if code in taxonomy else code


def data_tables(context: Json) -> dict[str, Table]:
    """The context's counts by title: labels by source and split, kinds of text, rows left out."""
    data = context.get("data") or {}
    meanings = data.get("source_meanings") or {}
    parts = {"in the catalogue": data.get("sources") or {}, **(data.get("splits") or {})}
    tables = {}
    if sources := dict.fromkeys(source for part in parts.values() for source in part):
        rows = [
            [source or "(none named)", meanings.get(source, ""), *(_count(part.get(source)) for part in parts.values())]
            for source in sources
        ]
        rows.append(["all", "", *(_count(sum(part.values()) if part else None) for part in parts.values())])
        tables["Labels"] = Table(["label source", "what it is", *parts], rows, words=2)
    if data.get("kinds"):
        meanings = data.get("kind_meanings") or {}
        rows = [[kind or "(none named)", meanings.get(kind, ""), f"{n:,}"] for kind, n in data["kinds"].items()]
        tables["Texts"] = Table(("kind of text", "what it is", "listings"), rows, words=2)
    if data.get("left_out"):
        rows = [[reason, f"{n:,}"] for reason, n in data["left_out"].items()]
        tables["Left out"] = Table(("reason", "listings"), rows)
    return tables


def _count(n: int | None) -> str:
    return NONE if n is None else f"{n:,}"


def network_table(context: Json) -> Table | None:
    """The networks with their weights' source and licence."""
    if not context.get("networks"):
        return None
    keys = ("modality", "name", "weights", "licence", "precision")
    rows = [
        [*(str(entry.get(key, NONE)) for key in keys), _count(entry.get("parameters"))] for entry in context["networks"]
    ]
    return Table(("modality", "network", "weights", "licence", "served in", "parameters"), rows, words=5)


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """A nested mapping as lines: dotted name, value as text. Entries of lists of mappings are numbered from 1."""
    if isinstance(value, list | tuple) and any(isinstance(entry, Mapping) for entry in value):
        value = {str(number): entry for number, entry in enumerate(value, 1)}
    if isinstance(value, Mapping):
        for key, entry in value.items():
            yield from flat(entry, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(str, value)) or NONE
    elif isinstance(value, bool):
        yield name, str(value).lower()
    else:
        yield name, NONE if value is None or value == "" else str(value)
