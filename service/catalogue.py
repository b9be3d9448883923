"""The labelled catalogue that the page browses: the operator's, or the samples that come with the service."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from models.catalogue.index import CatalogueRow, IndexedCsv, PhotoFolder
from models.errors import ListingsUnreadable
from service.errors import CatalogueUnavailable
from service.observability.logs import event

PHOTOS = "images"
"""The folder beside the file that photos are looked for in; then beside the file itself."""


class LabelledCatalogue:
    """One file with its photos. It is indexed when it is first asked for, and again when it has changed.

    Everything here reads the disk: not for the event loop.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folders = (PhotoFolder(path.parent / PHOTOS), PhotoFolder(path.parent))
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._rows: IndexedCsv | None = None

    @property
    def name(self) -> str:
        """What the catalogue is called: the file's name without its ending."""
        return self.path.stem

    def rows(self) -> IndexedCsv:
        """The rows as they are now. Raises CatalogueUnavailable; a broken file is not read again until it changes."""
        with self._lock:
            seen = self._fingerprint()
            if seen != self._seen:
                self._rows, self._seen = self._index(), seen
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
        found = (folder.read(row.image) for folder in self._folders)
        return next((photo for photo in found if photo is not None), None)

    def _fingerprint(self) -> tuple[int, ...]:
        try:
            stat = self.path.stat()
        except OSError:
            return ()
        return (stat.st_ino, stat.st_size, stat.st_mtime_ns)

    def _index(self) -> IndexedCsv | None:
        try:
            rows = IndexedCsv.index(self.path)
            if len(rows):
                return rows
            reason = "no rows"
        except ListingsUnreadable as error:
            reason = error.message
        event(logging.ERROR, "catalogue refused", reason=reason)
        return None
