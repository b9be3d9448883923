"""A catalogue as people name it to a command, read: a CSV or Parquet file, or the config of a run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from training.catalogue_argument import read_catalogue_argument
from training.config import RunConfig
from training.dataset import Catalogue, read_catalogue

CONFIG_SUFFIX = ".toml"


@dataclass(frozen=True, eq=False)
class NamedCatalogue:
    """The catalogue, and the config where one was named."""

    catalogue: Catalogue
    config: RunConfig | None


def read_named_catalogue(path: Path, images: Path | None = None) -> NamedCatalogue:
    """Read the file, or what the config describes. Raises ConfigError, CatalogueError.

    `images` is the folder of photos, and replaces that of a config. A file's columns are found by their usual names;
    only designation and category must be there.
    """
    config = read_catalogue_argument(argparse.Namespace(config=path, images=images, column=[]))
    catalogue = read_catalogue(config.catalogue)
    return NamedCatalogue(catalogue, config if path.suffix.lower() == CONFIG_SUFFIX else None)
