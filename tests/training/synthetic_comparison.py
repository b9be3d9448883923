"""A comparison of networks that were never trained: answers whose truth is known, in any number of categories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from models.decision.calibration import EvidenceCalibration
from models.listing import Evidence, Modality
from models.taxonomy import Taxonomy
from tests.training.synthetic_logits import posterior_logits
from training.calibration.temperature import calibrated
from training.catalogue.dataset import COLUMNS, Catalogue
from training.comparison.candidates import BASELINE, Comparison, Contender, NetworkFacts, NotTrained
from training.comparison.cost import Cost
from training.comparison.fusion_methods import compare_fusions
from training.evaluation.predictions import LabelledLogits, LearningCurve, Predictions

PRECISIONS = (0.9, 0.95, 0.99)

UNCALIBRATED = EvidenceCalibration(temperature=1, listings=0, thresholds=[], class_thresholds={}, set_floor=0)


def make_comparison(
    taxonomy: Taxonomy,
    text: dict[str, float],
    image: dict[str, float],
    fused: tuple[str, str],
    *,
    listings: int = 60,
    seed: int = 0,
) -> Comparison:
    """Networks by name with their signal (see `posterior_logits`), each in a config of its own, and one of both.

    Titles are "title 0", "title 1"..., of which every third row is voted; the first text network is the reference.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(taxonomy), listings)
    rows = np.arange(listings, dtype=np.int64) * 2
    table = pd.DataFrame(dict.fromkeys(COLUMNS, ""), index=rows)
    table["designation"] = [f"title {number}" for number in range(listings)]
    table["category"] = [taxonomy.codes[label] for label in labels]
    table["label_source"] = np.where(np.arange(listings) % 3, "true", "vote")

    def answers(evidence: Evidence, logits: np.ndarray) -> Predictions:
        return Predictions(
            evidence=evidence,
            rows=rows,
            labels=labels,
            probabilities=np.exp(calibrated(logits, 1.0)),
            precisions=PRECISIONS,
            thresholds=np.repeat([[0.6], [0.8], [np.nan]], listings, axis=1),
            disagreement=np.zeros(listings, bool),
            unfamiliar=np.zeros(listings, bool),
            covered=np.ones(listings, bool),
            set_sizes=np.ones(listings, np.int64),
        )

    known = {**text, **image}
    logits = {name: posterior_logits(rng, labels, len(taxonomy), signal) for name, signal in known.items()}
    contenders = []
    for number, name in enumerate(known):
        evidence = Evidence.TEXT if name in text else Evidence.IMAGE
        predictions = {evidence: answers(evidence, logits[name])}
        if evidence is Evidence.TEXT:
            predictions[Evidence.TITLE] = answers(Evidence.TITLE, 0.5 * logits[name])
        contenders.append(_contender(BASELINE if number == 0 else f"{name}-config", [name], predictions, number))
    both = [logits[name] for name in fused]
    predictions = {
        evidence: answers(evidence, values)
        for evidence, values in zip((Evidence.TEXT, Evidence.IMAGE), both, strict=True)
    }
    predictions[Evidence.BOTH] = answers(Evidence.BOTH, sum(both))
    described = np.ones(listings, bool)
    labelled = LabelledLogits(labels, table["label_source"].to_numpy(str), described, described, both[0], None, both[1])
    fusions = compare_fusions(labelled, dict.fromkeys(Evidence, UNCALIBRATED), seed=seed)
    contenders.append(replace(_contender("shipped", list(fused), predictions, 20), fusions=fusions, fusion="weighted"))
    return Comparison(
        part="validation",
        command="python -m training compare a.toml b.toml",
        catalogue=Catalogue("listings.csv", table),
        taxonomy=taxonomy,
        rows=rows.tolist(),
        held_in=3,
        cohorts={source: set(table.index[table["label_source"] == source]) for source in ("true", "vote")},
        contenders=contenders,
        not_trained=[NotTrained("resnet50", "resnet50", "the ImageNet weights of resnet50 could not be downloaded")],
    )


def _contender(run: str, names: list[str], answers: dict[Evidence, Predictions], number: int) -> Contender:
    modalities = [Modality.IMAGE] if list(answers) == [Evidence.IMAGE] else [Modality.TEXT, Modality.IMAGE]
    epochs = 4 + number % 5
    falling = tuple(float(2.5 * 0.7**epoch + 0.3 + number / 50) for epoch in range(epochs))
    return Contender(
        run=run,
        networks=[
            NetworkFacts(modality, name, f"key-{name}", 10**6 + number, "f32", 3.5 + number, 14.0)
            for modality, name in zip(modalities, names, strict=False)
        ],
        answers=answers,
        costs={evidence: Cost(50, 0.4 * 1.5**number, 0.6 * 1.5**number, 0.4 * 1.5**number) for evidence in answers},
        curves=[LearningCurve(name, falling, falling, tuple(1 - loss / 4 for loss in falling), 1.0) for name in names],
        seconds={"text": 10.0 + number, "image": 100.0},
        fusions=[],
        fusion="",
        settings={"text": {"network": names[0], "parameters": {"dim": number}}, "seed": 7},
    )
