"""Listings of its own test part that a version carries if its run asked for them: a small labelled catalogue."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from models.listing import Listing

TABLE = "samples/listings.csv"
"""The file within the version's folder; its photos lie in `images` beside it."""
COLUMNS = ("listing_id", "designation", "description", "image", "category")


def write_samples(folder: Path, listings: Iterable[tuple[Listing, str]]) -> None:
    """Write listings, each with its category's code, into a version's folder; their photos must be JPEG files."""
    table = folder / TABLE
    photos = table.parent / "images"
    photos.mkdir(parents=True)
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, (listing, category) in enumerate(listings):
            image = ""
            if listing.image is not None:
                image = f"{number}.jpg"
                (photos / image).write_bytes(listing.image)
            writer.writerow([listing.id or "", listing.designation, listing.description, image, category])
