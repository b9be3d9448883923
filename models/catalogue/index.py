"""A labelled CSV file whose rows are read in any order, for browsing a catalogue.

One pass records where each row begins; a row is read from the file when it is needed. So 100,000 listings take under
2 MB of memory, however long their texts are.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.catalogue.rows import CATEGORY, TITLE, named_rows, reading
from models.errors import ListingsUnreadable
from models.preprocessing.image.limits import MAX_IMAGE_BYTES

MAX_ROWS = 1_000_000
"""Rows of a file: 13 MB of memory."""
MAX_CATEGORIES = 10_000
"""Distinct categories: a column with more holds something else."""
MAX_LINE_BYTES = 32 * 1024 * 1024
"""Bytes of a line: a file without line ends is not read into memory whole."""
_BOM = b"\xef\xbb\xbf"


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
    """The rows of a UTF-8 CSV file, as it was when it was indexed. Thread-safe: each reading opens the file.

    `codes` numbers the categories; of each row, `offsets` has the first byte, `labels` the category's number, and
    `photos` whether it names a photo.
    """

    path: Path
    columns: Sequence[str]
    codes: Mapping[str, int]
    offsets: array[int]
    labels: NDArray[np.uint32]
    photos: bytearray

    @classmethod
    def index(cls, path: Path) -> IndexedCsv:
        """Index a file: about a second for 100,000 rows. Raises ListingsUnreadable, also for faults in a row."""
        offsets, labels, photos = array("Q"), array("I"), bytearray()
        codes: dict[str, int] = {}
        with reading(path.name), path.open("rb") as file:
            lines = _Lines(file, path.name)
            reader, rows = named_rows(lines, path.name)
            start = lines.offset
            for row in rows:
                if len(offsets) >= MAX_ROWS:
                    raise ListingsUnreadable(f"{path.name}: more than {MAX_ROWS} rows")
                offsets.append(start)
                labels.append(codes.setdefault((row[CATEGORY] or "").strip(), len(codes)))
                photos.append(bool((row.get("image") or "").strip()))
                start = lines.offset
                if len(codes) > MAX_CATEGORIES:
                    raise ListingsUnreadable(f"{path.name}: more than {MAX_CATEGORIES} categories")
        return cls(path, list(reader.fieldnames or ()), codes, offsets, np.array(labels, np.uint32), photos)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, row: int) -> CatalogueRow:
        """Read one row. Raises IndexError, or ListingsUnreadable when the file is gone or another one."""
        if not 0 <= row < len(self):
            raise IndexError(row)
        with reading(self.path.name), self.path.open("rb") as file:
            reader = csv.DictReader(_Lines(file, self.path.name, self.offsets[row]), self.columns, strict=True)
            cells = next(reader, None)
        if cells is None:
            raise ListingsUnreadable(f"{self.path.name}: row {row} is not where it was")
        return CatalogueRow(
            row=row,
            id=(cells.get("listing_id") or "").strip() or None,
            designation=cells[TITLE] or "",
            description=cells.get("description") or "",
            category=(cells[CATEGORY] or "").strip(),
            image=(cells.get("image") or "").strip(),
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


class _Lines:
    """The lines of a file from `offset` on, decoded; `offset` is where the next one begins, in bytes."""

    def __init__(self, file: BinaryIO, name: str, offset: int = 0) -> None:
        self.offset = offset
        self._file = file
        self._name = name
        file.seek(offset)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(MAX_LINE_BYTES + 1)
        if not line:
            raise StopIteration
        if len(line) > MAX_LINE_BYTES:
            raise ListingsUnreadable(f"{self._name}: a line of more than {MAX_LINE_BYTES} bytes")
        text = line.removeprefix(_BOM) if self.offset == 0 else line
        self.offset += len(line)
        return text.decode("utf-8")


@dataclass(frozen=True, slots=True)
class PhotoFolder:
    """A folder and all that is below it. Links are followed as long as they stay inside."""

    root: Path

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None when there is no such file, it lies outside, or it is over `MAX_IMAGE_BYTES`."""
        try:
            root = self.root.resolve(strict=True)
            path = (root / name).resolve(strict=True)  # an absolute name replaces the root
            if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > MAX_IMAGE_BYTES:
                return None
            return path.read_bytes()
        except (OSError, ValueError, RuntimeError):  # a name with a NUL; a ring of links
            return None
