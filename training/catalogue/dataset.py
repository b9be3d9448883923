"""The catalogue as one table with canonical columns, whatever files it came from. Pixels stay on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from models.catalogue.csv_file import FIRST_ROW
from models.listing import Listing
from training.errors import CatalogueError

SPLITS = ("train", "validation", "calibration", "test")
COLUMNS = (
    *("row", "listing_id", "designation", "description", "image", "category"),
    *("split", "label_source", "label_share", "text_kind", "weight"),
)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Listings with their categories.

    `rows` has the columns `COLUMNS` and is indexed by `row`, the position in the source file from 0, which stays the
    same when rows are left out (people count from `FIRST_ROW`). All are strings, "" for what is missing, but `row`
    (int), `label_share` (float, NaN where not given) and `weight` (float, the row's weight in training; 0 only where
    `read_catalogue` was asked for all rows). `image` is an absolute path; `split` one of `SPLITS` or "". `left_out`
    counts the source's rows that are not in `rows`, by reason. `notes` are findings of the reading for people;
    `why_missing` says of one photo that was not found what was tried.
    """

    name: str
    rows: pd.DataFrame
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    why_missing: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def codes(self) -> tuple[str, ...]:
        """The categories that occur: ascending by number when all are numbers, else by spelling."""
        codes = set(self.rows["category"])
        if all(code.isascii() and code.isdigit() for code in codes):
            return tuple(sorted(codes, key=lambda code: (int(code), code)))
        return tuple(sorted(codes))

    def listing(self, row: int) -> Listing:
        """One row as a listing, its photo read from disk. Raises CatalogueError when the photo cannot be read."""
        values = self.rows.loc[row]
        image = None
        if values["image"]:
            try:
                image = Path(values["image"]).read_bytes()
            except OSError as error:
                raise CatalogueError(f"{self.name}: image of row {row + FIRST_ROW}: {error.strerror}") from error
        return Listing(values["designation"], values["description"], image, values["listing_id"] or None)

    def noting(self, *notes: str) -> Catalogue:
        """The catalogue with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def only(self, keep: pd.Series, reason: str) -> Catalogue:
        """The rows where `keep` is true; the others are counted under `reason`."""
        dropped = int((~keep).sum())
        if not dropped:
            return self
        left_out = {**self.left_out, reason: self.left_out.get(reason, 0) + dropped}
        return replace(self, rows=self.rows[keep], left_out=left_out)

    def fingerprint(self) -> str:
        """SHA-256 of all rows, with photos by file name; the same on every machine."""
        digest = hashlib.sha256()
        table = self.rows.assign(image=self.rows["image"].map(lambda path: PurePath(path).name))
        for values in table[list(COLUMNS)].itertuples(index=False):
            digest.update(repr(tuple(map(str, values))).encode())
        return digest.hexdigest()


def named_rows(rows: Iterable[int], most: int = 10) -> str:
    """Rows as people count them: "row 7", "rows 7, 9, ...", the first `most` of them."""
    numbers = [row + FIRST_ROW for row in rows]
    more = ", ..." if len(numbers) > most else ""
    return f"row{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:most]))}{more}"


def photo_fingerprints(rows: pd.DataFrame) -> Iterator[list[Any]]:
    """Name, size in bytes and time of change of each photo file, which tell it from others without reading it."""
    for path in map(Path, rows["image"]):
        state = path.stat()
        yield [path.name, state.st_size, state.st_mtime_ns]
