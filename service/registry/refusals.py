"""Refusals of versions: the reasons that callers see, and when to try again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.errors import LoadStep, VersionRefused, VersionUnknown
from models.versions.store import CURRENT, Store

RETRY_SECONDS = 600.0
"""A refused version is tried again after this even if nothing changed: the cause may have been this machine's, such as
memory or descriptors. A change of its folder or of `current` is reason enough at once."""
MAX_ENTRIES = 1000
"""Files of a folder that are looked at for changes; versions have about thirty."""

Fingerprint = tuple[object, ...]


class RefusalCode(StrEnum):
    """What was wrong."""

    MISSING = "version_missing"
    MANIFEST = "manifest_invalid"
    FILES = "files_changed"
    PARTS = "parts_invalid"
    NETWORKS = "networks_invalid"
    GOLDEN = "golden_differs"
    FAILED = "load_failed"
    MEMORY = "over_memory"

    @property
    def reason(self) -> str:
        """A fixed sentence for people. Details can name files, and stay with the operators."""
        return f"{_REASONS[self]} The log and `python -m models verify VERSION` say more."


_REASONS = {
    RefusalCode.MISSING: "The store holds no version of this name, or its manifest is gone.",
    RefusalCode.MANIFEST: "The manifest is damaged, of a foreign format, or was changed after it was sealed.",
    RefusalCode.FILES: "A file is damaged, missing, unreadable or one too many.",
    RefusalCode.PARTS: "Categories, preprocessing, fusion or calibration are malformed, or do not fit together.",
    RefusalCode.NETWORKS: "A network cannot be loaded, or is one for other categories.",
    RefusalCode.GOLDEN: "The golden listings get other answers than when the version was published.",
    RefusalCode.FAILED: "Loading failed unexpectedly.",
    RefusalCode.MEMORY: "The versions in memory leave no room for it.",
}
_STEPS = {
    LoadStep.MANIFEST: RefusalCode.MANIFEST,
    LoadStep.FILES: RefusalCode.FILES,
    LoadStep.PARTS: RefusalCode.PARTS,
    LoadStep.NETWORKS: RefusalCode.NETWORKS,
    LoadStep.GOLDEN: RefusalCode.GOLDEN,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: its time on the registry's clock, and the state of the folder and the pointer at that time."""

    version: str
    code: RefusalCode
    fingerprint: Fingerprint
    seconds: float


def code_of(error: Exception) -> RefusalCode:
    """The code for what a load raised."""
    if isinstance(error, VersionUnknown):
        return RefusalCode.MISSING
    if isinstance(error, VersionRefused) and error.step is not None:
        return _STEPS[error.step]
    return RefusalCode.FAILED


def fingerprint(store: Store, version: str) -> Fingerprint:
    """Changes when `current` or anything in the version's folder does; contents are not read, links not followed."""
    folder = store.root / version
    entries: list[object] = [_identity(store.root / CURRENT), _identity(folder)]
    if folder.is_symlink():
        return tuple(entries)
    for parent, folders, files in os.walk(folder):
        entries.extend((name, _identity(Path(parent, name))) for name in sorted((*folders, *files)))
        if len(entries) > MAX_ENTRIES:
            break
    return tuple(entries)


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        entry = path.lstat()
    except OSError:
        return None
    return entry.st_ino, entry.st_mode, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns
