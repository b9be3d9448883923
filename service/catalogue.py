"""The labelled catalogue that the page browses: the operator's, a version's own listings, or the service's samples."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from models.catalogue.index import CatalogueRow, IndexedCsv
from models.catalogue.photos import PhotoFolder
from models.catalogue.source import is_config, read_source
from models.errors import ListingsUnreadable
from models.versions.manifest import Manifest
from models.versions.samples import TABLE
from service.errors import CatalogueMissing, CatalogueUnavailable
from service.observability.logs import event
from service.settings import SAMPLES

PHOTOS = "images"
"""The folder beside the file that has the photos; photos that are not there are looked for beside the file."""

Origin = Literal["operator", "version", "samples"]
"""Whose listings a catalogue holds."""


class LabelledCatalogue:
    """One file with its photos, indexed at its first use and again after each change of it or of its config.

    `path` is a CSV file or a run's config. Its methods read the disk and must not be called on the event loop.
    """

    def __init__(self, path: Path, origin: Origin = "operator") -> None:
        self.path = path
        self._table = path
        self._folders: tuple[PhotoFolder, ...] = ()
        self._lock = threading.Lock()
        self._fingerprint: tuple[tuple[int, ...], ...] | None = None
        self._rows: IndexedCsv | None = None
        self.origin = origin

    @property
    def name(self) -> str:
        """The catalogue's name: the file's without its ending."""
        return self.path.stem

    def rows(self) -> IndexedCsv:
        """The rows of the file. Raises CatalogueUnavailable; a broken file is not read again until it changes."""
        with self._lock:
            if self._read_fingerprint() != self._fingerprint:
                self._rows = self._index()
            if self._rows is None:
                raise CatalogueUnavailable
            return self._rows

    def row(self, number: int) -> CatalogueRow | None:
        """One row; None when there is none of this number. Raises CatalogueUnavailable."""
        try:
            return self.rows()[number]
        except IndexError:
            return None
        except ListingsUnreadable:  # changed since it was indexed
            raise CatalogueUnavailable from None

    def photo(self, row: CatalogueRow) -> bytes | None:
        """The bytes of the row's photo; None when it has none that can be read."""
        if not row.image:
            return None
        photos = (folder.read(row.image) for folder in self._folders)
        return next((photo for photo in photos if photo is not None), None)

    def _read_fingerprint(self) -> tuple[tuple[int, ...], ...]:
        return tuple(_state(path) for path in dict.fromkeys((self.path, self._table)))

    def _index(self) -> IndexedCsv | None:
        self._fingerprint = self._read_fingerprint()
        try:
            source = read_source(self.path)
            self._table = source.path
            self._fingerprint = self._read_fingerprint()
            beside = self._table.parent
            folders = (source.images,) if source.images or is_config(self.path) else (beside / PHOTOS, beside)
            self._folders = tuple(PhotoFolder(folder) for folder in folders if folder)
            rows = IndexedCsv.index(source)
            if len(rows):
                return rows
            reason = "no rows"
        except ListingsUnreadable as error:
            reason = error.message
        event(logging.ERROR, "catalogue refused", reason=reason)
        return None


class Catalogues:
    """The catalogue to browse with each version of the store at `root`. `path` is the operator's, if he set one."""

    def __init__(self, path: Path, root: Path) -> None:
        self.operators = None if path == SAMPLES else LabelledCatalogue(path)
        self._samples = LabelledCatalogue(SAMPLES, "samples")
        self._root = root
        self._own: dict[str, LabelledCatalogue] = {}

    def of(self, manifest: Manifest, codes: Collection[str]) -> LabelledCatalogue:
        """The operator's catalogue, else the listings that the version carries, else the samples if it knows all their
        categories. Reads the disk. Raises CatalogueMissing, CatalogueUnavailable.
        """
        if self.operators is not None:
            return self.operators
        if TABLE in manifest.files:
            version = manifest.version
            return self._own.setdefault(version, LabelledCatalogue(self._root / version / TABLE, "version"))
        if self._samples.rows().counts.keys() <= set(codes):
            return self._samples
        raise CatalogueMissing


def _state(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except OSError:
        return ()
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)
