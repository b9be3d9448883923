"""Small English catalogues without photos: as many categories as asked for, named in words."""

from __future__ import annotations

import csv
import random
from pathlib import Path

ITEMS = (
    *("anchor", "apron", "armchair", "axe", "balloon", "basket", "bell", "blanket", "blender", "bookcase"),
    *("boot", "bowl", "bracelet", "brush", "bucket", "cable", "camera", "candle", "carpet", "chisel"),
    *("clock", "comb", "compass", "crib", "curtain", "cushion", "desk", "diary", "dress", "drill"),
    *("easel", "envelope", "fan", "feeder", "flute", "fork", "fridge", "gloves", "goggles", "guitar"),
    *("hammer", "hammock", "harness", "hat", "helmet", "hose", "jacket", "kennel", "kettle", "kite"),
    *("ladder", "lamp", "leash", "lock", "mirror", "mug", "necklace", "notebook", "oven", "paddle"),
    *("perfume", "pillow", "printer", "puzzle", "racket", "rope", "rucksack", "ruler", "saddle", "scarf"),
    *("skates", "sofa", "spade", "stove", "teapot", "tent", "torch", "trumpet", "vase", "wallet"),
)
"""Eighty; the category of the i-th is `f"{item} range"`."""
WHERE = ("kitchen", "garden", "office", "travel", "children", "sports", "workshop", "home")
HOW = ("new", "used once", "pack of two", "in original box", "fast delivery", "very light", "hand made", "extra strong")


def make_english_catalogue(path: Path, classes: int, rows_per_class: int, seed: int = 0) -> Path:
    """Write a CSV of `classes` (2..80) categories, shuffled; the same arguments give the same file."""
    chance = random.Random(seed)
    rows = []
    for item in ITEMS[:classes] * rows_per_class:
        maker, number = "".join(chance.sample("bdfklmnprst", 4)).capitalize(), chance.randint(100, 999)
        title = f"{maker} {item} {number} {chance.choice(WHERE)} {chance.choice(HOW)}"
        words = [item, f"{item}s", *chance.sample(WHERE, 3), *chance.sample(HOW, 3)]
        chance.shuffle(words)
        rows.append((title, f"<p>{' '.join(words)}</p>" if chance.random() < 0.6 else "", f"{item} range"))
    chance.shuffle(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("designation", "description", "category"), *rows])
    return path
