"""The precision that a version's compiled networks may compute in, decided at publish on whole predictions.

bfloat16 takes half the time of float32 where a processor computes it natively, and keeps 8 bits of each number. A
version asks for it when the answers stay the same: not in a sum over all categories, but in the category that wins, in
its accuracy, and in those of its networks alone, since a listing without photo is answered by one of them. Elsewhere
such a version computes in float32 all the same: the processor decides when it is loaded (`models.networks.runtime`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import numpy as np

from models.arrays import Floats
from models.comparison.parity import MIN_AGREEMENT, Parity, compare
from models.decision.prediction import Scores
from models.predictor import Predictor
from models.preprocessing.prepare import Prepared
from models.versions.golden import TOLERANCE, GoldenListing
from models.versions.manifest import Manifest
from training.catalogue.dataset import Catalogue
from training.evaluation.predict import class_indices, readable, try_prepare

LISTINGS = 2000
MOST_LOST = 0.003
"""Accuracy that a faster precision may cost."""
INT8_AGREEMENT = 0.99
GOLDEN_SHARE = 0.5
"""Of the tolerance that golden listings may use up here: other processors add up in another order."""
BLOCK = 32
AS_GIVEN = "as given"
"""The name of each listing's fused answer, beside those of each network alone."""
INT8 = (
    f"Not offered. It would have to keep {INT8_AGREEMENT:.0%} of the best categories of float32; int8 changes more "
    "than that, and quantising needs a library that is no dependency."
)
"""Why no version asks for int8; the figures are in docs/decisions/0010."""

Served = Literal["f32", "bf16"]


@dataclass(frozen=True)
class Agreement:
    """Answers in a faster precision against those in float32: how alike, and the accuracy of each."""

    parity: Parity
    accuracy_f32: float
    accuracy: float

    @property
    def holds(self) -> bool:
        """Whether the faster precision may stand for float32."""
        return self.parity.top1_clear >= MIN_AGREEMENT and self.accuracy_f32 - self.accuracy <= MOST_LOST + 1e-9

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, for `metrics.json`."""
        rounded = {"accuracy_f32": round(self.accuracy_f32, 6), "accuracy": round(self.accuracy, 6)}
        return self.parity.as_dict() | rounded


@dataclass(frozen=True)
class PrecisionDecision:
    """The precision that a version asks for, and why.

    `agreements` are those of bfloat16 by evidence, none where it was not measured; `golden_difference` is the largest
    of any probability of a golden listing.
    """

    served: Served
    reason: str
    agreements: Mapping[str, Agreement] = field(default_factory=dict)
    golden_difference: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON types, for `metrics.json`."""
        return {
            "served": self.served,
            "reason": self.reason,
            "bf16": {name: agreement.as_dict() for name, agreement in self.agreements.items()},
            "asked": {"top1_clear": MIN_AGREEMENT, "accuracy_lost": MOST_LOST, "golden": _golden_limit()},
            "golden_difference": self.golden_difference,
            "int8": INT8,
        }


def decide_precision(
    exact: Predictor,
    faster: Predictor | None,
    catalogue: Catalogue,
    rows: Iterable[int],
    golden: Sequence[GoldenListing],
) -> PrecisionDecision:
    """Compare a version's compiled networks in bfloat16 with the same in float32, on up to `LISTINGS` of the rows.

    `rows` are labels of `catalogue.rows` that the networks were not fitted on, and not those of the test part, since
    something is chosen by them. Without `faster`, which a processor that only emulates bfloat16 does not get, nothing
    is measured and float32 stays.
    """
    if faster is None:
        return PrecisionDecision("f32", "Not measured: the processor that published it has no native bfloat16.")
    agreements = _agreements(exact, faster, catalogue, rows)
    prepared = [exact.prepare(entry.listing) for entry in golden]
    answers = zip(golden, faster.score(prepared), strict=True)
    difference = max(float(np.abs(scores.fused - entry.probabilities).max()) for entry, scores in answers)
    return judge(agreements, difference)


def judge(agreements: Mapping[str, Agreement], golden_difference: float) -> PrecisionDecision:
    """bfloat16 when every evidence agrees and the golden listings stay well inside their tolerance, else float32."""
    measured = agreements, round(golden_difference, 6)
    for evidence, agreement in agreements.items():
        if not agreement.holds:
            lost = 100 * (agreement.accuracy_f32 - agreement.accuracy)
            same = f"{agreement.parity.top1_clear:.2%} of clear answers are the same"
            return PrecisionDecision("f32", f"Refused: {evidence}, {same}, and it costs {lost:.2f} points.", *measured)
    if not golden_difference <= _golden_limit():
        why = f"Refused: a golden listing moves by {golden_difference:.3f}, more than {_golden_limit()}."
        return PrecisionDecision("f32", why, *measured)
    if not agreements:
        return PrecisionDecision("f32", "Not measured: there is no listing to measure on.", *measured)
    return PrecisionDecision("bf16", "Measured: answers stay the same.", *measured)


def with_precision(manifest: Manifest, served: Served) -> Manifest:
    """The manifest, with networks that ask for a precision."""
    entries = {key: entry.model_copy(update={"precision": served}) for key, entry in manifest.networks.items()}
    return manifest.model_copy(update={"networks": entries})


def _golden_limit() -> float:
    return GOLDEN_SHARE * TOLERANCE["bf16"]


def _agreements(exact: Predictor, faster: Predictor, catalogue: Catalogue, rows: Iterable[int]) -> dict[str, Agreement]:
    answers: dict[str, list[tuple[int, Floats, Floats]]] = {}
    for labels, prepared in _blocks(exact, catalogue, rows):
        pairs = zip(exact.score(prepared), faster.score(prepared), strict=True)
        for label, (reference, other) in zip(labels, pairs, strict=True):
            for evidence, values in _evidence(reference).items():
                answers.setdefault(evidence, []).append((label, values, _evidence(other)[evidence]))
    return {evidence: _agreement(rows) for evidence, rows in answers.items()}


def _blocks(
    predictor: Predictor, catalogue: Catalogue, rows: Iterable[int]
) -> Iterable[tuple[list[int], list[Prepared]]]:
    """Class indices and prepared listings, a few at a time, since each holds its photo."""
    table = catalogue.rows.loc[list(rows)]
    labels = class_indices(table, predictor.taxonomy).tolist()
    ready = (
        (label, try_prepare(predictor.prepare, readable(catalogue, int(row))))
        for label, row in zip(labels, table.index, strict=True)
    )
    usable = islice(((label, listing) for label, listing in ready if listing is not None), LISTINGS)
    while block := list(islice(usable, BLOCK)):
        yield [label for label, _ in block], [listing for _, listing in block]


def _evidence(scores: Scores) -> dict[str, Floats]:
    """Probabilities by evidence: fused, and of each network alone."""
    alone = {modality.value: values for modality, values in scores.by_modality.items()}
    return {AS_GIVEN: scores.fused, **alone}


def _agreement(answers: Sequence[tuple[int, Floats, Floats]]) -> Agreement:
    labels = np.array([label for label, _, _ in answers])
    exact, other = (np.stack([answer[place] for answer in answers]) for place in (1, 2))
    right = [float((values.argmax(1) == labels).mean()) for values in (exact, other)]
    return Agreement(compare(exact, other), *right)
