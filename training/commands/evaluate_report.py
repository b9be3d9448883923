"""The report on a version and somebody's catalogue: a page, the same as Markdown, and the figures as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.decision.calibration import Calibration
from models.errors import VersionRefused
from models.listing import Evidence, evidence_label
from models.predictor import Predictor
from models.versions.metrics import FILE_NAME as METRICS
from models.versions.metrics import read_metrics
from training.calibration.refit import Refit
from training.evaluation.evaluable import EvaluableCatalogue
from training.reports.mistakes import Mistakes
from training.reports.rendering import environment, percent, promise
from training.reports.report import write_report
from training.reports.tables import (
    MOST_TELLING,
    Json,
    Table,
    class_table,
    decision_table,
    evaluated,
    fusion_table,
    main_cohort,
    pairs_table,
    summary_table,
)

PAGE, TEXT = "report.html", "report.md"
KEPT, BROKEN = "✓", "▼"
MOST_CODES = 30
"""Unknown categories that are named."""


@dataclass(frozen=True)
class Section:
    """A part of the page that only an evaluation has. `short` is its title in the navigation, `place` is "top" or
    "decisions" (after these); `folded` tables open on a click.
    """

    anchor: str
    short: str
    title: str
    place: str
    tables: Mapping[str, Table]
    words: Sequence[str] = ()
    points: Sequence[str] = ()
    footnote: str = ""
    folded: Mapping[str, Table] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The contents of a report. `calibration` is the re-fitted one, `refits` its changes, by evidence."""

    predictor: Predictor
    folder: Path
    evaluable: EvaluableCatalogue
    metrics: Json
    calibration: Calibration
    refits: Mapping[Evidence, Refit]
    command: str
    main_cohort: str
    mistakes: Mistakes


def write_evaluation(evaluation: Evaluation, out: Path) -> None:
    """Write `report.html`, `report.md` and `metrics.json` into the folder."""
    context = _context(evaluation)
    taxonomy = evaluation.predictor.taxonomy
    (out / METRICS).write_text(json.dumps(evaluation.metrics, indent=1) + "\n", encoding="utf-8")
    write_report(out / PAGE, evaluation.metrics, taxonomy, context)
    main, cases = main_cohort(evaluation.metrics, context)
    fusion = evaluation.metrics["cohorts"][main].get("fusion")
    text = (
        environment()
        .get_template("evaluation.md.j2")
        .render(
            context=context,
            main=main,
            quality=summary_table(evaluated(evaluation.metrics)),
            decisions={name: decision_table(cohort) for name, cohort in evaluated(evaluation.metrics).items()},
            sections=context["sections"],
            fusion=fusion,
            fused=fusion_table(fusion) if fusion else None,
            classes=class_table(cases, taxonomy),
            pairs=pairs_table(next(iter(cases.values())), taxonomy),
        )
    )
    (out / TEXT).write_text(re.sub(r"\n{3,}", "\n\n", text), encoding="utf-8", errors="replace")


def promise_table(metrics: Json) -> Table:
    """One row for each cohort and evidence: the precision achieved by the version's thresholds, by the one asked for.

    ▼ marks a promise that was not kept (all of the 95 % interval is below it), ✓ one that is shown to be kept (all of
    the interval is at or above it); a figure with neither is of too few listings to tell, a dash of none.
    """
    rows, precisions = [], []
    for name, cases in evaluated(metrics).items():
        for evidence, figures in cases.items():
            precisions = [promise(row["precision"]) for row in figures["decisions"]]
            achieved = [_achieved(row, interval=False) for row in figures["decisions"]]
            rows.append([name, evidence_label(evidence), f"{figures['n']:,}", *achieved])
    groups = [("", 3), ("achieved, when asked for", len(precisions))]
    return Table(["listings", "evidence", "n", *precisions], rows, words=2, groups=groups)


def broken_promises(metrics: Json) -> Iterator[str]:
    """A sentence for each cohort and evidence for which the version's thresholds do not keep what they promise."""
    for name, cases in evaluated(metrics).items():
        for evidence, figures in cases.items():
            broken = [row for row in figures["decisions"] if _achieved(row).endswith(BROKEN)]
            if broken:
                precisions = ", ".join(f"{promise(row['precision'])} ({_achieved(row)})" for row in broken)
                yield f"Not kept on {name!r}, {evidence_label(evidence)}: {precisions}."


def left_out_lines(evaluable: EvaluableCatalogue) -> Iterator[str]:
    """The listings that were not judged, and notes for people, one sentence each."""
    yield f"{len(evaluable.catalogue):,} of {evaluable.rows:,} listings judged."
    for reason, count in evaluable.catalogue.left_out.items():
        yield f"Left out, {reason}: {count:,}."
    if evaluable.unknown:
        named = [f"{code} ({count:,})" for code, count in list(evaluable.unknown.items())[:MOST_CODES]]
        more = ["..."] if len(evaluable.unknown) > MOST_CODES else []
        yield f"Categories that the version does not know: {', '.join([*named, *more])}."
    yield from evaluable.notes


def refit_document(evaluation_refits: Mapping[Evidence, Refit], calibration: Calibration) -> dict[str, Any]:
    """The re-fitted thresholds and what they change, for metrics.json."""
    return {
        evidence.value: {
            **asdict(change),
            "thresholds": calibration.cases[evidence].thresholds,
            "class_thresholds": calibration.cases[evidence].class_thresholds,
            "set_floor": calibration.cases[evidence].set_floor,
        }
        for evidence, change in evaluation_refits.items()
    }


