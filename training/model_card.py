"""`MODEL_CARD.md`: what a sceptical reader wants to know of a version before trusting it."""

from __future__ import annotations

import re
from pathlib import Path

from models.quality import quality_table
from models.taxonomy import Taxonomy
from training.templates import environment
from training.templates.precision import precision_table
from training.templates.tables import (
    Json,
    Table,
    alarms_table,
    borrowing,
    calibration_table,
    case_name,
    class_table,
    data_tables,
    decision_default,
    decision_table,
    default_decision,
    evaluated,
    fit_table,
    fusion_table,
    kinds_table,
    main_cohort,
    network_table,
    pairs_table,
    promises_table,
    strangers_table,
)


def write_model_card(path: Path, metrics: Json, taxonomy: Taxonomy, context: Json) -> None:
    """Write the card. `metrics` is what `metrics_document` returns; every key of `context` is optional:

    - `name`, `version`, `created`, `command`; `main_cohort`, the one shown in detail (else the first)
    - `config`: the run's; `libraries`: versions by name; `seconds` by stage; `limits`: sentences
    - `data`: `rows` and `photos` counted; rows by label source in `sources`, by text kind in `kinds`, by split and
      source in `splits`, by reason in `left_out`; what the names mean in `source_meanings`, `kind_meanings`; `notes`:
      sentences; `fingerprint`, `split_fingerprint`
    - `networks`: a list of `modality`, `name`, `weights` (their source), `licence`, `parameters`, `precision`
    - `calibration`: the contents of calibration.json or a `CalibrationSummary`'s fields, and `notes`
    - `parity`: what `models.parity.Parity.as_dict` returns
    - `precision`: what `training.precision.PrecisionDecision.as_dict` returns

    Sentences may hold `code` in backticks; nothing else in them is Markdown.

    Raises ValueError when nothing was evaluated, or nothing in `main_cohort`.
    """
    main, cases = main_cohort(metrics, context)
    case, figures = next(iter(cases.items()))
    fusion = metrics["cohorts"][main].get("fusion")
    text = (
        environment()
        .get_template("MODEL_CARD.md.j2")
        .render(
            context=context,
            main=main,
            main_case=case_name(case),
            evidence=_evidence(metrics),
            figures=figures,
            decision=default_decision(figures, context),
            decisions=decision_table(cases),
            classes=class_table(cases, taxonomy),
            pairs=pairs_table(figures, taxonomy),
            fusion=fusion,
            fused=fusion_table(fusion) if fusion else None,
            promised=decision_default(context, "default_precision"),
            coverage=decision_default(context, "coverage"),
            data=data_tables(context),
            networks=network_table(context),
            quality=quality_table(dict(metrics)),
            fitted=calibration_table(context),
            calibrated=_calibrated_on(context),
            fit=fit_table(metrics),
            precisions=precision_table(metrics),
            promises=promises_table(evaluated(metrics)),
            strangers=strangers_table(metrics),
            kinds=kinds_table(metrics),
            alarms=alarms_table(evaluated(metrics)),
            borrowing=borrowing(metrics),
            errors=Table(
                ("evidence", "n", "ECE", "by chance"),
                [
                    [case_name(name), f"{each['n']:,}", f"{each['ece']:.3f}", f"{each['ece_chance']:.3f}"]
                    for name, each in cases.items()
                ],
            ),
        )
    )
    path.write_text(re.sub(r"\n{3,}", "\n\n", text), encoding="utf-8", errors="replace")


def _calibrated_on(context: Json) -> str:
    """The listings of the calibration part by label source, in words; empty when the context does not tell."""
    splits = (context.get("data") or {}).get("splits") or {}
    parts = [f"{n:,} {source or 'of no named source'}" for source, n in (splits.get("calibration") or {}).items() if n]
    return ", ".join(parts)


def _evidence(metrics: Json) -> str:
    """What the version was evaluated to answer from."""
    cases = {case for cohort in metrics["cohorts"].values() for case in cohort["cases"]}
    text, photo = "its text (title and description)", "its photo"
    if "both" in cases:
        return f"{text}, {photo} or both"
    kinds = [words for words, shown in ((text, cases & {"text", "title"}), (photo, cases & {"image"})) if shown]
    return " or ".join(kinds)
