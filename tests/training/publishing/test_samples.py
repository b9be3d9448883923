"""The test listings that a version carries: of every category alike, the same for a seed, with small photos."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import pandas as pd
from PIL import Image

from models.versions.samples import TABLE, write_samples
from training.catalogue.dataset import COLUMNS, Catalogue
from training.publishing.samples import SAMPLES, SIDE, sample_listings


def catalogue(folder: Path, rows: int) -> Catalogue:
    """Half of the rows are of one category, the others of seven; every second row has a photo, one of them broken."""
    Image.new("RGB", (600, 300), "navy").save(folder / "photo.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xffnothing")
    table = pd.DataFrame(dict.fromkeys(COLUMNS, ""), index=range(rows))
    table["row"] = table.index
    table["designation"] = [f'Title "{number}"; =1\n' for number in table.index]
    table["category"] = ["large" if number % 2 else f"small {number % 7}" for number in table.index]
    names = {0: "photo.png", 1: "broken.jpg"}
    table["image"] = [str(folder / names[number % 4]) if number % 4 in names else "" for number in table.index]
    return Catalogue("mine.csv", table)


def test_listings_of_all_categories_travel_with_a_version(tmp_path: Path) -> None:
    whole = catalogue(tmp_path, 200)
    rows = list(range(10, 200))
    listings = list(sample_listings(whole, rows, 7))
    counts = Counter(category for _, category in listings)
    assert len(listings) == SAMPLES
    assert len(counts) == 8
    assert max(counts.values()) - min(counts.values()) <= 1
    assert listings == list(sample_listings(whole, rows, 7)) != list(sample_listings(whole, rows, 8))
    photos = [listing.image for listing, _ in listings if listing.image]
    assert photos
    for photo in photos:
        with Image.open(io.BytesIO(photo)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (SIDE, SIDE // 2))
    write_samples(tmp_path / "version", listings)
    table = tmp_path / "version" / TABLE
    with table.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    texts = [(row["designation"], row["category"]) for row in written]
    assert texts == [(listing.designation, category) for listing, category in listings]
    names = [row["image"] for row in written if row["image"]]
    assert [(table.parent / "images" / name).read_bytes() for name in names] == photos


def test_a_small_catalogue_gives_what_it_has(tmp_path: Path) -> None:
    assert len(list(sample_listings(catalogue(tmp_path, 9), range(9), 7))) == 9
