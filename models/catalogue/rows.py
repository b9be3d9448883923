"""Labelled listings from a CSV file, row by row: neither rows nor photos gather in memory; and cells safe to write."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from models.errors import ListingsUnreadable
from models.listing import Listing

TITLE, CATEGORY = "designation", "category"
"""Columns that there must be; `listing_id`, `description` and `image` may be."""
_LONGEST_FIELD = 16 * 1024 * 1024
"""Characters in a field. The csv module's own limit of 131,072 is less than some sellers' descriptions."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What spreadsheets take for the start of a formula (OWASP, "CSV injection"); the last four are full-width forms."""


@dataclass(frozen=True, slots=True)
class LabelledListing:
    """One row. `row` counts from 0; `category` is "" when the row has none.

    `photo_missing` says that the row names a photo that cannot be read, so that `listing` is without.
    """

    row: int
    listing: Listing
    category: str
    photo_missing: bool = False


@dataclass(frozen=True, slots=True)
class LabelledCsv:
    """A UTF-8 CSV file with a header, and the folder that its image column's names are relative to."""

    path: Path
    images: Path | None = None

    def count(self) -> int:
        """How many rows there are. Raises ListingsUnreadable, also for faults that only show in a row."""
        with self._rows() as rows:
            return sum(1 for _ in rows)

    def __iter__(self) -> Iterator[LabelledListing]:
        """The rows in the file's order. Raises ListingsUnreadable."""
        with self._rows() as rows:
            for number, row in enumerate(rows):
                name = (row.get("image") or "").strip()
                image = self._photo(number, name) if name else None
                listing = Listing(
                    row[TITLE] or "", row.get("description") or "", image, (row.get("listing_id") or "").strip() or None
                )
                yield LabelledListing(number, listing, (row[CATEGORY] or "").strip(), bool(name) and image is None)

    @contextmanager
    def _rows(self) -> Iterator[Iterator[dict[str, str]]]:
        with reading(self.path.name):
            if self.images is not None and not self.images.is_dir():
                raise ListingsUnreadable(f"{self.images.name}: no such folder of photos")
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                yield named_rows(file, self.path.name)[1]

    def _photo(self, row: int, name: str) -> bytes | None:
        if self.images is None:
            raise ListingsUnreadable(f"{self.path.name}: the image column names files: say where with --images")
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
            raise ListingsUnreadable(f"{self.path.name}: image of row {row} lies outside the folder of photos")
        try:
            return (self.images / name).read_bytes()
        except (OSError, ValueError):  # ValueError: a name with a NUL
            return None


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Raises ListingsUnreadable for what goes wrong while the file of that name is opened and read."""
    try:
        yield
    except OSError as error:
        raise ListingsUnreadable(f"{name}: {error.strerror or 'cannot be read'}") from error
    except UnicodeDecodeError as error:
        raise ListingsUnreadable(f"{name}: not UTF-8") from error
    except csv.Error as error:
        raise ListingsUnreadable(f"{name}: not a readable table: {error}") from error


def named_rows(lines: Iterable[str], name: str) -> tuple[csv.DictReader[str], Iterator[dict[str, str]]]:
    """The reader of a table's lines, its columns known, and its rows. Raises ListingsUnreadable, and csv.Error."""
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    reader = csv.DictReader(lines, strict=True)
    columns = [column.strip() for column in reader.fieldnames or ()]
    reader.fieldnames = columns
    missing = [column for column in (TITLE, CATEGORY) if column not in columns]
    if missing:
        exist = ", ".join(columns) or "none"
        raise ListingsUnreadable(f"{name}: no column {', '.join(missing)} (columns: {exist})")
    return reader, _whole(reader, name)


def _whole(reader: csv.DictReader[str], name: str) -> Iterator[dict[str, str]]:
    for number, row in enumerate(reader):
        if None in row:  # what DictReader calls the fields beyond the header
            raise ListingsUnreadable(f"{name}: row {number} has more fields than the header")
        yield row


def safe_cell(value: Any) -> str:
    """`value` as text for a CSV file; a formula gets an apostrophe in front. Numbers stay numbers."""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
