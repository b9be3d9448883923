"""Random samples of the labelled catalogue, with their predictions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np

from models.catalogue.index import CatalogueRow
from models.decision.prediction import Answer, Prediction
from models.errors import ListingError, PykutenError
from models.listing import Listing
from service.catalogue import LabelledCatalogue
from service.dispatch.items import Item
from service.dispatch.job import PredictionJob
from service.dispatch.scheduler import predict_all
from service.errors import CatalogueUnavailable, Internal
from service.http.requests import SampleQuery

ATTEMPTS_AT_ONCE = 16
"""Listings predicted together in a search: enough to keep the workers busy, few to predict in vain."""


@dataclass(slots=True, eq=False)
class RowItem(Item):
    """One row of the catalogue, read in the thread that predicts it; `row` and `has_read_photo` are set there."""

    catalogue: LabelledCatalogue = field(kw_only=True)
    names_photo: bool = field(kw_only=True)
    row: CatalogueRow | None = field(default=None, init=False)
    has_read_photo: bool = field(default=False, init=False)

    @property
    def photos(self) -> int:
        """How many photos the row names."""
        return int(self.names_photo)

    def _listing(self) -> Listing:
        self.row = self.catalogue.row(self.index)
        if self.row is None:  # the file has changed since the sample was begun
            raise CatalogueUnavailable
        photo = self.catalogue.photo(self.row)
        self.has_read_photo = photo is not None
        return Listing(self.row.designation, self.row.description, photo, self.row.id)


@dataclass(frozen=True, slots=True)
class SampledListing:
    """One listing of a sample. `has_photo`: there is a photo that could be read."""

    row: CatalogueRow
    has_photo: bool
    prediction: Prediction

    @property
    def is_right(self) -> bool:
        """Whether the predicted category is the listing's."""
        return self.prediction.code == self.row.category


async def sample_listings(
    job: PredictionJob, catalogue: LabelledCatalogue, query: SampleQuery
) -> tuple[list[SampledListing], int]:
    """Listings that fit the query, and how many were predicted to find them: at most the settings' number.

    Listings that cannot be predicted are passed over. Raises CatalogueUnavailable, and what the engine raises.
    """
    items = await asyncio.to_thread(_shuffled, job, catalogue, query)
    is_search = query.predicted is not None or query.only is not None
    sample: list[SampledListing] = []
    attempts = 0
    while attempts < len(items) and len(sample) < query.count:
        next_items = items[attempts : attempts + (ATTEMPTS_AT_ONCE if is_search else query.count - len(sample))]
        attempts += len(next_items)
        answers = await predict_all(job, next_items)
        listings = [_sampled(item, answer) for item, answer in zip(next_items, answers, strict=True)]
        sample += [listing for listing in listings if listing is not None and _fits(listing, query)]
    return sample[: query.count], attempts


def _shuffled(job: PredictionJob, catalogue: LabelledCatalogue, query: SampleQuery) -> list[RowItem]:
    settings = job.state.settings
    rows = catalogue.rows()
    order = np.random.default_rng(query.seed).permutation(rows.labelled(query.category))
    return [
        RowItem(int(row), settings, catalogue=catalogue, names_photo=rows.names_photo(int(row)))
        for row in order[: settings.catalogue_sample_attempts]
    ]


def _sampled(item: RowItem, answer: Answer) -> SampledListing | None:
    """None for a listing that cannot be predicted. Raises errors that are not the listing's, such as a deadline."""
    if isinstance(answer, ListingError | Internal) or item.row is None:
        return None
    if isinstance(answer, PykutenError):
        raise answer
    return SampledListing(item.row, item.has_read_photo, answer)


def _fits(listing: SampledListing, query: SampleQuery) -> bool:
    if query.predicted is not None and listing.prediction.code != query.predicted:
        return False
    if query.only == "mistakes":
        return not listing.is_right
    return listing.prediction.disagreement if query.only == "disagreements" else True
