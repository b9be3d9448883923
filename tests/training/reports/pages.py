"""The pages on versions and comparisons, made of fixed inputs: no training, no clock, no measured time.

`word` stands in everything that comes from a catalogue, a config or a version, so that it can be hostile; `classes` is
the number of categories.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from models.decision.calibration import Calibration, EvidenceCalibration
from models.listing import Evidence, Modality
from models.taxonomy import Taxonomy
from models.versions.manifest import FORMAT_VERSION, Manifest, NetworkEntry
from tests.training.analysis.pages import audit, audited, bare_exploration, codes_of, explore, storable, taxonomy_of
from tests.training.evaluation.test_metrics import PRECISIONS, answers
from tests.training.synthetic_comparison import make_comparison
from training.calibration.refit import Refit
from training.catalogue.dataset import Catalogue
from training.commands.evaluate_report import Evaluation, write_evaluation
from training.comparison.candidates import Comparison, Contender
from training.comparison.cost import Cost, Way
from training.comparison.report import write_comparison
from training.evaluation.evaluable import EvaluableCatalogue
from training.evaluation.metrics import metrics_document
from training.evaluation.predict import class_indices
from training.evaluation.predictions import LearningCurve
from training.reports.mistakes import Mistakes, find_mistakes
from training.reports.model_card import write_model_card
from training.reports.report import write_report

SIGNALS = {Evidence.TITLE: 1.5, Evidence.TEXT: 2.0, Evidence.IMAGE: 1.0, Evidence.BOTH: 2.5}
CREATED = "2026-11-25T14:03:11+00:00"
HALF = {"value": 0.5, "low": 0.1, "high": 0.9}


def metrics_of(
    word: str = "",
    classes: int = 3,
    *,
    signals: Mapping[Evidence, float] = SIGNALS,
    cohorts: tuple[str, ...] = ("true labels", "votes"),
) -> dict[str, Any]:
    """Cohorts in which each evidence has its own signal; all but the first have one kind of evidence."""
    predictions = {
        evidence: answers(max(200, 10 * classes), 3, signal, evidence, classes) for evidence, signal in signals.items()
    }
    first, *others = cohorts
    last = dict(list(predictions.items())[-1:])
    named = {first + word: predictions, **{cohort + word: last for cohort in others}}
    curve = LearningCurve(f"gru{word}", (1.0, float("nan")), (1.5, 1.2), (0.25, 0.5), 12.0)
    return metrics_document(named, codes_of(classes), [curve], {})


def measured(word: str) -> dict[str, Any]:
    """Parts of the metrics that runs add."""
    stranger = {"n": 4, "noticed": HALF, "review": HALF, "confidence": 0.31}
    bf16 = {"listings": 500, "top1": 0.995, "top1_clear": 0.9991, "max_difference": 0.031}
    case = {"basis": f"510 true{word}, photos borrowed", "nll_before": 0.7, "nll_scaled": 0.6, "nll_after": 0.55}
    return {
        "unfamiliar": {"text": {**stranger, "kinds": {f"job{word}": {"n": 4, "noticed": 2}}}},
        "calibration": {
            "cases": {"both": case},
            "fusion": {"borrowing": {"listings": 1391, "own_accuracy": 0.829, "borrowed_accuracy": 0.83}},
        },
        "precision": {"bf16": {"both": {**bf16, "accuracy_f32": 0.8, "accuracy": 0.7995}}},
    }


def context_of(word: str = "", classes: int = 3) -> dict[str, Any]:
    """What a run says of itself."""
    fitted = {"temperature": 1.25, "listings": 900, "thresholds": [0.9, None], "set_floor": 0.05}
    precision = {"served": "bf16", "reason": f"It lost nothing{word}.", "int8": "not tried", "golden_difference": 0.01}
    return {
        "name": f"shop{word}",
        "version": f"2026.11.25-1f3a9c2{word}",
        "created": word or CREATED,
        "command": f"python -m training run shop.toml{word}",
        "config": {f"name{word}": f"shop{word}", "seed": 7, "split": {"group_near_duplicates": True}},
        "data": {
            "rows": 1310,
            "photos": 400,
            "sources": {f"true{word}": 1000, f"vote{word}": 310},
            "kinds": {f"original{word}": 1310},
            "splits": {
                f"train{word}": {f"true{word}": 800, f"vote{word}": 300},
                "calibration": {f"true{word}": 120},
                "test": {f"true{word}": 80},
            },
            "left_out": {f"undecodable image{word}": 10},
            "source_meanings": {f"vote{word}": f"what models think{word}"},
            "fingerprint": f"9f2c{word}",
            "split_fingerprint": f"77ab{word}",
            "notes": [f"Labels from `vote` are easier{word}."],
        },
        "networks": [
            {
                "modality": "text",
                "name": f"gru{word}",
                "weights": f"none{word}",
                "licence": f"MIT{word}",
                "parameters": 1234567,
                "precision": "f32",
            }
        ],
        "calibration": {
            "precisions": list(PRECISIONS),
            "default_precision": 0.9,
            "coverage": 0.95,
            "cases": {"text": {**fitted, "class_thresholds": {codes_of(classes)[0]: [0.8, 0.95]}}},
            "notes": [f"Votes count less{word}."],
        },
        "parity": {"listings": 1000, "top1": 0.998, "mean_difference": 0.0004, "max_difference": 0.02},
        "precision": {**precision, "asked": {"top1_clear": 0.995, "accuracy_lost": 0.002, "golden": 0.05}},
        "libraries": {f"keras{word}": f"3.0{word}"},
        "limits": [f"French listings dominate{word}.", f"- no list{word}"],
        "seconds": {f"text{word}": 412.3},
    }


def mistakes(catalogue: Catalogue, word: str, classes: int, *, may_show: bool) -> Mistakes:
    """What a version with one kind of evidence gets wrong of the catalogue."""
    taxonomy = taxonomy_of(classes, word)
    made = answers(len(catalogue), 3, 1.0, Evidence.TEXT, classes)
    predictions = {Evidence.TEXT: replace(made, labels=class_indices(catalogue.rows, taxonomy))}
    return find_mistakes(predictions, catalogue, taxonomy, may_show=may_show)


def report(folder: Path, word: str = "", classes: int = 3) -> dict[str, str]:
    metrics, context = metrics_of(word, classes) | measured(word), context_of(word, classes)
    context["mistakes"] = mistakes(audited(folder, word, classes).catalogue, word, classes, may_show=False)
    return _version_pages(folder, metrics, context, taxonomy_of(classes, word))


def bare_report(folder: Path, word: str = "", classes: int = 3) -> dict[str, str]:
    """A version of photos alone of which nothing was recorded."""
    metrics = metrics_of(word, classes, signals={Evidence.IMAGE: 1.0}, cohorts=("test",))
    return _version_pages(folder, {**metrics, "curves": []}, {}, Taxonomy.of_codes(codes_of(classes)))


def _version_pages(
    folder: Path, metrics: dict[str, Any], context: dict[str, Any], taxonomy: Taxonomy
) -> dict[str, str]:
    write_report(folder / "report.html", metrics, taxonomy, context)
    write_model_card(folder / "MODEL_CARD.md", metrics, taxonomy, context)
    return _read(folder, "report.html", "MODEL_CARD.md")


FUSIONS = ("text alone", "photo alone", "mean", "one weight per network")


def comparison_of(word: str = "", classes: int = 3) -> Comparison:
    """Two text networks, one for photos, both fused; half of the fused config's listings; fixed fusion methods."""
    listings, word = max(60, 6 * classes), storable(word)
    made = make_comparison(
        taxonomy_of(classes, word),
        {f"tfidf_svm{word}": 1.5, f"ngrams{word}": 2.2},
        {f"vgg16{word}": 1.0},
        (f"ngrams{word}", f"vgg16{word}"),
        listings=listings,
    )
    made.catalogue.rows["designation"] += word
    made.catalogue.rows["label_source"] += word
    figures = {"accuracy": HALF, "f1_weighted": HALF, "f1_macro": HALF, "nll": 0.7, "ece": 0.05}
    fusions = [
        {"name": name, "detail": f"{number} numbers{word}", "n": 50, **figures, "classes": 4, "classes_held": number}
        for number, name in enumerate(FUSIONS)
    ]
    *others, both = [_learned(contender, 1.0, word) for contender in made.contenders]
    both = replace(both, fusions=fusions)
    half = replace(_learned(both, 0.5, word), run=f"half{word}")
    votes = _learned(both, 1.0, word, weights={"true": 0.0})
    votes = replace(votes, run=f"votes{word}", learned=dict.fromkeys(Evidence, 200))
    reference = replace(others[0], settings={}, learned={}, sources={})
    return replace(
        made,
        command=f"python -m training compare{word}",
        catalogue=Catalogue(f"listings.csv{word}", made.catalogue.rows),
        cohorts={f"{name}{word}": rows for name, rows in made.cohorts.items()},
        contenders=[reference, *others[1:], both],
        not_trained=[replace(failed, reason=failed.reason + word) for failed in made.not_trained],
        variants=[half, votes],
    )


