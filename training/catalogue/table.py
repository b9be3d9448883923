"""Reads a CSV or Parquet file into strings: a product called "nan" or "NULL" stays what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from models.catalogue.csv_file import CsvFile
from models.errors import ListingsUnreadable
from training.errors import CatalogueError

PARQUET_SUFFIXES = (".parquet", ".pq")
SPREADSHEET_SUFFIXES = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")


@dataclass(frozen=True)
class Table:
    """A file of listings. `note` says what was guessed to read it, "" for nothing."""

    path: Path
    names: Sequence[str]
    note: str
    csv: CsvFile | None

    @classmethod
    def open(cls, path: Path, separator: str | None = None) -> Table:
        """Read the names of the columns, in the file's order. Raises CatalogueError."""
        if path.suffix.lower() in SPREADSHEET_SUFFIXES and path.is_file():
            raise CatalogueError(f"{path.name}: a spreadsheet; save it as CSV UTF-8")
        with _reading(path):
            if path.suffix.lower() in PARQUET_SUFFIXES:
                from pyarrow import parquet

                return cls(path, [str(name) for name in parquet.read_schema(path).names], "", None)
            csv = CsvFile.open(path, separator)
            return cls(path, csv.columns, csv.note, csv)

    def read(self, columns: Sequence[str], *, category: str = "") -> pd.DataFrame:
        """These columns, every value a string, "" for what is missing; indexed by the rows' positions from 0.

        Blank rows of a CSV file are left out and counted. `category` is the column of the categories. Raises
        CatalogueError, also for columns that are not there.
        """
        missing = [name for name in columns if name not in self.names]
        if missing:
            exist = ", ".join(name for name in self.names if name) or "none"
            raise CatalogueError(f"{self.path.name}: no column {', '.join(missing)} (columns: {exist})")
        columns = list(dict.fromkeys(columns))
        with _reading(self.path):
            if self.csv is None:
                frame = pd.read_parquet(self.path, columns=columns)
                return pd.DataFrame({name: _strings(frame[name]) for name in columns}).reset_index(drop=True)
            places = [self.csv.columns.index(name) for name in columns]
            rows: list[int] = []
            values: list[list[str]] = [[] for _ in columns]
            for record in self.csv.records(category):
                rows.append(record.row)
                for column, place in zip(values, places, strict=True):
                    column.append(record.cells[place])
        return pd.DataFrame(dict(zip(columns, values, strict=True)), index=pd.Index(rows, dtype="int64"), dtype=object)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise what is wrong with the file as a CatalogueError."""
    try:
        yield
    except ListingsUnreadable as error:
        raise CatalogueError(error.message) from error
    except OSError as error:
        raise CatalogueError(f"{path.name}: {error.strerror or 'cannot be read'}") from error
    except ValueError as error:
        reason = str(error).strip().partition("\n")[0]
        raise CatalogueError(f"{path.name}: not a readable table: {reason}") from error


def _strings(column: pd.Series) -> pd.Series:
    """Values as strings; a whole number that pandas holds as a float because some are missing loses its ".0"."""
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype(object).where(column.notna(), "").map(str)


LISTINGS_FILE = "X_train_update.csv"
CATEGORIES_FILE = "Y_train_CVw08PX.csv"
IMAGE_FOLDER = Path("images") / "image_train"


def read_challenge(folder: Path) -> pd.DataFrame:
    """The challenge's training listings with the columns `listing_id, designation, description, image, category`.

    All values are strings; `image` is a file name within `IMAGE_FOLDER`. Raises CatalogueError when a file or column is
    missing or the two files do not list the same products.
    """
    if not folder.is_dir():
        raise CatalogueError(f"catalogue.path: no folder {folder.name}")
    listings = _indexed(folder / LISTINGS_FILE, ["designation", "description", "productid", "imageid"])
    categories = _indexed(folder / CATEGORIES_FILE, ["prdtypecode"])
    for name, table in ((LISTINGS_FILE, listings), (CATEGORIES_FILE, categories)):
        if not table.index.is_unique:
            raise CatalogueError(f"{name}: an index appears twice")
    if set(listings.index) != set(categories.index):
        raise CatalogueError(f"{LISTINGS_FILE} and {CATEGORIES_FILE} do not list the same indices")
    return pd.DataFrame(
        {
            "listing_id": listings["productid"],
            "designation": listings["designation"],
            "description": listings["description"],
            "image": "image_" + listings["imageid"] + "_product_" + listings["productid"] + ".jpg",
            "category": categories["prdtypecode"].reindex(listings.index),
        }
    ).reset_index(drop=True)


def _indexed(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """These columns, indexed by the values of the file's first."""
    table = Table.open(path)
    first, *_ = table.names or [""]
    return table.read([first, *columns]).set_index(first)