def refit_table(change: Refit, now: Sequence[float | None], then: Sequence[float | None]) -> Table:
    """One row for each precision: threshold, share filed and how much of it is right, today and re-fitted."""
    rows = []
    for position, (before, after) in enumerate(zip(change.now, change.then, strict=True)):
        cells = [promise(before["precision"])]
        for threshold, row in ((now[position], before), (then[position], after)):
            cells += ["–" if threshold is None else f"{threshold:.3f}", percent(row["coverage"]), _achieved(row)]
        rows.append(cells)
    columns = ["precision asked for", *("threshold", "filed", "of these right") * 2]
    return Table(columns, rows, words=0, groups=[("", 1), ("the version's own", 3), ("re-fitted", 3)])


def _achieved(row: Json, *, interval: bool = True) -> str:
    """The precision achieved, with its interval and `BROKEN` alone, or without and with either mark."""
    achieved = row["achieved"]
    if achieved is None:
        return "–"
    text = percent(achieved["value"])
    if interval:
        text += f" ({100 * achieved['low']:.1f}–{100 * achieved['high']:.1f})"
    kept = not interval and achieved["low"] >= row["precision"]
    return f"{text} {BROKEN}" if achieved["high"] < row["precision"] else f"{text} {KEPT}" if kept else text


def _context(evaluation: Evaluation) -> dict[str, Any]:
    """What the page tells beside the metrics; the keys are those of `training.reports.model_card.write_model_card`."""
    manifest, evaluable = evaluation.predictor.manifest, evaluation.evaluable
    own = json.loads((evaluation.folder / "calibration.json").read_bytes())
    context: dict[str, Any] = {
        "title": f"Version {manifest.version} on {evaluable.catalogue.name}",
        "version": manifest.version,
        "name": manifest.name,
        "created": f"{manifest.created:%Y-%m-%d %H:%M} UTC",
        "command": evaluation.command,
        "main_cohort": evaluation.main_cohort,
        "mistakes": evaluation.mistakes,
        "calibration": own,
        "networks": [
            {"modality": str(modality), **entry.model_dump()} for modality, entry in manifest.networks.items()
        ],
        "data": {
            "rows": len(evaluable.catalogue),
            "photos": int((evaluable.catalogue.rows["image"] != "").sum()),
            "fingerprint": evaluation.metrics["evaluation"]["fingerprint"],
        },
    }
    context["sections"] = [_catalogue_section(evaluation), _refit_section(evaluation)]
    return context


def _catalogue_section(evaluation: Evaluation) -> Section:
    evaluable = evaluation.evaluable
    tables = {"Does the version keep its promises here?": promise_table(evaluation.metrics)}
    if evaluable.catalogue.left_out:
        rows = [[reason, f"{count:,}"] for reason, count in evaluable.catalogue.left_out.items()]
        tables["Left out"] = Table(("reason", "listings"), rows)
    if evaluable.unknown:
        counts = list(evaluable.unknown.items())
        rows = [[code, f"{count:,}"] for code, count in counts[:MOST_CODES]]
        if rest := counts[MOST_CODES:]:
            rows.append([f"{len(rest)} more", f"{sum(count for _, count in rest):,}"])
        tables["Categories that the version does not know"] = Table(("category", "listings"), rows)
    folded = {}
    with suppress(VersionRefused, KeyError, TypeError, AttributeError):
        published = summary_table(evaluated(read_metrics(evaluation.folder)))
        folded["For comparison: the figures that the version was published with, on its own test listings"] = published
    return Section(
        "catalogue",
        "Catalogue",
        "The catalogue, and what the version promises there",
        "top",
        tables,
        words=[
            f"{len(evaluable.catalogue):,} of the {evaluable.rows:,} listings were judged. A listing of a category "
            "that the version does not know would always be filed wrong; such are in none of the figures.",
            f"{KEPT} marks a promise that is shown to be kept: all of the 95 % interval is at or above the precision "
            f"asked for. {BROKEN} marks one that is not: all of it is below. Neither: too few listings to tell. A "
            "dash: nothing is filed at that precision.",
        ],
        points=evaluable.notes,
        folded=folded,
    )


def _refit_section(evaluation: Evaluation) -> Section:
    own, new = evaluation.predictor.calibration.cases, evaluation.calibration.cases
    tables = {}
    for evidence in MOST_TELLING:
        if evidence in evaluation.refits:
            change = evaluation.refits[evidence]
            title = f"{evidence.label}, {change.listings:,} listings"
            tables[title] = refit_table(change, own[evidence].thresholds, new[evidence].thresholds)
    first, *others = tables
    return Section(
        "refit",
        "Re-fitted thresholds",
        "Thresholds for this catalogue",
        "decisions",
        {first: tables[first]},
        folded={title: tables[title] for title in others},
        words=[
            "The same confidences, with the thresholds that these listings vouch for: all of them, whatever the source "
            "of their label. What re-fitted thresholds file was measured by five-fold cross-fitting: each listing is "
            "judged by thresholds that were fitted without it.",
        ],
        footnote=(
            "Thresholds are those of the categories without one of their own. A dash: these listings are too few, or "
            "too often wrong, to promise the precision. Labels that are wrong themselves make every figure here worse. "
            "With `--refit` the thresholds are in `calibration.json`; the version itself never changes."
        ),
    )
