"""Every kind of page that training writes, made of fixed inputs: no training, no clock, no measured time.

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

import numpy as np
import pandas as pd
from PIL import Image

from models.decision.calibration import Calibration, EvidenceCalibration
from models.listing import Evidence, Modality
from models.taxonomy import LANGUAGES, Category, Taxonomy
from models.versions.manifest import FORMAT_VERSION, Manifest, NetworkEntry
from tests.training.evaluation.test_metrics import PRECISIONS, answers
from tests.training.synthetic_comparison import make_comparison
from training.analysis.audit_report import render_audit
from training.analysis.explore import Exploration
from training.analysis.explore_duplicates import DuplicatePair
from training.analysis.explore_page import render_exploration
from training.analysis.explore_photos import PhotoTraits
from training.analysis.explore_text import Term
from training.analysis.label_audit import Audit
from training.analysis.out_of_fold import OutOfFold
from training.calibration.refit import Refit
from training.catalogue.check import check_catalogue
from training.catalogue.dataset import COLUMNS, Catalogue
from training.commands.evaluate_report import Evaluation, write_evaluation
from training.comparison.candidates import Comparison, Contender
from training.comparison.cost import Cost, Way
from training.comparison.report import write_comparison
from training.evaluation.evaluable import EvaluableCatalogue
from training.evaluation.metrics import metrics_document
from training.evaluation.predictions import LearningCurve
from training.reports.model_card import write_model_card
from training.reports.report import write_report

SIGNALS = {Evidence.TITLE: 1.5, Evidence.TEXT: 2.0, Evidence.IMAGE: 1.0, Evidence.BOTH: 2.5}
CREATED = "2026-11-25T14:03:11+00:00"
HALF = {"value": 0.5, "low": 0.1, "high": 0.9}


def codes_of(classes: int) -> list[str]:
    return [f"{10 * (number + 1)}" for number in range(classes)]


def taxonomy_of(classes: int, word: str = "") -> Taxonomy:
    """Categories 10, 20, 30... in one group."""
    labels = [dict.fromkeys(LANGUAGES, f"name {code}{word}") for code in codes_of(classes)]
    group = dict.fromkeys(LANGUAGES, f"group{word}")
    return Taxonomy(tuple(Category(code, label, group) for code, label in zip(codes_of(classes), labels, strict=True)))


def metrics_of(
    word: str = "",
    classes: int = 5,
    *,
    signals: Mapping[Evidence, float] = SIGNALS,
    cohorts: tuple[str, ...] = ("true labels", "votes"),
) -> dict[str, Any]:
    """Cohorts in which each evidence has its own signal; what calibration, precision and strangers say of them."""
    named = {
        cohort + word: {
            evidence: answers(max(200, 10 * classes), 3, signal, evidence, classes)
            for evidence, signal in signals.items()
        }
        for cohort in cohorts
    }
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


def context_of(word: str = "", classes: int = 5) -> dict[str, Any]:
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


def report(folder: Path, word: str = "", classes: int = 5) -> dict[str, str]:
    metrics, context = metrics_of(word, classes) | measured(word), context_of(word, classes)
    return _version_pages(folder, metrics, context, taxonomy_of(classes, word))


def bare_report(folder: Path, word: str = "", classes: int = 5) -> dict[str, str]:
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


def comparison_of(word: str = "", classes: int = 4) -> Comparison:
    """Two text networks, one for photos, both fused; half of the fused config's listings; fixed fusion methods."""
    listings, word = max(60, 6 * classes), _storable(word)
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


def compare(folder: Path, word: str = "", classes: int = 4) -> dict[str, str]:
    write_comparison(folder, comparison_of(word, classes))
    pages = _read(folder, "compare.html", "compare.md")
    return {name: re.sub(r"made [\d-]+ [\d:]+ UTC", "made DATE", text) for name, text in pages.items()}


