"""A catalogue as people name it to a command, read: a CSV or Parquet file, or the config of a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.catalogue_argument import read_catalogue_argument
from training.config import RunConfig
from training.dataset import Catalogue, read_catalogue
from training.errors import CatalogueError

CONFIG_SUFFIX = ".toml"


@dataclass(frozen=True, eq=False)
class NamedCatalogue:
    """The catalogue, and the config where one was named."""

    catalogue: Catalogue
    config: RunConfig | None


def read_named_catalogue(path: Path, images: Path | None = None, columns: Sequence[str] = ()) -> NamedCatalogue:
    """Read the file, or what the config describes. Raises ConfigError, CatalogueError.

    `images` is the folder of photos, and replaces that of a config. A file's columns are found by their usual names or
    as `columns` say ("designation=headline"); only designation and category must be there. A file that names photos
    needs the folder: figures without them would pass for those of the whole catalogue.
    """
    described = path.suffix.lower() == CONFIG_SUFFIX
    unplaced = images is None and path.is_file() and not described
    folder = path.parent if unplaced else images
    config = read_catalogue_argument(argparse.Namespace(config=path, images=folder, column=list(columns)))
    catalogue = read_catalogue(config.catalogue)
    if unplaced and catalogue.rows["image"].ne("").any():
        raise CatalogueError(f"{path.name}: the image column names files, but catalogue.images (--images) is not set")
    return NamedCatalogue(catalogue, config if described else None)
