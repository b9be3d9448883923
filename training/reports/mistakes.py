"""The listings that a version predicts wrong, the surest answers first: what a manager of the catalogue looks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.listing import Evidence
from models.taxonomy import Taxonomy
from training.catalogue.dataset import Catalogue
from training.evaluation.predictions import Predictions
from training.reports.cards import Card, Thumbnails, card, named
from training.reports.rendering import percent
from training.reports.tables import MOST_TELLING, NONE, Table

SHOWN = 60
PHOTO_BYTES = 2_000_000
"""Bytes of the page's thumbnails."""


@dataclass(frozen=True)
class Mistake:
    """A listing under its true category, and the category predicted with its confidence in 0..1."""

    card: Card
    predicted: str
    confidence: float


@dataclass(frozen=True)
class Mistakes:
    """The mistakes among `judged` listings with one kind of evidence. `listings` are the first `SHOWN`; where the page
    may not show the catalogue's texts and photos, they are in `table` instead, by row and identifier.
    """

    evidence: str
    judged: int
    wrong: int
    listings: Sequence[Mistake]
    table: Table | None

    @property
    def shown(self) -> int:
        """How many mistakes there are on the page."""
        return len(self.table.rows if self.table else self.listings)


def find_mistakes(
    cases: Mapping[Evidence, Predictions], catalogue: Catalogue, taxonomy: Taxonomy, *, may_show: bool
) -> Mistakes:
    """The mistakes with the most telling evidence of one cohort's predictions. `may_show`: texts and photos."""
    evidence = next(evidence for evidence in MOST_TELLING if evidence in cases)
    predictions = cases[evidence]
    best, confidence = predictions.probabilities.argmax(1), predictions.probabilities.max(1)
    wrong = np.flatnonzero(best != predictions.labels)
    thumbnails = Thumbnails(PHOTO_BYTES if may_show else 0)
    shown = [
        Mistake(
            card(catalogue.rows.loc[predictions.rows[position]], taxonomy, thumbnails),
            named(taxonomy.codes[best[position]], taxonomy),
            float(confidence[position]),
        )
        for position in wrong[np.argsort(-confidence[wrong], kind="stable")][:SHOWN]
    ]
    table = None if may_show else _table(shown)
    return Mistakes(evidence.label, len(predictions.rows), len(wrong), shown if may_show else (), table)


def _table(mistakes: Sequence[Mistake]) -> Table:
    rows = [
        [
            *(f"row {mistake.card.row}", mistake.card.listing_id or NONE),
            *(mistake.card.category, mistake.predicted, percent(mistake.confidence)),
        ]
        for mistake in mistakes
    ]
    return Table(("listing", "id", "true category", "predicted", "confidence"), rows, words=4)
