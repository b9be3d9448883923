"""A catalogue as people name it to a command: a CSV or Parquet file, or the config of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.config import CatalogueConfig, Columns, RunConfig, read_config
from training.dataset import Catalogue, read_catalogue
from training.errors import CatalogueError
from training.table import column_names

CONFIG_SUFFIX = ".toml"
DISPENSABLE = ("listing_id", "description", "image")
"""Columns that a file may do without: there is then no such evidence."""


@dataclass(frozen=True, eq=False)
class NamedCatalogue:
    """The catalogue, and the config where one was named."""

    catalogue: Catalogue
    config: RunConfig | None


def read_named_catalogue(path: Path, images: Path | None = None) -> NamedCatalogue:
    """Read the file, or what the config describes. Raises ConfigError, CatalogueError.

    `images` is the folder of photos, and replaces that of a config. A file has the canonical column names, of which
    only designation and category must be there.
    """
    if path.suffix.lower() == CONFIG_SUFFIX:
        config = read_config(path)
        if images is not None:
            described = config.catalogue.model_copy(update={"images": images})
            config = config.model_copy(update={"catalogue": described})
        return NamedCatalogue(read_catalogue(config.catalogue), config)
    if not path.is_file():
        raise CatalogueError(f"{path.name}: no such file")
    present = column_names(path)
    columns = Columns(**{name: "" for name in DISPENSABLE if name not in present})
    return NamedCatalogue(read_catalogue(CatalogueConfig(path=path, images=images, columns=columns)), None)
