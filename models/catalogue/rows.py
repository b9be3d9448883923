"""Labelled listings from a CSV file, row by row: neither rows nor photos gather in memory; and cells safe to write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.catalogue.csv_file import FIRST_ROW
from models.catalogue.photos import PhotoFolder
from models.catalogue.source import Source
from models.errors import ListingsUnreadable
from models.listing import Listing

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What spreadsheets take for the start of a formula (OWASP, "CSV injection"); the last four are full-width forms."""


@dataclass(frozen=True, slots=True)
class LabelledListing:
    """One row. `row` counts from 0 (`FIRST_ROW` in a spreadsheet); `category` is "" when the row has none.

    `photo_missing` says that the row names a photo that cannot be read, so that `listing` has none.
    """

    row: int
    listing: Listing
    category: str
    photo_missing: bool = False


@dataclass(frozen=True, slots=True)
class LabelledCsv:
    """The labelled listings of a CSV file with a header."""

    source: Source

    @property
    def path(self) -> Path:
        """The CSV file."""
        return self.source.path

    def count(self) -> int:
        """How many rows there are. Raises ListingsUnreadable, also for faults that only show in a row."""
        images = self.source.images
        if images is not None and not images.is_dir():
            raise ListingsUnreadable(f"{images.name}: no such folder of photos")
        return sum(1 for _ in self.source.rows())

    def __iter__(self) -> Iterator[LabelledListing]:
        """The rows in the file's order. Raises ListingsUnreadable."""
        photos = None if self.source.images is None else PhotoFolder(self.source.images)
        for record, cells in self.source.rows():
            name = cells.get("image", "")
            image = self._photo(photos, record.row, name) if name else None
            listing = Listing(
                cells.get("designation", ""), cells.get("description", ""), image, cells.get("listing_id") or None
            )
            yield LabelledListing(record.row, listing, cells["category"], bool(name) and image is None)

    def _photo(self, photos: PhotoFolder | None, row: int, name: str) -> bytes | None:
        if photos is None:
            raise ListingsUnreadable(f"{self.path.name}: the image column names files: say where with --images")
        if photos.lies_outside(name):
            raise ListingsUnreadable(
                f"{self.path.name}: image of row {row + FIRST_ROW} lies outside the folder of photos"
            )
        path = photos.find(name)
        try:
            return None if path is None else path.read_bytes()
        except OSError:
            return None


def safe_cell(value: Any) -> str:
    """`value` as text for a CSV file; a formula gets an apostrophe in front. Numbers stay numbers."""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
