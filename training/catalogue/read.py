"""Reading a catalogue as its config describes it, and the taxonomy of its categories."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from models.catalogue.category import category_code, look_alike_key
from models.catalogue.columns import EVIDENCE, columns_of, usual_name
from models.catalogue.photos import PhotoFolder
from models.errors import ListingsUnreadable, VersionRefused
from models.taxonomy import Category, Taxonomy
from training.catalogue.categories import OTHER
from training.catalogue.dataset import COLUMNS, SPLITS, Catalogue, named_rows
from training.catalogue.subsample import learnable, training_weights
from training.catalogue.table import IMAGE_FOLDER, Table, read_challenge
from training.config.run import RAKUTEN_TAXONOMY, CatalogueConfig
from training.errors import CatalogueError

FIELDS = ("designation", "description", "image", "category", "listing_id")
OPTIONAL = ("split", "label_source", "label_share", "text_kind")
MOST_NAMED = 10
"""Categories that a note names before it only counts."""
LABEL_SOURCE = "label_source"


def read_catalogue(config: CatalogueConfig, *, weightless: bool = False) -> Catalogue:
    """Read the catalogue that the config describes. Raises CatalogueError: one line that names the file and column.

    With `weightless`, rows that nothing may be learned from are there too, with the weight 0.
    """
    name = config.path.name
    notes: list[str] = []
    if config.format == "rakuten_challenge":
        source = read_challenge(config.path)
        images: Path | None = config.images or config.path / IMAGE_FOLDER
    else:
        source, notes = _read_table(config)
        images = config.images
    rows = pd.DataFrame({"row": source.index.to_numpy(np.int64)})
    for column in (*FIELDS, *OPTIONAL):
        rows[column] = source[column].to_numpy(object) if column in source else ""
    rows = rows[list(COLUMNS[:-1])].set_index("row", drop=False).rename_axis(index=None)
    for column in ("listing_id", "image", "category", "split", "label_source", "text_kind"):
        rows[column] = rows[column].str.strip()
    rows["category"], spellings = _codes(rows["category"])
    rows["image"], why_missing, photos_left_out = _image_paths(name, rows["image"], images, config)
    rows["split"] = _splits(name, rows["split"].str.lower())
    rows["label_share"] = _shares(name, rows["label_share"].str.strip())
    rows["weight"] = training_weights(rows, config)
    _check_names(rows, config)
    notes = [*notes, *photos_left_out, *spellings]
    catalogue = Catalogue(name, rows, notes=tuple(notes), why_missing=why_missing)
    catalogue = catalogue if weightless else learnable(catalogue)
    smallest = catalogue.rows["label_source"].map(config.min_share).astype(float)
    return catalogue.only(~(catalogue.rows["label_share"] < smallest), "label share too small")


def read_taxonomy(config: CatalogueConfig, catalogue: Catalogue) -> Taxonomy:
    """The categories that occur, of `named_taxonomy` where there is one; `OTHER` need not be in it.

    Raises CatalogueError.
    """
    codes = dict.fromkeys(catalogue.codes)
    taxonomy = named_taxonomy(config) or Taxonomy.of_codes(codes)
    kept = [category for category in taxonomy.categories if category.code in codes and category.code != OTHER]
    if OTHER in codes and (OTHER in taxonomy or config.rare == OTHER):
        kept.append(Category(OTHER, {"fr": "Autre", "en": "Other", "de": "Sonstiges"}, {}))
    return Taxonomy(tuple(kept))


def named_taxonomy(config: CatalogueConfig) -> Taxonomy | None:
    """The config's taxonomy, or the challenge's for the challenge. Raises CatalogueError."""
    path = config.taxonomy or (RAKUTEN_TAXONOMY if config.format == "rakuten_challenge" else None)
    try:
        return None if path is None else Taxonomy.read(path)
    except VersionRefused as error:
        raise CatalogueError(f"catalogue.taxonomy: {path and path.name} is missing or not a taxonomy") from error


def _read_table(config: CatalogueConfig) -> tuple[pd.DataFrame, list[str]]:
    """The columns that the file has, by their field, and notes on what was guessed and what is not there."""
    name = config.path.name
    if not config.path.is_file():
        raise CatalogueError(f"catalogue.path: no file {name}")
    table = Table.open(config.path, config.separator)
    try:
        columns = columns_of(name, table.names, config.columns)
    except ListingsUnreadable as error:
        raise CatalogueError(error.message) from error
    named = config.columns.model_dump()
    absent = [named[field] for field in EVIDENCE if named[field] and field not in columns]
    exist = ", ".join(name for name in table.names if name)
    photo = usual_name("image", table.names)
    if photo and "image" in absent and config.images is not None:
        raise CatalogueError(
            f'{name}: no column image (columns: {exist}); is it {photo}? Then write image = "{photo}" in '
            "[catalogue.columns]"
        )
    notes = [table.note] if table.note else []
    if absent:
        notes.append(f"there is no column {', '.join(absent)} (columns: {exist}): listings are judged without")
    frame = table.read(list(columns.values()), category=columns["category"])
    return pd.DataFrame({field: frame[column] for field, column in columns.items()}), notes


def _codes(cells: pd.Series) -> tuple[pd.Series, list[str]]:
    """The category of each cell, and notes on those that are written in several ways."""
    code_of = {cell: category_code(cell) for cell in cells.unique()}
    ways: dict[str, list[str]] = defaultdict(list)
    alike: dict[str, list[str]] = defaultdict(list)
    for cell, code in code_of.items():
        if code != cell:
            ways[code].append(cell)
    placeholders = ways.pop("", [])
    codes = cells.map(code_of).astype(object)
    for code in sorted(set(code_of.values()) - {""}):
        alike[look_alike_key(code)].append(code)
    notes = []
    if placeholders:
        count = int(cells.isin(placeholders).sum())
        notes.append(f"{count} rows say that they have no category: {_several(sorted(map(_quoted, placeholders)))}")
    if ways:
        count = int(sum(cells.isin(spellings).sum() for spellings in ways.values()))
        merged = [f"{code} ({', '.join(map(_quoted, cells))})" for code, cells in sorted(ways.items())]
        notes.append(f"categories written in several ways are one ({count} rows): {_several(merged)}")
    counts = codes.value_counts()
    similar = [
        " and ".join(f"{_quoted(code)} ({counts[code]} rows)" for code in codes)
        for codes in alike.values()
        if len(codes) > 1
    ]
    if similar:
        notes.append(f"categories that look alike are kept apart; make them one in the table: {_several(similar)}")
    return codes, notes


def _quoted(cell: str) -> str:
    return f'"{cell}"'


def _several(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return "; ".join([*names[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _image_paths(
    name: str, images: pd.Series, folder: Path | None, config: CatalogueConfig
) -> tuple[pd.Series, str, list[str]]:
    """Absolute paths, why one photo is not found, and a note where photos are left out.

    A photo that is not found keeps the path where it was looked for: missing ones are the data check's business.
    """
    named = images != ""
    if not named.any():
        return images, "", []
    if folder is None:
        if config.columns.image and "image" in config.columns.model_fields_set:
            raise CatalogueError(
                f"{name}: the image column names files, but catalogue.images (--images) is not set: set it, or write "
                'image = "" in [catalogue.columns]'
            )
        note = f"photos are left out: catalogue.images (--images) does not say where the {named.sum():,} named ones are"
        return images.where(~named, ""), "", [note]
    if not folder.is_dir():
        raise CatalogueError(f"catalogue.images: no folder {folder.name}")
    photos = PhotoFolder(folder)
    path_of: dict[str, str] = {"": ""}
    why = ""
    for row, photo in images.items():
        if photo in path_of:
            continue
        path = photos.find(photo)
        if path is None and photos.lies_outside(photo):
            raise CatalogueError(
                f"{name}: {named_rows([row])}: {photos.why_missing(photo)}; name photos as files of catalogue.images"
            )
        if path is None and not why:
            why = f"{named_rows([row])}: {photos.why_missing(photo)}"
        path_of[photo] = f"{folder}/{photo}" if path is None else str(path)
    return images.map(path_of).astype(object), why, []


def _splits(name: str, splits: pd.Series) -> pd.Series:
    unknown = ~splits.isin(["", *SPLITS])
    if unknown.any():
        raise CatalogueError(f"{name}: split of {named_rows([unknown.idxmax()])} is none of {', '.join(SPLITS)}")
    return splits


def _shares(name: str, shares: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(shares, errors="coerce").astype(float)
    wrong = (shares != "") & numbers.isna()
    if wrong.any():
        raise CatalogueError(f"{name}: label_share of {named_rows([wrong.idxmax()])} is not a number")
    return numbers


def _check_names(rows: pd.DataFrame, config: CatalogueConfig) -> None:
    """Raises CatalogueError for a label source or kind of text that the config names and no row has."""
    columns = {"weights": LABEL_SOURCE, "weigh_by_share": LABEL_SOURCE, "min_share": LABEL_SOURCE}
    for table, column in {**columns, "kind_weights": "text_kind"}.items():
        unknown = [name for name in getattr(config, table) if not rows[column].eq(name).any()]
        if unknown:
            raise CatalogueError(f"catalogue.{table}.{unknown[0]}: no row has this {column.replace('_', ' ')}")
