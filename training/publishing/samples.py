"""The test listings that a version carries, if its run asks for them: what the page shows of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from models.errors import ImageError
from models.listing import Listing
from training.catalogue.dataset import Catalogue
from training.evaluation.predict import readable
from training.reports.cards import thumbnail

SAMPLES = 54
"""Two of each of 27 categories; with photos about 500 kB."""
SIDE, QUALITY = 256, 85
"""Pixels of a photo's longer side, about what networks take in, and its JPEG quality."""


def sample_listings(catalogue: Catalogue, rows: Sequence[int], seed: int) -> Iterator[tuple[Listing, str]]:
    """Up to `SAMPLES` of the rows, of as many categories as there are, each with its category; photos are small."""
    order = np.random.default_rng(seed).permutation(list(rows))
    categories = catalogue.rows.loc[order, "category"]
    turns = categories.groupby(categories).cumcount()  # the first of each category, then the second of each, ...
    for row in turns.sort_values(kind="stable").index[:SAMPLES]:
        listing = readable(catalogue, int(row))
        try:
            photo = listing.image and thumbnail(listing.image, SIDE, QUALITY)
        except ImageError:
            photo = None
        yield replace(listing, image=photo), str(categories[row])
