"""The CATALOGUE of a command that only looks: a run's config, or a table of listings with no config at all."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
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
"""What columns are called in tables that come without a config, most telling name first; case does not matter."""
NEEDED = ("designation", "category")


def add_catalogue_argument(parser: argparse.ArgumentParser) -> None:
    """CATALOGUE and the options that stand in for a config."""
    parser.add_argument(
        "config", type=Path, metavar="CATALOGUE", help="a run's config (.toml), or a CSV or Parquet file of listings"
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="the folder of the photos that a table names")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="FIELD=NAME",
        help="a table's column, where its name does not tell: designation=headline",
    )


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """The type of an option that takes whole numbers from `least` to `most`."""

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            allowed = f"{least} or more" if most is None else f"{least} to {most}"
            raise argparse.ArgumentTypeError(f"{text} is no whole number of {allowed}")
        return value

    return number


def read_catalogue_argument(options: argparse.Namespace) -> RunConfig:
    """The config of what a command was given. Raises ConfigError, CatalogueError."""
    path, images, columns = options.config, options.images, options.column
    if path.suffix.lower() == ".toml":
        if columns:
            raise ConfigError(["--column: a config names its columns itself, in catalogue.columns"])
        config = read_config(path)
        if images is None:
            return config
        return config.model_copy(
            update={"catalogue": config.catalogue.model_copy(update={"images": images.absolute()})}
        )
    if path.is_dir():
        return RunConfig(
            name=_name(path), catalogue=CatalogueConfig(format="rakuten_challenge", path=path, images=images)
        )
    if not path.is_file():
        raise CatalogueError(f"{path.name}: no such file")
    separator = "," if path.suffix.lower() in PARQUET_SUFFIXES else _separator(path)
    found = _columns(path, column_names(path, separator), columns)
    if images is None:
        found["image"] = ""  # names without a folder lead nowhere; the page says that no photo was looked at
    catalogue = CatalogueConfig(path=path, images=images, separator=separator, columns=Columns(**found))
    return RunConfig(name=_name(path), catalogue=catalogue)


def _columns(path: Path, names: Sequence[str], chosen: Sequence[str]) -> dict[str, str]:
    """The table's column of each field, "" where it has none."""
    given = {}
    for pair in chosen:
        field, _, name = pair.partition("=")
        if field not in USUAL_NAMES:
            raise ConfigError([f"--column {pair}: the field is one of {', '.join(USUAL_NAMES)}"])
        if name not in names:
            raise CatalogueError(f"{path.name}: no column {name} (columns: {', '.join(names)})")
        given[field] = name
    by_lower = {name.lower(): name for name in reversed(names)}
    found = {}
    for field, usual in USUAL_NAMES.items():
        found[field] = given.get(field) or next((by_lower[name] for name in usual if name in by_lower), "")
        if field in NEEDED and not found[field]:
            exist = ", ".join(name for name in names if name) or "none"
            raise CatalogueError(
                f"{path.name}: no column {field} (columns: {exist}); name it with --column {field}=COLUMN"
            )
    return found


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
