"""Reading a config: TOML, laid over the config that a top-level `base` names.

    base = "../rakuten.toml"

    [text]
    network = "lstm"

Tables are merged, at every depth; for other values the upper file's counts. A table that names another
`network` than the one below replaces it whole, since the settings of one network mean nothing to another. `base` is
relative to the file that it stands in, paths in a base to the base.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from models.errors import ListingsUnreadable

CATALOGUE_PATHS = (("catalogue", "path"), ("catalogue", "images"), ("catalogue", "taxonomy"))
NO_PATHS = ("package", "imagenet", "none")
"""Values of these fields that are no path."""

Document = dict[str, Any]
Paths = Sequence[Sequence[str]]


def read_document(path: Path, paths: Paths = CATALOGUE_PATHS) -> Document:
    """The fields of a config and its bases, not checked yet; `paths` are those that hold paths.

    Raises ListingsUnreadable with one line.
    """
    return _read(path, paths, ())


def _read(path: Path, paths: Paths, upper: tuple[Path, ...]) -> Document:
    document = _parse(path)
    base = document.pop("base", None)
    if base is None:
        return document
    if not isinstance(base, str) or not base:
        raise ListingsUnreadable(f"{path.name}: base: must be the path of another config")
    below, upper = path.parent.resolve() / base, (*upper, path.resolve())
    below = below.parent.resolve() / below.name  # without "..", so that one folder has one name
    if not below.is_file():
        raise ListingsUnreadable(f"{path.name}: base: no file {below.name}")
    if below.resolve() in upper:
        raise ListingsUnreadable(f"{path.name}: base: {below.name} is built on {upper[0].name} itself")
    return _merged(_anchored(_read(below, paths, upper), paths, below.parent), document)


def _parse(path: Path) -> Document:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ListingsUnreadable(f"{path.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ListingsUnreadable(f"{path.name}: not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ListingsUnreadable(f"{path.name}: not TOML: {error}") from error


def _anchored(document: Document, paths: Paths, folder: Path) -> Document:
    """The document with its paths, which are relative to `folder`, made absolute."""
    for field in paths:
        document = _with_path(document, field, folder)
    return document


def _with_path(document: Document, field: Iterable[str], folder: Path) -> Document:
    key, *rest = field
    value = document.get(key)
    if rest:
        return {**document, key: _with_path(value, rest, folder)} if isinstance(value, dict) else document
    if not isinstance(value, str) or value in NO_PATHS:
        return document
    return {**document, key: str((folder / Path(value).expanduser()).absolute())}


def _merged(below: Document, above: Document) -> Document:
    result = dict(below)
    for key, value in above.items():
        under = below.get(key)
        mergeable = isinstance(value, dict) and isinstance(under, dict) and not _other_network(under, value)
        result[key] = _merged(below[key], value) if mergeable else value
    return result


def _other_network(below: Document, above: Document) -> bool:
    return "network" in below and "network" in above and below["network"] != above["network"]
