"""Stores to serve from while a server is put under stress: copies, so that they can be harmed."""

from __future__ import annotations

import shutil
from pathlib import Path

from models.versions.manifest import read_manifest, write_manifest
from models.versions.store import Store
from tests.models.tiny_version import make_version


def soak_store(root: Path, source: Path | None) -> Store:
    """A store of two versions or more, the oldest promoted: tiny ones with other answers each, or real ones."""
    store = Store(root)
    if source is None:
        for number, classes in enumerate((4, 6, 3)):
            make_version(root, day=20 + number, seed=number, classes=classes)
    else:
        root.mkdir()
        for version in Store(source).versions():
            shutil.copytree(source / version, root / version)
        if len(store.versions()) == 1:
            _twin(store, store.versions()[0])
    store.promote(store.versions()[-1])
    return store


def _twin(store: Store, version: str) -> None:
    """Seal the same version once more, under another name."""
    fields = dict(read_manifest(store.folder(version)))
    for name in ("format_version", "version", "digest", "files"):
        del fields[name]
    with store.draft() as draft:
        shutil.copytree(store.folder(version), draft, dirs_exist_ok=True)
        manifest = write_manifest(draft, **(fields | {"run": {**fields["run"], "twin": True}}))
        store.seal(draft, manifest.version)
