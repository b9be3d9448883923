"""The versions that exist: one folder each, never changed once visible, and `current`, one line that names the one to
serve.

Publishing writes into a hidden draft folder on the same file system, flushes every file and folder to disk, and
renames: a reader sees a whole version or none. `current` is replaced the same way. `history` holds one line a
promotion, for rollback.

Writers lock the store while they create drafts or move `current`, and a draft as long as they write it. Such a lock
ends with its process, however that ends; a process number would not do, for every container has a process 1.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from models.errors import NoVersion, StoreError, VersionUnknown
from models.versions.manifest import MANIFEST, VERSION_NAME

DEFAULT_STORE = Path(__file__).parents[1] / "store"
"""The versions that this checkout comes with."""
CURRENT = "current"
HISTORY = "history"
_DRAFT = ".draft-"


class Store:
    """A folder of versions. Reading never writes, so the folder may be mounted read-only."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def versions(self) -> list[str]:
        """Names of the sealed versions, the latest day first (names begin with their date), versions of one day in no
        particular order; empty without a store.
        """
        try:
            entries = [entry.name for entry in os.scandir(self.root) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []
        sealed = (name for name in entries if VERSION_NAME.match(name) and (self.root / name / MANIFEST).is_file())
        return sorted(sealed, reverse=True)

    def current(self) -> str:
        """The promoted version's name; it may be missing or damaged. Raises NoVersion when nothing is promoted."""
        try:
            line = (self.root / CURRENT).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NoVersion from error
        if not VERSION_NAME.match(line):
            raise NoVersion
        return line

    def folder(self, version: str) -> Path:
        """The folder of a sealed version. Raises VersionUnknown; only known names are joined to a path."""
        if version not in self.versions():
            raise VersionUnknown(pointer="/version")
        return self.root / version

    def locate(self, version: str) -> Path:
        """The folder of a version of this store, or of one that lies elsewhere and is given by its folder's path.

        For commands only: a path leads anywhere. Raises VersionUnknown.
        """
        if version not in self.versions() and (Path(version) / MANIFEST).is_file():
            return Path(version).resolve()
        return self.folder(version)

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A hidden empty folder to write a version into; removed on leaving unless `seal` has taken it.

        Drafts whose process is gone (killed while publishing) are removed first. Raises StoreError.
        """
        path = self.root / f"{_DRAFT}{secrets.token_hex(4)}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with _locked(self.root):
                self._remove_abandoned_drafts()
                path.mkdir()
                lock = _lock(path)
        except OSError as error:
            raise StoreError(f"cannot write to {self.root}: {error.strerror}") from error
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)

    def seal(self, draft: Path, version: str) -> Path:
        """Make the draft visible as `version`: flush everything, rename, flush the parent. Raises StoreError."""
        if not VERSION_NAME.match(version):
            raise StoreError("a version's name has letters, digits, dots, dashes and underscores only")
        target = self.root / version
        if target.exists():
            raise StoreError(f"version {version} exists already")
        try:
            for path in sorted(draft.rglob("*"), reverse=True):
                _flush(path)
            _flush(draft)
            draft.rename(target)
            _flush(self.root)
        except OSError as error:
            raise StoreError(f"cannot seal {version}: {error.strerror}") from error
        return target

    def promote(self, version: str) -> None:
        """Make `version` the one to serve; callers have verified it. Raises VersionUnknown or StoreError."""
        self.folder(version)
        with self._writing():
            lines = self._history()
            if not lines or lines[-1] != version:
                lines.append(version)
            self._point(lines)

    def previous(self) -> str:
        """The version that was served before the current one. Raises NoVersion when there is none."""
        return self._served_before()[-1]

    def rollback(self) -> str:
        """Promote the version before the current one again and return its name. Raises NoVersion or StoreError."""
        self.previous()
        with self._writing():
            lines = self._served_before()
            self._point(lines)
        return lines[-1]

    def _served_before(self) -> list[str]:
        """The history up to the version before the current one, which is the last. Raises NoVersion."""
        current = self.current()
        lines = self._history()
        if current in lines:  # later lines were never served: their promotion was killed halfway
            lines = lines[: len(lines) - lines[::-1].index(current)]
        servable = set(self.versions()) - {current}
        while lines and lines[-1] not in servable:
            lines.pop()
        if not lines:
            raise NoVersion("No earlier version was promoted.")
        return lines

    def _history(self) -> list[str]:
        try:
            text = (self.root / HISTORY).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return []
        return [line for line in text.split() if VERSION_NAME.match(line)]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with _locked(self.root):
                yield
        except OSError as error:
            raise StoreError(f"cannot promote in {self.root}: {error.strerror}") from error

    def _point(self, history: list[str]) -> None:
        """Make the last version of `history` the current one."""
        self._replace(HISTORY, "\n".join(history) + "\n")
        self._replace(CURRENT, history[-1] + "\n")

    def _replace(self, name: str, text: str) -> None:
        temporary = self.root / f".{name}"  # one name is enough: the store is locked
        try:
            temporary.write_text(text, encoding="utf-8")
            _flush(temporary)
            temporary.replace(self.root / name)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _flush(self.root)

    def _remove_abandoned_drafts(self) -> None:
        """Remove the drafts that nobody holds a lock on; the store is locked."""
        with os.scandir(self.root) as entries:
            drafts = [Path(entry.path) for entry in entries if entry.name.startswith(_DRAFT)]
        for draft in filter(_is_abandoned, drafts):
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = _lock(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path) -> int:
    """Wait for the folder's lock; returns a descriptor that holds it until it is closed."""
    import fcntl  # here: reading a store needs neither locks nor POSIX

    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # a network file system without locks: no draft there ever counts as abandoned
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _is_abandoned(draft: Path) -> bool:
    """Whether no process holds the draft's lock."""
    import fcntl

    try:
        descriptor = os.open(draft, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
