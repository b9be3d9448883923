from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import NoVersion, VersionUnknown
from models.versions.manifest import MANIFEST
from models.versions.store import CURRENT, HISTORY, Store
from tests.models.plain_versions import FIRST, NO_NAMES, SECOND, THIRD, hidden, store_with_three


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_with_three(tmp_path)


def test_versions_are_whole_folders_newest_first(store: Store) -> None:
    (store.root / "2026.11.26-nothing").mkdir()
    (store.root / "a-file").touch()
    (store.root / ".hidden").mkdir()
    (store.root / ".hidden" / MANIFEST).touch()
    (store.root / "a link").symlink_to(store.root / FIRST)
    (store.root / "link").symlink_to(store.root / FIRST)
    (store.root / "new\nline").mkdir()
    (store.root / "new\nline" / MANIFEST).touch()
    assert store.versions() == [THIRD, SECOND, FIRST]
    assert (store.folder(FIRST) / "golden" / "00.jpg").read_bytes() == b"x"


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.touch()])
def test_a_store_without_versions(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "store")
    store = Store(tmp_path / "store")
    assert store.versions() == []
    for ask in (store.current, store.previous, store.rollback):
        with pytest.raises(NoVersion):
            ask()
    with pytest.raises(VersionUnknown):
        store.promote(FIRST)
    with pytest.raises(VersionUnknown):
        store.folder(FIRST)


@pytest.mark.parametrize("name", [*NO_NAMES, CURRENT, HISTORY, "2026.11.25-unknown"])
def test_a_name_that_is_no_version_leads_nowhere(store: Store, name: str) -> None:
    store.promote(FIRST)
    with pytest.raises(VersionUnknown) as caught:
        store.folder(name)
    assert caught.value.pointer == "/version"
    with pytest.raises(VersionUnknown):
        store.promote(name)
    assert store.current() == FIRST


@pytest.mark.parametrize("content", [b"", b"\n", b"..\n", b"../x\n", b"a\nb\n", b"\xff\xfe\n", b"/etc\n"])
def test_a_damaged_current_is_no_version(store: Store, content: bytes) -> None:
    (store.root / CURRENT).write_bytes(content)
    with pytest.raises(NoVersion):
        store.current()


def test_current_is_one_line(store: Store) -> None:
    store.promote(SECOND)
    assert (store.root / CURRENT).read_bytes() == f"{SECOND}\n".encode()
    assert store.current() == SECOND
    store.promote(THIRD)
    assert (store.root / CURRENT).read_bytes() == f"{THIRD}\n".encode()
    assert hidden(store) == []


def test_rollback_goes_back_step_by_step(store: Store) -> None:
    for name in (FIRST, SECOND, SECOND, THIRD):
        store.promote(name)
    assert store.previous() == SECOND
    assert (store.rollback(), store.current()) == (SECOND, SECOND)
    assert (store.rollback(), store.current()) == (FIRST, FIRST)
    with pytest.raises(NoVersion):
        store.rollback()
    assert store.current() == FIRST


@pytest.mark.parametrize(
    ("promotions", "rollbacks"),
    [
        ([THIRD, FIRST, THIRD, SECOND], [THIRD, FIRST, THIRD]),  # not the newest, but the one served before
        ([FIRST, SECOND, None, THIRD], [FIRST]),  # None: a rollback
    ],
)
def test_rollback_knows_what_was_served(store: Store, promotions: list[str | None], rollbacks: list[str]) -> None:
    for name in promotions:
        store.promote(name) if name else store.rollback()
    assert [store.rollback() for _ in rollbacks] == rollbacks


def test_rollback_passes_over_versions_that_are_gone(store: Store) -> None:
    for name in (FIRST, SECOND, THIRD):
        store.promote(name)
    (store.folder(SECOND) / MANIFEST).unlink()
    assert store.previous() == FIRST
    assert store.rollback() == FIRST


def test_rollback_never_stays_where_it_is(store: Store) -> None:
    for name in (FIRST, SECOND, FIRST):
        store.promote(name)
    (store.folder(SECOND) / MANIFEST).unlink()
    with pytest.raises(NoVersion):
        store.rollback()
    assert store.current() == FIRST


@pytest.mark.parametrize(
    ("file", "mode", "earlier"),
    [
        (HISTORY, "a", FIRST),  # a promotion that was killed halfway
        (CURRENT, "w", SECOND),  # a version written into current by hand
    ],
)
def test_rollback_follows_what_was_really_served(store: Store, file: str, mode: str, earlier: str) -> None:
    for name in (FIRST, SECOND):
        store.promote(name)
    with (store.root / file).open(mode) as text:
        text.write(f"{THIRD}\n")
    assert store.previous() == earlier


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n", b"../x /etc\n"])
def test_a_damaged_history_is_none(store: Store, content: bytes) -> None:
    store.promote(FIRST)
    (store.root / HISTORY).write_bytes(content)
    with pytest.raises(NoVersion):
        store.rollback()
    store.promote(SECOND)
    assert store.current() == SECOND
