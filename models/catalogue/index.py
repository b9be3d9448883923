"""A labelled CSV file whose rows are read in any order, for browsing a catalogue.

One pass records where each row begins; a row is read from the file when it is needed. So 100,000 listings take under
2 MB of memory, however long their texts are.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.catalogue.csv_file import FIRST_ROW, CsvFile
from models.catalogue.source import Source, cells_by_field
from models.errors import ListingsUnreadable

MAX_ROWS = 1_000_000
"""Rows of a file: 13 MB of memory."""
MAX_CATEGORIES = 10_000
"""Distinct categories: a column with more holds something else."""


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One row, without its photo. `row` counts from 0; `image` is the photo's name, "" when it has none."""

    row: int
    id: str | None
    designation: str
    description: str
    category: str
    image: str


@dataclass(frozen=True, eq=False)
class IndexedCsv:
    """The rows of a CSV file, as it was when it was indexed. Thread-safe: each reading opens the file.

    `places` are the columns of the fields, and `codes` numbers the categories; of each row, `offsets` has the first
    byte, `labels` the category's number, and `photos` whether it names a photo.
    """

    file: CsvFile
    places: Mapping[str, int]
    codes: Mapping[str, int]
    offsets: array[int]
    labels: NDArray[np.uint32]
    photos: bytearray

    @classmethod
    def index(cls, source: Source) -> IndexedCsv:
        """Index a file: about a second for 100,000 rows. Raises ListingsUnreadable, also for faults in a row."""
        offsets, labels, photos = array("Q"), array("I"), bytearray()
        codes: dict[str, int] = {}
        name = source.path.name
        file, columns = source.open()
        places = {field: file.columns.index(column) for field, column in columns.items()}
        for record in file.records(columns["category"]):
            if len(offsets) >= MAX_ROWS:
                raise ListingsUnreadable(f"{name}: more than {MAX_ROWS} rows")
            cells = cells_by_field(record.cells, places)
            offsets.append(record.offset)
            labels.append(codes.setdefault(cells["category"], len(codes)))
            photos.append(bool(cells.get("image")))
            if len(codes) > MAX_CATEGORIES:
                raise ListingsUnreadable(f"{name}: more than {MAX_CATEGORIES} categories")
        return cls(file, places, codes, offsets, np.array(labels, np.uint32), photos)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, row: int) -> CatalogueRow:
        """Read one row. Raises IndexError, or ListingsUnreadable when the file is gone or another one."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        record = self.file.record_at(self.offsets[row])
        if record is None:
            raise ListingsUnreadable(f"{self.file.path.name}: row {row + FIRST_ROW} is not where it was")
        cells = cells_by_field(record, self.places)
        return CatalogueRow(
            row=row,
            id=cells.get("listing_id") or None,
            designation=cells.get("designation", ""),
            description=cells.get("description", ""),
            category=cells["category"],
            image=cells.get("image", ""),
        )

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows of each category, in the order of their first rows; "" counts those without one."""
        counts = np.bincount(self.labels, minlength=len(self.codes))
        return {code: int(counts[index]) for code, index in self.codes.items()}

    @property
    def has_photos(self) -> bool:
        """Whether any row names a photo."""
        return any(self.photos)

    def names_photo(self, row: int) -> bool:
        """Whether the row names a photo, which may not be there."""
        return bool(self.photos[row])

    def labelled(self, category: str | None = None) -> NDArray[np.int64]:
        """The rows of a category, or all that have one, ascending."""
        if category is not None:
            index = self.codes.get(category, -1) if category else -1
            return np.flatnonzero(self.labels == index)
        return np.flatnonzero(self.labels != self.codes.get("", -1))
