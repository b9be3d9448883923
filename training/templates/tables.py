"""The tables that the pages show, made of metrics and of what a run says about itself.

The run's words come as a plain mapping, the context, all of whose keys are optional; `training.model_card` tells them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.taxonomy import Taxonomy
from training.estimates import share_estimate
from training.templates import percent, promise

CASE_NAMES = {"both": "fused", "text": "text", "title": "title alone", "image": "photo"}
"""The cases, most telling first, and what people call them."""
PAIRS = 15
FALLBACK_PRECISION = 0.95
"""Of the decisions on top of the page, when the context names no default precision."""
PROMISES = (0.95, 0.99)
"""Precisions whose promises are shown for every cohort."""
LANGUAGE = "en"
"""Of the categories' names: the language that the pages are written in."""

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

Json = Mapping[str, Any]
Cell = str | Mapping[str, float]
"""Words or a figure as text, or an estimate: value, low and high."""


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
    """Figures by cohort and case, most telling case first; without cohorts that no listing was evaluated of."""
    cohorts = {name: cohort["cases"] for name, cohort in metrics["cohorts"].items() if cohort["cases"]}
    return {
        name: {case: cases[case] for case in dict.fromkeys([*(case for case in CASE_NAMES if case in cases), *cases])}
        for name, cases in cohorts.items()
    }


def main_cohort(metrics: Json, context: Json) -> tuple[str, dict[str, Json]]:
    """The cohort shown in detail and its cases' figures: the context's, else the first. Raises ValueError if empty."""
    cohorts = evaluated(metrics)
    name = str(context.get("main_cohort") or next(iter(cohorts), ""))
    if name not in cohorts:
        raise ValueError(f"no evaluated listings in cohort {name!r}" if name else "no evaluated listings")
    return name, cohorts[name]


def case_name(case: str) -> str:
    """What people call a case."""
    return CASE_NAMES.get(case, case)


def default_decision(figures: Json, context: Json) -> Json | None:
    """What the version files by itself at its default precision, of a case's figures."""
    wanted = decision_default(context, "default_precision") or FALLBACK_PRECISION
    return next((row for row in figures["decisions"] if row["precision"] >= wanted - 1e-9), None)


def decision_default(context: Json, key: str) -> float | None:
    """The version's `default_precision` or `coverage`, by its calibration or else its config; None if neither tells."""
    config = (context.get("config") or {}).get("decision") or {}
    found = (context.get("calibration") or {}).get(key, config.get(key.removeprefix("default_")))
    return None if found is None else float(found)


def summary_table(cohorts: Mapping[str, Mapping[str, Json]]) -> Table:
    """One row for each cohort and case."""
    rows: list[list[Cell]] = [
        [
            *(name, case_name(case), f"{figures['n']:,}"),
            *(figures[key] for key in ("accuracy", "f1_weighted", "f1_macro")),
            *(f"{figures[key]:.3f}" for key in ("top3_accuracy", "log_loss", "ece", "ece_chance")),
        ]
        for name, cases in cohorts.items()
        for case, figures in cases.items()
    ]
    scores = ("accuracy", "F1 weighted", "F1 macro", "top 3", "log loss", "ECE", "ECE by chance")
    columns = ("listings", "evidence", "n", *scores)
    return Table(columns, rows, words=2)


def decision_table(cases: Mapping[str, Json]) -> Table:
    """One row for each precision that may be asked for: the share filed in each case, and how much of it is right."""
    promised = [row["precision"] for row in next(iter(cases.values()))["decisions"]]
    rows = [
        [promise(precision), *(cell for figures in cases.values() for cell in _decided(figures["decisions"][position]))]
        for position, precision in enumerate(promised)
    ]
    groups = [("", 1), *((case_name(case), 2) for case in cases)]
    return Table(["precision asked for", *("filed", "of these right") * len(cases)], rows, words=0, groups=groups)


def _decided(row: Json) -> tuple[str, str]:
    achieved = row["achieved"]
    if achieved is None:
        return percent(row["coverage"]), "–"
    mark = " ▼" if achieved["high"] < row["precision"] else ""
    ends = f"{100 * achieved['low']:.1f}–{100 * achieved['high']:.1f}"
    return percent(row["coverage"]), f"{percent(achieved['value'])} ({ends}){mark}"


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
    for case, fitted in cases.items():
        rows.append([case_name(case), *(form.format(fitted[key]) if key in fitted else "–" for key, _, form in shown)])
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
        [case_name(case), told.get("basis", ""), *(f"{told[key]:.3f}" if key in told else "–" for key in columns)]
        for case, told in cases.items()
    ]
    names = ("as they came", "temperature", "all")
    groups = [("", 2), ("log loss", 3), ("ECE, cross-fitted", 3)]
    return Table(("evidence", "calibrated on", *names, *names), rows, words=2, groups=groups) if rows else None


