"""Listings drawn at random from the labelled catalogue, with their predictions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np

from models.catalogue.index import CatalogueRow
from models.decision.prediction import Prediction
from models.errors import ListingError, PykutenError
from models.listing import Listing
from service.catalogue import LabelledCatalogue
from service.dispatch.items import Item
from service.dispatch.job import PredictionJob
from service.dispatch.scheduler import predict_all
from service.errors import CatalogueUnavailable, Internal
from service.http.requests import SampleQuery

AT_ONCE = 16
"""Listings asked about together while looking for some: enough to keep the workers busy, few to ask for nothing."""


@dataclass(slots=True, eq=False)
class RowItem(Item):
    """One row of the catalogue, read in the thread that predicts it; `drawn` is there then."""

    catalogue: LabelledCatalogue = field(kw_only=True)
    names_photo: bool = field(kw_only=True)
    drawn: CatalogueRow | None = field(default=None, init=False)
    found_photo: bool = field(default=False, init=False)

    @property
    def has_photo(self) -> bool:
        """As in a batch."""
        return self.names_photo

    def _listing(self) -> Listing:
        self.drawn = self.catalogue.row(self.index)
        if self.drawn is None:  # another file since the draw began
            raise CatalogueUnavailable
        photo = self.catalogue.photo(self.drawn)
        self.found_photo = photo is not None
        return Listing(self.drawn.designation, self.drawn.description, photo, self.drawn.id)


@dataclass(frozen=True, slots=True)
class SampledListing:
    """One listing of a draw. `has_photo`: there is a photo that could be read."""

    row: CatalogueRow
    has_photo: bool
    prediction: Prediction

    @property
    def is_right(self) -> bool:
        """Whether it is predicted to be of its category."""
        return self.prediction.code == self.row.category


async def draw_listings(
    job: PredictionJob, catalogue: LabelledCatalogue, draw: SampleQuery
) -> tuple[list[SampledListing], int]:
    """Listings that fit the draw, and how many were asked about to find them: at most the settings' number.

    Those that cannot be predicted are passed over. Raises CatalogueUnavailable, and what the engine raises.
    """
    items = await asyncio.to_thread(_shuffled, job, catalogue, draw)
    looking = draw.predicted is not None or draw.only is not None
    found: list[SampledListing] = []
    tried = 0
    while tried < len(items) and len(found) < draw.count:
        few = items[tried : tried + (AT_ONCE if looking else draw.count - len(found))]
        tried += len(few)
        answers = await predict_all(job, few)
        drawn = [_drawn(item, answer) for item, answer in zip(few, answers, strict=True)]
        found += [one for one in drawn if one is not None and _fits(one, draw)]
    return found[: draw.count], tried


def _shuffled(job: PredictionJob, catalogue: LabelledCatalogue, draw: SampleQuery) -> list[RowItem]:
    settings = job.state.settings
    rows = catalogue.rows()
    order = np.random.default_rng(draw.seed).permutation(rows.labelled(draw.category))[
        : settings.catalogue_sample_attempts
    ]
    return [RowItem(int(row), settings, catalogue=catalogue, names_photo=rows.names_photo(int(row))) for row in order]


def _drawn(item: RowItem, answer: Prediction | PykutenError) -> SampledListing | None:
    """None for a listing that cannot be predicted. Raises what says nothing about the listing, such as a deadline."""
    if isinstance(answer, ListingError | Internal) or item.drawn is None:
        return None
    if isinstance(answer, PykutenError):
        raise answer
    return SampledListing(item.drawn, item.found_photo, answer)


def _fits(one: SampledListing, draw: SampleQuery) -> bool:
    if draw.predicted is not None and one.prediction.code != draw.predicted:
        return False
    if draw.only == "mistakes":
        return not one.is_right
    return one.prediction.disagreement if draw.only == "disagreements" else True
