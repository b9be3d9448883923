"""The catalogue as one table with canonical columns, whatever files it came from. Pixels stay on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd

from models.errors import VersionRefused
from models.listing import Listing
from models.taxonomy import Taxonomy
from training.catalogue.table import IMAGE_FOLDER, read_challenge, read_table
from training.config.run import RAKUTEN_TAXONOMY, CatalogueConfig
from training.errors import CatalogueError

SPLITS = ("train", "validation", "calibration", "test")
REQUIRED = ("designation", "description", "image", "category")
OPTIONAL = ("listing_id", "split", "label_source", "label_share", "text_kind")
COLUMNS = (
    *("row", "listing_id", "designation", "description", "image", "category"),
    *("split", "label_source", "label_share", "text_kind", "weight"),
)
WEIGHTLESS = "label source of weight 0"


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Listings with their categories.

    `rows` has the columns `COLUMNS` and is indexed by `row`, the position in the source file from 0, which stays the
    same when rows are left out. All are strings, "" for what is missing, but `row` (int), `label_share` (float, NaN
    where not given) and `weight` (float, the row's weight in training; 0 only where `read_catalogue` was asked for all
    rows). `image` is an absolute path; `split` one of `SPLITS` or "". `left_out` counts the source's rows that are not
    in `rows`, by reason.
    """

    name: str
    rows: pd.DataFrame
    left_out: Mapping[str, int] = field(default_factory=dict)

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
                raise CatalogueError(f"{self.name}: image of row {row}: {error.strerror}") from error
        return Listing(values["designation"], values["description"], image, values["listing_id"] or None)

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


def read_catalogue(config: CatalogueConfig, *, weightless: bool = False) -> Catalogue:
    """Read the catalogue that the config describes. Raises CatalogueError: one line that names the file and column.

    With `weightless`, rows that nothing may be learned from are there too, with the weight 0.
    """
    if config.format == "rakuten_challenge":
        source = read_challenge(config.path)
        images: Path | None = config.images or config.path / IMAGE_FOLDER
    else:
        source = _read_table(config)
        images = config.images
    name = config.path.name
    rows = pd.DataFrame({"row": np.arange(len(source), dtype=np.int64)})
    for column in (*REQUIRED, *OPTIONAL):
        rows[column] = source[column].to_numpy(object) if column in source else ""
    for column in ("listing_id", "image", "category", "split", "label_source", "text_kind"):
        rows[column] = rows[column].str.strip()
    rows["image"] = _image_paths(name, rows["image"], images)
    rows["split"] = _splits(name, rows["split"].str.lower())
    rows["label_share"] = _shares(name, rows["label_share"].str.strip())
    rows["weight"] = training_weights(rows, config)
    rows = rows[list(COLUMNS)].set_index("row", drop=False).rename_axis(index=None)
    return _weighted(Catalogue(name, rows), config, weightless)


def training_weights(rows: pd.DataFrame, config: CatalogueConfig) -> pd.Series:
    """Each row's weight in training, by its label source, label share and kind of text: float, not negative."""
    weights = rows["label_source"].map(config.weights).fillna(1.0).astype(float)
    by_share = rows["label_source"].isin(config.weigh_by_share) & rows["label_share"].notna()
    weights *= rows["label_share"].where(by_share, 1.0) ** config.share_exponent
    if config.kind_weights:
        weights *= rows["text_kind"].map(config.kind_weights).fillna(1.0).astype(float)
    return weights


def read_taxonomy(config: CatalogueConfig, catalogue: Catalogue) -> Taxonomy:
    """The config's taxonomy; without one the challenge's for the challenge, else the catalogue's codes as labels."""
    path = config.taxonomy or (RAKUTEN_TAXONOMY if config.format == "rakuten_challenge" else None)
    if path is None:
        return Taxonomy.of_codes(catalogue.codes)
    try:
        return Taxonomy.read(path)
    except VersionRefused as error:
        raise CatalogueError(f"catalogue.taxonomy: {path.name} is missing or not a taxonomy") from error


def _read_table(config: CatalogueConfig) -> pd.DataFrame:
    names = config.columns.model_dump()
    given = config.columns.model_fields_set
    required = [column for column in names if names[column] and (column in REQUIRED or column in given)]
    optional = [column for column in OPTIONAL if names[column] and column not in given]
    if not config.path.is_file():
        raise CatalogueError(f"catalogue.path: no file {config.path.name}")
    table = read_table(
        config.path,
        [names[column] for column in required],
        optional=[names[column] for column in optional],
        separator=config.separator,
    )
    return pd.DataFrame(
        {column: table[names[column]] for column in (*required, *optional) if names[column] in table.columns}
    )


def _image_paths(name: str, images: pd.Series, folder: Path | None) -> pd.Series:
    """Absolute paths. Whether each file exists is the data check's business; here only the folder must."""
    given = images != ""
    if not given.any():
        return images
    if folder is None:
        raise CatalogueError(f"{name}: the image column names files, but catalogue.images (--images) is not set")
    if not folder.is_dir():
        raise CatalogueError(f"catalogue.images: no folder {folder.name}")
    outside = images.map(lambda image: PurePath(image).is_absolute() or ".." in PurePath(image).parts)
    if outside.any():
        raise CatalogueError(f"{name}: image of row {outside.idxmax()} lies outside catalogue.images")
    return images.where(~given, str(folder) + "/" + images)


def _splits(name: str, splits: pd.Series) -> pd.Series:
    unknown = ~splits.isin(["", *SPLITS])
    if unknown.any():
        raise CatalogueError(f"{name}: split of row {unknown.idxmax()} is none of {', '.join(SPLITS)}")
    return splits


def _shares(name: str, shares: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(shares, errors="coerce").astype(float)
    wrong = (shares != "") & numbers.isna()
    if wrong.any():
        raise CatalogueError(f"{name}: label_share of row {wrong.idxmax()} is not a number")
    return numbers


def _weighted(catalogue: Catalogue, config: CatalogueConfig, weightless: bool) -> Catalogue:
    """Leave out rows of weight 0, unless `weightless`, and rows below their label source's smallest share."""
    known = {"kind_weights": "text_kind"}
    for table in ("weights", "weigh_by_share", "min_share", "kind_weights"):
        column = known.get(table, "label_source")
        names = set(catalogue.rows[column])
        unknown = [name for name in getattr(config, table) if name not in names]
        if unknown:
            raise CatalogueError(f"catalogue.{table}.{unknown[0]}: no row has this {column.replace('_', ' ')}")
    if not weightless:
        catalogue = catalogue.only(catalogue.rows["weight"] > 0, WEIGHTLESS)
    smallest = catalogue.rows["label_source"].map(config.min_share).astype(float)
    return catalogue.only(~(catalogue.rows["label_share"] < smallest), "label share too small")


def photo_fingerprints(rows: pd.DataFrame) -> Iterator[list[Any]]:
    """What tells one photo file from another without reading it: its name, size in bytes and time of change."""
    for path in map(Path, rows["image"]):
        state = path.stat()
        yield [path.name, state.st_size, state.st_mtime_ns]
