"""The CATALOGUE of a command that only looks: a run's config, or a table of listings with no config at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.catalogue.columns import columns_of, usual_columns
from models.catalogue.source import is_config
from models.errors import ListingsUnreadable
from training.catalogue.dataset import Catalogue
from training.catalogue.read import read_catalogue
from training.catalogue.table import Table
from training.config.run import CatalogueConfig, RunConfig, read_config
from training.errors import CatalogueError, ConfigError


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
    try:
        names = Table.open(path).names
        named = usual_columns(path.name, names, columns)
        columns_of(path.name, names, named)
    except ListingsUnreadable as error:
        raise CatalogueError(error.message) from error
    if images is None:
        named = named.model_copy(update={"image": ""})  # names without a folder lead nowhere; the page says so
    return RunConfig(name=_name(path), catalogue=CatalogueConfig(path=path, images=images, columns=named))


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