def audited(folder: Path, word: str = "", classes: int = 4) -> Audit:
    """Five listings a category, of which the first of the first three look filed wrong."""
    codes, rows, word = codes_of(classes), 5 * classes, _storable(word)
    Image.new("RGB", (64, 48), "navy").save(folder / "photo.png")
    table = pd.DataFrame(dict.fromkeys(COLUMNS, ""), index=range(rows))
    table["row"] = table.index
    table["listing_id"] = [f"id{number}{word}" for number in table.index]
    table["designation"] = [f"title {number}{word}" for number in table.index]
    table["description"] = [f"<p>words {number}</p>{word}" if number % 2 else "" for number in table.index]
    table["category"] = np.repeat(codes, 5)
    table["label_source"] = np.where(table.index % 3, f"true{word}", f"vote{word}")
    table["text_kind"] = f"original{word}"
    table["image"] = [str(folder / "photo.png") if number % 5 < 3 else "" for number in table.index]
    wrong = pd.Index([0, 5, 10])
    issues = pd.DataFrame(
        {
            "category": codes[:3],
            "suggested": [codes[1], codes[2], codes[1]],
            "category_score": [0.01, 0.1, 0.2],
            "suggested_score": [0.95, 0.8, 0.6],
            "near_duplicates_in": [f"{codes[1]}; {codes[2]}", "", ""],
            "photo_category": [codes[1], codes[1], ""],
            "photo_category_score": [0.9, 0.7, np.nan],
            "photo_score_of_category": [0.05, np.nan, np.nan],
            "photo_score_of_suggested": [0.9, 0.2, np.nan],
        },
        index=wrong,
    )
    labels = np.repeat(np.arange(classes, dtype=np.int64), 5)
    probabilities = np.eye(classes, dtype=np.float32)[np.where(np.isin(table.index, wrong), 0, labels)]
    judged = OutOfFold(
        table.index.to_numpy(), tuple(codes), labels, probabilities, table.index.to_numpy(), {f"no text{word}": 2}, 5
    )
    return Audit(
        Catalogue(f"listings.csv{word}", table), taxonomy_of(classes, word), issues, judged, f"2026.11.25-1f3a9c2{word}"
    )


def audit(folder: Path, word: str = "", classes: int = 4) -> dict[str, str]:
    return {"audit.html": render_audit(audited(folder, word, classes), {"command": f"python -m training audit{word}"})}


def explored(folder: Path, word: str = "", classes: int = 4) -> Exploration:
    audit, word = audited(folder, word, classes), _storable(word)
    catalogue = replace(audit.catalogue, left_out={f"no label{word}": 3})
    rows, taxonomy = catalogue.rows, audit.taxonomy
    rows.loc[[2, 6], "designation"] = f"the same title{word}"
    rows.loc[[3, 4], ["designation", "description"]] = f"twice{word}"
    groups = rows.groupby("designation").ngroup().to_numpy(np.int64)
    with_photo = rows.index[rows["image"].ne("")]
    photos = pd.DataFrame(
        [PhotoTraits("PNG", 64, 48, 900, 0.1 * (number % 5), number % 2 == 0) for number in with_photo], with_photo
    )
    lengths = pd.DataFrame(
        {"title": rows["designation"].str.len(), "description": rows["description"].str.len()}, rows.index
    )
    return Exploration(
        catalogue=catalogue,
        taxonomy=taxonomy,
        check=check_catalogue(catalogue, taxonomy, groups=groups),
        lengths=lengths if not word else lengths.clip(upper=50),
        languages=pd.Series([("fr", "en", "uncertain")[number % 3] for number in rows.index], rows.index),
        terms={code: [Term(f"pool{word}", 5.0, 0.8, 0.01), Term(f"pump{word}", 3.0, 0.4, 0.02)] for code in ("10",)},
        photos=photos,
        pairs=[DuplicatePair(2, 6, "same title", 2), DuplicatePair(3, 4, "same title", 3)],
        conflicts=[("10", "20", 1)],
        sampled={"languages": (15, 20)},
        audit=audit,
        no_audit="",
        seed=5,
        context={"command": f"python -m training explore{word}", "notes": [f"a note{word}"]},
    )


def explore(folder: Path, word: str = "", classes: int = 4) -> dict[str, str]:
    return {"explore.html": render_exploration(explored(folder, word, classes))}


def bare_exploration(folder: Path, word: str = "", classes: int = 4) -> dict[str, str]:
    """A catalogue of titles alone, whose labels could not be judged."""
    full = explored(folder, word, classes)
    rows = full.catalogue.rows.assign(description="", image="", label_source="", text_kind="")
    catalogue = Catalogue(full.catalogue.name, rows)
    bare = replace(
        full,
        catalogue=catalogue,
        check=check_catalogue(catalogue, full.taxonomy, groups=np.arange(len(rows))),
        lengths=full.lengths.assign(description=0),
        languages=full.languages[:0],
        terms={},
        photos=full.photos[:0],
        pairs=[],
        conflicts=[],
        sampled={},
        audit=None,
        no_audit=f"too few listings{word}",
        context={},
    )
    return {"explore.html": render_exploration(bare)}


def evaluate(folder: Path, word: str = "", classes: int = 5) -> dict[str, str]:
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
    write_evaluation(Evaluation(predictor, folder, judged, metrics, calibration, refits, command, main), out)
    return _read(out, "report.html", "report.md")


def _storable(word: str) -> str:
    """`word` without the lone surrogates that no table can hold."""
    return word.encode("utf-8", "replace").decode()


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
