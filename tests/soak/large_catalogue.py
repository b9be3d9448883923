"""A generated catalogue of many categories: text alone, each category with words of its own."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from tests.training.generated_catalogue import SYLLABLES


def make_large_catalogue(folder: Path, classes: int, rows_per_class: int, seed: int = 0) -> Path:
    """Write `listings.csv` with the columns title and category alone, and return its path."""
    chance = random.Random(seed)
    words = ["".join(pair) for pair in chance.sample([(a, b) for a in SYLLABLES for b in SYLLABLES], 2 * classes)]
    rows = []
    for position in range(classes):
        own = words[2 * position : 2 * position + 2]
        for _ in range(rows_per_class):
            serial = "".join(chance.choices("abcdefghij", k=8))
            rows.append((" ".join([*own, serial, str(chance.randint(10, 99))]), f"c{position:02}"))
    chance.shuffle(rows)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "listings.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("title", "category"), *rows])
    return path
