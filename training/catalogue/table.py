"""Reads a CSV or Parquet file into strings: a product called "nan" or "NULL" stays what it is."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from training.errors import CatalogueError

PARQUET_SUFFIXES = (".parquet", ".pq")
SPREADSHEET_SUFFIXES = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
SEPARATORS = ",;\t|"
"""What columns are usually separated by."""
SAVE = "save it as CSV UTF-8"
ENCODING = "utf-8-sig"
"""UTF-8, with or without a byte-order mark."""


def read_table(
    path: Path, columns: Sequence[str], *, optional: Sequence[str] = (), separator: str = ",", index: bool = False
) -> pd.DataFrame:
    """The named columns of the file, every value a string, "" for what is missing; rows in the file's order.

    `optional` columns are returned where they exist; `index` makes the file's first column the index. Raises
    CatalogueError naming the missing columns and those that exist, before the rows are read.
    """
    names = column_names(path, separator=separator)
    wanted = [*columns, *(name for name in optional if name in names)]
    _require(path, wanted, names)
    with _reading(path):
        frame = _read_parquet(path, wanted) if _is_parquet(path) else _read_csv(path, names, separator)
    if index:
        frame = frame.set_index(frame.columns[0])
    return frame[list(dict.fromkeys(wanted))]


def column_names(path: Path, separator: str = ",") -> list[str]:
    """The file's columns, in its order. Raises CatalogueError."""
    if path.suffix.lower() in SPREADSHEET_SUFFIXES and path.is_file():
        raise CatalogueError(f"{path.name}: a spreadsheet; {SAVE}")
    with _reading(path):
        return _parquet_columns(path) if _is_parquet(path) else _csv_columns(path, separator)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in PARQUET_SUFFIXES


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise what is wrong with the file as a CatalogueError."""
    try:
        yield
    except OSError as error:
        raise CatalogueError(f"{path.name}: {error.strerror or 'cannot be read'}") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{path.name}: not UTF-8; {SAVE}") from error
    except (ValueError, pd.errors.ParserWarning) as error:
        reason = str(error).strip().partition("\n")[0].removeprefix("Error tokenizing data. C error: ")
        raise CatalogueError(f"{path.name}: not a readable table: {reason}") from error


def _require(path: Path, wanted: Sequence[str], names: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in names]
    if missing:
        exist = ", ".join(name for name in names if name) or "none"
        raise CatalogueError(f"{path.name}: no column {', '.join(missing)} (columns: {exist}){_separator_hint(names)}")
    twice = [name for name in dict.fromkeys(wanted) if names.count(name) > 1]
    if twice:
        raise CatalogueError(f"{path.name}: column {twice[0]} appears more than once")


def _separator_hint(names: Sequence[str]) -> str:
    """The separator to set where the header is one column because of another separator; else empty."""
    separators = [separator for separator in SEPARATORS if len(names) == 1 and separator in names[0]]
    if not separators:
        return ""
    return f"; set catalogue.separator = {json.dumps(max(separators, key=names[0].count))}"  # JSON's tab is TOML's


def _csv_columns(path: Path, separator: str) -> list[str]:
    header = pd.read_csv(path, sep=separator, header=None, nrows=1, dtype=str, keep_default_na=False, encoding=ENCODING)
    return [str(name).strip() for name in header.iloc[0]]


def _read_csv(path: Path, names: Sequence[str], separator: str) -> pd.DataFrame:
    with warnings.catch_warnings():
        # A first row longer than the header is a warning to pandas and lost data to us.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            path,
            sep=separator,
            header=0,
            names=list(range(len(names))),
            index_col=False,
            dtype=str,
            keep_default_na=False,
            encoding=ENCODING,
        )
    frame.columns = pd.Index(names)
    return frame.fillna("")


def _parquet_columns(path: Path) -> list[str]:
    from pyarrow import parquet

    return [str(name) for name in parquet.read_schema(path).names]


def _read_parquet(path: Path, wanted: Sequence[str]) -> pd.DataFrame:
    frame = pd.read_parquet(path, columns=list(dict.fromkeys(wanted)))
    return pd.DataFrame({name: _strings(frame[name]) for name in frame.columns})


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
    listings = read_table(folder / LISTINGS_FILE, ["designation", "description", "productid", "imageid"], index=True)
    categories = read_table(folder / CATEGORIES_FILE, ["prdtypecode"], index=True)
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
