"""The labelled catalogue that the page browses: the operator's, or the samples that come with the service."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from models.catalogue.index import CatalogueRow, IndexedCsv
from models.catalogue.photos import PhotoFolder
from models.catalogue.source import is_config, read_source
from models.errors import ListingsUnreadable
from service.errors import CatalogueUnavailable
from service.observability.logs import event

PHOTOS = "images"
"""The folder beside the file that has the photos; photos that are not there are looked for beside the file."""


class LabelledCatalogue:
    """One file with its photos, indexed at its first use and again after each change of it or of its config.

    `path` is a CSV file or a run's config. Its methods read the disk and must not be called on the event loop.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._table = path
        self._folders: tuple[PhotoFolder, ...] = ()
        self._lock = threading.Lock()
        self._fingerprint: tuple[tuple[int, ...], ...] | None = None
        self._rows: IndexedCsv | None = None

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


def _state(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except OSError:
        return ()
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns)
