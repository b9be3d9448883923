"""The CATALOGUE of a command that only looks: a run's config, or a table of listings with no config at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.catalogue.dataset import Catalogue
from training.catalogue.read import read_catalogue
from training.catalogue.table import PARQUET_SUFFIXES, SEPARATORS, column_names
from training.config.run import CatalogueConfig, Columns, RunConfig, read_config
from training.errors import CatalogueError, ConfigError

USUAL_NAMES: Mapping[str, Sequence[str]] = {
    "designation": ("designation", "title", "name", "product_name", "titre", "titel"),
    "category": ("category", "label", "class", "prdtypecode", "categorie", "kategorie"),
    "description": ("description", "body", "text", "beschreibung"),
    "listing_id": ("listing_id", "id", "sku", "productid", "product_id"),
    "image": ("image", "image_path", "image_name", "photo", "picture", "filename"),
    "label_source": ("label_source",),
    "label_share": ("label_share",),
    "text_kind": ("text_kind",),
    "split": ("split",),
}
"""Column names of tables that come without a config, most telling first; case does not matter."""
NEEDED = ("designation", "category")


def read_catalogue_argument(path: Path, images: Path | None = None, columns: Sequence[str] = ()) -> RunConfig:
    """The config of a catalogue: the one in the file, or one made for a table or the challenge's folder.

    `images` is the folder of photos, and replaces that of a config. A table's columns are found by their usual names or
    as `columns` say ("designation=headline"). Raises ConfigError, CatalogueError.
    """
    if is_config(path):
        if columns:
            raise ConfigError(["--column: a config names its columns itself, in catalogue.columns"])
        config = read_config(path)
        if images is None:
            return config
        return config.model_copy(
            update={"catalogue": config.catalogue.model_copy(update={"images": images.absolute()})}
        )
    if path.is_dir():
        catalogue = CatalogueConfig(format="rakuten_challenge", path=path, images=images)
        return RunConfig(name=_name(path), catalogue=catalogue)
    if not path.is_file():
        raise CatalogueError(f"{path.name}: no such file")
    separator = "," if path.suffix.lower() in PARQUET_SUFFIXES else _separator(path)
    names = _columns(path, column_names(path, separator), columns)
    if images is None:
        names["image"] = ""  # names without a folder lead nowhere; the page says that no photo was looked at
    catalogue = CatalogueConfig(path=path, images=images, separator=separator, columns=Columns(**names))
    return RunConfig(name=_name(path), catalogue=catalogue)


def _columns(path: Path, names: Sequence[str], chosen: Sequence[str]) -> dict[str, str]:
    """The table's column of each field, "" where it has none."""
    named = {}
    for pair in chosen:
        field, _, name = pair.partition("=")
        if field not in USUAL_NAMES:
            raise ConfigError([f"--column {pair}: the field is one of {', '.join(USUAL_NAMES)}"])
        if name not in names:
            raise CatalogueError(f"{path.name}: no column {name} (columns: {', '.join(names)})")
        named[field] = name
    by_lower = {name.lower(): name for name in reversed(names)}
    result = {}
    for field, usual in USUAL_NAMES.items():
        result[field] = named.get(field) or next((by_lower[name] for name in usual if name in by_lower), "")
        if field in NEEDED and not result[field]:
            exist = ", ".join(name for name in names if name) or "none"
            raise CatalogueError(
                f"{path.name}: no column {field} (columns: {exist}); name it with --column {field}=COLUMN"
            )
    return result


def _separator(path: Path) -> str:
    """What occurs most often in the table's first line; a comma where nothing does."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = file.readline(100_000)
    except OSError as error:
        raise CatalogueError(f"{path.name}: {error.strerror or 'cannot be read'}") from error
    return max(SEPARATORS, key=lambda separator: (header.count(separator), separator == ","))


def _name(path: Path) -> str:
    """A run's name made of the file's, which may hold anything."""
    return re.sub(r"[^0-9A-Za-z._-]+", "-", path.stem).strip("-._")[:64] or "catalogue"


@dataclass(frozen=True, eq=False)
class NamedCatalogue:
    """The catalogue, and the config where one was named."""

    catalogue: Catalogue
    config: RunConfig | None


def read_named_catalogue(path: Path, images: Path | None = None, columns: Sequence[str] = ()) -> NamedCatalogue:
    """Read the catalogue of `read_catalogue_argument`. Raises ConfigError, CatalogueError.

    A file that names photos needs their folder: figures without them would pass for those of the whole catalogue.
    """
    unplaced = images is None and path.is_file() and not is_config(path)
    config = read_catalogue_argument(path, path.parent if unplaced else images, columns)
    catalogue = read_catalogue(config.catalogue)
    if unplaced and catalogue.rows["image"].ne("").any():
        raise CatalogueError(f"{path.name}: the image column names files, but catalogue.images (--images) is not set")
    return NamedCatalogue(catalogue, config if is_config(path) else None)


def is_config(path: Path) -> bool:
    """Whether the CATALOGUE is a run's config."""
    return path.suffix.lower() == ".toml"
