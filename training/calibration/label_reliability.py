"""Reliability of labels by their source, which says how calibration counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from models.arrays import Doubles, Floats, Mask
from training.config.run import TRUSTED_MINIMUM, DecisionConfig

STEEPEST = 50.0
"""Highest exponent of the share that is looked for."""


@dataclass(frozen=True)
class Reliability:
    """The share of right labels of a source: over `all`, and of those whose label share is 1 (`unanimous`)."""

    all: float
    unanimous: float

    def certainty(self, shares: Doubles) -> Doubles:
        """The probability that a label is right, by label shares [N] of the source: unanimous * share ** k.

        k is such that the mean is `all`. Where shares do not tell labels apart, `all` for each.
        """

        def surplus(exponent: float) -> float:
            return float((self.unanimous * shares**exponent).mean()) - self.all

        if not len(shares) or surplus(0.0) <= 0 or surplus(STEEPEST) >= 0:
            return np.full(len(shares), self.all)
        return np.asarray(self.unanimous * shares ** brentq(surplus, 0.0, STEEPEST), np.float64)


@dataclass(frozen=True)
class LabelReliability:
    """Label `sources` that are trusted; none named means all are.

    Evidence with `minimum` trusted listings needs no others. Elsewhere a label of a source of `reliability` counts as
    right with a probability only; labels of the remaining sources count as they are.
    """

    sources: tuple[str, ...] = ()
    minimum: int = TRUSTED_MINIMUM
    reliability: Mapping[str, Reliability] = field(default_factory=dict)

    @classmethod
    def of(cls, config: DecisionConfig) -> LabelReliability:
        """The reliability of labels that a config states."""
        sources = {
            source: Reliability(entry.all, max(entry.all, entry.unanimous))
            for source, entry in config.reliability.items()
        }
        return cls(config.trusted, config.trusted_minimum, sources)

    def enough(self, sources: NDArray[np.str_], rows: Mask) -> Mask | None:
        """Mask of the trusted ones of `rows`, None when they are fewer than `minimum`; bool [N] over sources [N]."""
        if not self.sources:
            return rows
        trusted = rows & np.isin(sources, self.sources)
        return trusted if trusted.sum() >= self.minimum else None

    def certainty(self, sources: NDArray[np.str_], shares: Doubles) -> Doubles:
        """The probability that each label is right, float64 [N], by label sources [N] and label shares [N]."""
        certain = np.ones(len(sources))
        for source, reliability in self.reliability.items():
            rows = sources == source
            certain[rows] = reliability.certainty(shares[rows])
        return certain


def agreed_certainty(probabilities: Floats, certainty: Doubles) -> Doubles:
    """The probability that a doubtful label [N] is right when it is the best category of probabilities [N, C].

    It is at least the label's certainty and at least the calibrated confidence, as either is evidence for the other
    (measured in docs/decisions/0028).
    """
    return np.where(certainty < 1, np.maximum(certainty, probabilities.max(1)), certainty)


def describe_sources(sources: NDArray[np.str_]) -> str:
    """Count label sources [N] in words: "150 true, 12 vote"."""
    counts = Counter(str(source) or "given" for source in sources)
    return ", ".join(f"{count:,} {source}" for source, count in sorted(counts.items()))
