"""Listings that tell two versions apart, as a catalogue."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path

from models.listing import Listing
from models.predictor import Predictor
from tests.models.tiny_networks import WORDS

COLUMNS = ("listing_id", "designation", "description", "image", "category")


def contested(right: Predictor, wrong: Predictor, count: int) -> list[tuple[str, str]]:
    """Titles of two categories' words that the versions file differently, with what `right` says."""
    chance = random.Random(5)
    found: list[tuple[str, str]] = []
    while len(found) < count:
        listings = [Listing(f"{' '.join(chance.sample(WORDS[:4], 2))} n{chance.randrange(10**6)}") for _ in range(200)]
        answers = zip(listings, right.predict_many(listings), wrong.predict_many(listings), strict=True)
        found += [(subject.designation, a.code) for subject, a, b in answers if a.code != b.code]  # type: ignore[union-attr]
    return found[:count]


def write_catalogue(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    """A CSV file of (title, category)."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([number, title, "", "", category] for number, (title, category) in enumerate(rows))
    return path