def _learned(contender: Contender, share: float, word: str, weights: Mapping[str, float] | None = None) -> Contender:
    settings = {
        "split": {"train_share": share},
        "catalogue": {"weights": dict(weights or {}), "kind_weights": {}},
        **{
            network.modality.value: {"network": network.name, "parameters": {f"dim{word}": 3}}
            for network in contender.networks
        },
    }
    slower = {evidence: Cost(50, 0.5 * cost.ms, cost.ms_p95, cost.cpu_ms) for evidence, cost in contender.costs.items()}
    return replace(
        contender,
        settings=settings,
        learned={evidence: int(1000 * share) for evidence in Evidence},
        sources={f"true{word}": int(800 * share), f"vote{word}": int(200 * share)},
        other_costs={Way("f32", 2): slower},
    )


def compare(folder: Path, word: str = "", classes: int = 3) -> dict[str, str]:
    write_comparison(folder, comparison_of(word, classes))
    pages = _read(folder, "compare.html", "compare.md")
    return {name: re.sub(r"made [\d-]+ [\d:]+ UTC", "made DATE", text) for name, text in pages.items()}


def evaluate(folder: Path, word: str = "", classes: int = 3) -> dict[str, str]:
    """A version's report on another catalogue, with thresholds fitted again for text and for both."""
    cases = {
        evidence: EvidenceCalibration(
            temperature=1.25, listings=900, thresholds=[0.9, None], class_thresholds={}, set_floor=0.05
        )
        for evidence in Evidence
    }
    calibration = Calibration(precisions=list(PRECISIONS), default_precision=0.9, coverage=0.95, cases=cases)
    calibration.write(folder)
    (folder / "metrics.json").write_text(json.dumps(metrics_of(word, classes)), encoding="utf-8")
    manifest = Manifest.model_construct(
        format_version=FORMAT_VERSION,
        version=f"2026.11.25-1f3a9c2{word}",
        name=f"shop{word}",
        created=datetime.fromisoformat(CREATED).astimezone(UTC),
        networks={Modality.TEXT: NetworkEntry(name="gru", parameters=1234567, precision="f32")},
    )
    predictor: Any = SimpleNamespace(manifest=manifest, taxonomy=taxonomy_of(classes, word), calibration=calibration)
    metrics = metrics_of(word, classes) | {"evaluation": {"fingerprint": f"9f2c{word}"}}
    main = f"true labels{word}"
    refits = {
        evidence: Refit(200, decisions, decisions)
        for evidence in (Evidence.TEXT, Evidence.BOTH)
        for decisions in [metrics["cohorts"][main]["cases"][evidence.value]["decisions"]]
    }
    catalogue = replace(audited(folder, word, classes).catalogue, left_out={f"no category{word}": 2})
    judged = EvaluableCatalogue(catalogue, 30, {f"new{word}": 3, f"other{word}": 1}, (f"A note{word}.",))
    command = f"python -m training evaluate{word}"
    out = folder / "out"
    out.mkdir()
    wrong = mistakes(catalogue, word, classes, may_show=True)
    write_evaluation(Evaluation(predictor, folder, judged, metrics, calibration, refits, command, main, wrong), out)
    return _read(out, "report.html", "report.md")


def _read(folder: Path, *names: str) -> dict[str, str]:
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


PAGES: dict[str, Callable[..., dict[str, str]]] = {
    "report": report,
    "bare-report": bare_report,
    "compare": compare,
    "explore": explore,
    "bare-explore": bare_exploration,
    "audit": audit,
    "evaluate": evaluate,
}
"""Makers of pages by name: (folder, word, classes) -> texts by file name."""
