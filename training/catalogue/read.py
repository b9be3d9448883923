"""Reading a catalogue as its config describes it, and the taxonomy of its categories."""

from __future__ import annotations

from pathlib import Path, PurePath

import numpy as np
import pandas as pd

from models.errors import VersionRefused
from models.taxonomy import Taxonomy
from training.catalogue.dataset import COLUMNS, SPLITS, Catalogue
from training.catalogue.subsample import learnable, training_weights
from training.catalogue.table import IMAGE_FOLDER, read_challenge, read_table
from training.config.run import RAKUTEN_TAXONOMY, CatalogueConfig
from training.errors import CatalogueError

REQUIRED = ("designation", "description", "image", "category")
OPTIONAL = ("listing_id", "split", "label_source", "label_share", "text_kind")
LABEL_SOURCE = "label_source"


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
    _check_names(rows, config)
    catalogue = Catalogue(name, rows) if weightless else learnable(Catalogue(name, rows))
    smallest = catalogue.rows["label_source"].map(config.min_share).astype(float)
    return catalogue.only(~(catalogue.rows["label_share"] < smallest), "label share too small")


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


def _check_names(rows: pd.DataFrame, config: CatalogueConfig) -> None:
    """Raises CatalogueError for a label source or kind of text that the config names and no row has."""
    columns = {"weights": LABEL_SOURCE, "weigh_by_share": LABEL_SOURCE, "min_share": LABEL_SOURCE}
    for table, column in {**columns, "kind_weights": "text_kind"}.items():
        unknown = [name for name in getattr(config, table) if not rows[column].eq(name).any()]
        if unknown:
            raise CatalogueError(f"catalogue.{table}.{unknown[0]}: no row has this {column.replace('_', ' ')}")