def promises_table(cohorts: Mapping[str, Mapping[str, Json]], precisions: Sequence[float] = PROMISES) -> Table:
    """For every cohort and case: what is filed at some precisions and how much of it is right; prediction sets."""
    judged = [(name, case, figures) for name, cases in cohorts.items() for case, figures in cases.items()]
    offered = {row["precision"] for _, _, figures in judged for row in figures["decisions"]}
    asked = [precision for precision in precisions if precision in offered]
    rows: list[list[Cell]] = []
    for name, case, figures in judged:
        decisions = {row["precision"]: row for row in figures["decisions"]}
        sets = figures["prediction_sets"]
        decided = [cell for precision in asked for cell in _promised(decisions[precision], figures["n"])]
        held = sets.get("interval", percent(sets["coverage"]))
        rows.append([name, case_name(case), f"{figures['n']:,}", *decided, held, f"{sets['mean_size']:.1f}"])
    groups = [("", 3), *((f"asked for {promise(precision)}", 2) for precision in asked), ("prediction sets", 2)]
    filed = ("filed", "of these right") * len(asked)
    return Table(("listings", "evidence", "n", *filed, "hold the right one", "mean size"), rows, 2, groups)


def borrowing(metrics: Json) -> Json | None:
    """What borrowing photos did to fusion, if any were borrowed: a `BorrowingCheck` in the metrics."""
    fusion = (metrics.get("calibration") or {}).get("fusion") or {}
    found: Json | None = fusion.get("borrowing")
    return found


def strangers_table(metrics: Json) -> Table | None:
    """How listings from outside the catalogue fared."""
    rows: list[list[Cell]] = [
        [case_name(case), f"{told['n']:,}", told["noticed"], told["review"], f"{told['confidence']:.2f}"]
        for case, told in (metrics.get("unfamiliar") or {}).items()
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
    return Table(("kind", *(case_name(case) for case in cases)), rows) if rows else None


def alarms_table(cohorts: Mapping[str, Mapping[str, Json]]) -> Table | None:
    """How many of the catalogue's own listings are called unfamiliar: false alarms."""
    rows: list[list[Cell]] = [
        [name, case_name(case), f"{figures['n']:,}", figures["unfamiliar"]]
        for name, cases in cohorts.items()
        for case, figures in cases.items()
        if "unfamiliar" in figures
    ]
    return Table(("listings", "evidence", "n", "called unfamiliar"), rows, words=2) if rows else None


def fusion_table(fusion: Json) -> Table:
    """What fusion gains on listings with text and photo, of a cohort's `fusion`."""
    rows = [[case_name(case), fusion["accuracy"][case], fusion["f1_weighted"][case]] for case in fusion["accuracy"]]
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
    """One row for each category: precision, recall and F1 in the first case, F1 in the others."""
    main, *others = (figures["per_class"] for figures in cases.values())
    rows = []
    for position, row in enumerate(main):
        group = taxonomy.group(row["code"], LANGUAGE) if row["code"] in taxonomy else ""
        cells = [category_name(row["code"], taxonomy), group, str(row["n"])]
        cells += [_score(row[key]) for key in ("precision", "recall", "f1")]
        for figures in others:
            cells += [str(figures[position]["n"]), _score(figures[position]["f1"])]
        rows.append(cells)
    names = [case_name(case) for case in cases]
    groups = [("", 2), (names[0], 4), *((name, 2) for name in names[1:])]
    columns = ["category", "group", "n", "precision", "recall", "F1", *("n", "F1") * len(others)]
    return Table(columns, rows, words=2, groups=groups)


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def category_name(code: str, taxonomy: Taxonomy) -> str:
    """Code and name; the code alone when the taxonomy has no other name for it."""
    label = taxonomy.label(code, LANGUAGE) if code in taxonomy else code
    return code if label == code else f"{code} {label}"


def data_tables(context: Json) -> dict[str, Table]:
    """Where labels come from and how they are split, kinds of text, what was left out: what the context tells of it."""
    data = context.get("data") or {}
    splits, meanings = data.get("splits") or {}, data.get("source_meanings") or {}
    sources = dict.fromkeys([*(data.get("sources") or {}), *(source for part in splits.values() for source in part)])
    tables = {}
    if sources:
        rows = [
            [source or "(none named)", meanings.get(source, ""), _count(data.get("sources"), source)]
            + [_count(part, source) for part in splits.values()]
            for source in sources
        ]
        totals = [data.get("sources") or {}, *splits.values()]
        rows.append(["all", "", *(f"{sum(part.values()):,}" if part else "–" for part in totals)])
        tables["Labels"] = Table(["label source", "what it is", "in the catalogue", *splits], rows, words=2)
    if data.get("kinds"):
        meanings = data.get("kind_meanings") or {}
        rows = [[kind or "(none named)", meanings.get(kind, ""), f"{n:,}"] for kind, n in data["kinds"].items()]
        tables["Texts"] = Table(("kind of text", "what it is", "listings"), rows, words=2)
    if data.get("left_out"):
        rows = [[reason, f"{n:,}"] for reason, n in data["left_out"].items()]
        tables["Left out"] = Table(("reason", "listings"), rows)
    return tables


def _count(counts: Mapping[str, int] | None, key: str) -> str:
    return f"{counts[key]:,}" if counts and key in counts else "–"


def network_table(context: Json) -> Table | None:
    """The networks with their weights' source and licence."""
    if not context.get("networks"):
        return None
    rows = [
        [str(entry.get(key, "–")) for key in ("modality", "name", "weights", "licence", "precision")]
        + [f"{entry['parameters']:,}" if "parameters" in entry else "–"]
        for entry in context["networks"]
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
        yield name, ", ".join(map(str, value)) or "–"
    elif isinstance(value, bool):
        yield name, str(value).lower()
    else:
        yield name, "–" if value is None or value == "" else str(value)
