"""Version folders that a store takes for versions, with next to nothing in them."""

from __future__ import annotations

from pathlib import Path

from models.versions.manifest import MANIFEST
from models.versions.store import Store

FIRST, SECOND, THIRD = "2026.11.23-aaaaaaa", "2026.11.24-bbbbbbb", "2026.11.25-0000000"
NO_NAMES = ["", ".", "..", "../x", "/", "/etc", "a/b", f"{FIRST}/", f"./{FIRST}", f"{FIRST}\n", "a\0b", "é", "x" * 300]
"""What no version is called, and what must not lead out of the store."""


def store_with_three(folder: Path) -> Store:
    """A store with three versions, nothing promoted."""
    store = Store(folder / "below" / "store")
    for name in (SECOND, FIRST, THIRD):
        publish(store, name)
    return store


def publish(store: Store, name: str, content: str = "{}") -> None:
    """Seal a version with `content` for a manifest and a file in a folder of its own."""
    with store.draft() as draft:
        write(draft, content)
        store.seal(draft, name)


def write(draft: Path, content: str = "{}") -> None:
    (draft / MANIFEST).write_text(content)
    (draft / "golden").mkdir()
    (draft / "golden" / "00.jpg").write_bytes(b"x")


def hidden(store: Store) -> list[str]:
    """Names of what a store hides: drafts and half-written files."""
    return [path.name for path in store.root.iterdir() if path.name.startswith(".")]
