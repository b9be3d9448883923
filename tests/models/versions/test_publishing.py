"""Drafts, sealing and promoting: what a store does while it is written."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from models.errors import StoreError
from models.versions.manifest import MANIFEST
from models.versions.store import CURRENT, HISTORY, Store
from tests.models.plain_versions import FIRST, NO_NAMES, SECOND, THIRD, hidden, publish, store_with_three, write

ROOT = Path(__file__).parents[3]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_with_three(tmp_path)


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what was flushed to disk, and "rename" or "replace" where that was done, in order."""
    done: list[str] = []

    def recorded(name: str) -> None:
        original = getattr(Path, name)

        def move(source: Path, target: Path) -> Path:
            done.append(name)
            return original(source, target)  # type: ignore[no-any-return]

        monkeypatch.setattr(Path, name, move)

    def fsync(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        original_fsync(descriptor)

    original_fsync = os.fsync
    monkeypatch.setattr(os, "fsync", fsync)
    recorded("rename")
    recorded("replace")
    return done


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)


def remount_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions would not do: they do not hold root, who may be running this."""

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(30, "Read-only file system")

    for name in ("mkdir", "write_text", "rename", "replace"):
        monkeypatch.setattr(Path, name, fail)


@pytest.mark.parametrize("name", NO_NAMES)
def test_nothing_is_sealed_under_a_name_that_is_none(store: Store, name: str) -> None:
    before = sorted(path.name for path in store.root.parent.rglob("*"))
    with pytest.raises(StoreError):
        publish(store, name)
    assert sorted(path.name for path in store.root.parent.rglob("*")) == before


@pytest.mark.parametrize("error", [None, RuntimeError("stop")])
def test_a_draft_is_hidden_and_removed_unless_sealed(store: Store, error: Exception | None) -> None:
    with suppress(RuntimeError), store.draft() as draft:
        write(draft)
        assert hidden(store) == [draft.name]
        assert draft.parent == store.root
        assert store.versions() == [THIRD, SECOND, FIRST]
        if error:
            raise error
    assert hidden(store) == []
    assert store.versions() == [THIRD, SECOND, FIRST]


def test_a_store_is_made_where_there_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "b")
    publish(store, FIRST)
    assert store.versions() == [FIRST]


def test_a_name_is_sealed_once(store: Store) -> None:
    with pytest.raises(StoreError, match="exists already"):
        publish(store, FIRST, "other")
    assert (store.folder(FIRST) / MANIFEST).read_text() == "{}"
    assert hidden(store) == []


@pytest.mark.parametrize("make", [lambda path: path.touch(), lambda path: path.symlink_to("nowhere")])
def test_a_name_that_is_taken_by_something_else_is_not_sealed(store: Store, make: Callable[[Path], None]) -> None:
    make(store.root / "taken")
    with pytest.raises(StoreError):
        publish(store, "taken")
    assert hidden(store) == []


def test_a_version_is_on_disk_before_it_is_visible(store: Store, flushed: list[str]) -> None:
    """Every file and folder is flushed, the draft renamed, then the store's own folder is flushed."""
    with store.draft() as draft:
        write(draft)
        store.seal(draft, "new")
    assert set(flushed[:4]) == {MANIFEST, "golden", "00.jpg", draft.name}
    assert flushed[3:] == [draft.name, "rename", "store"]


def test_current_is_on_disk_before_it_is_visible_and_after_the_history(store: Store, flushed: list[str]) -> None:
    store.promote(FIRST)
    assert flushed == [".history", "replace", "store", ".current", "replace", "store"]


def test_drafts_of_others_at_work_stay(store: Store) -> None:
    with store.draft() as first, store.draft() as second:
        publish(store, "another")
        assert first != second
        assert set(hidden(store)) == {first.name, second.name}


KILLED = """
import os, signal, sys
from pathlib import Path
from models.versions.store import Store
with Store(Path(sys.argv[1])).draft() as draft:
    (draft / "half").write_bytes(b"x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_drafts_of_processes_that_are_gone_are_removed(store: Store) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, store.root], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert len(hidden(store)) == 1
    assert store.versions() == [THIRD, SECOND, FIRST]
    publish(store, "next")
    assert hidden(store) == []


def test_the_rest_of_a_killed_promotion_is_no_hindrance(store: Store) -> None:
    for name in (CURRENT, HISTORY):
        (store.root / f".{name}").write_text("half")
    store.promote(FIRST)
    assert store.current() == FIRST
    assert hidden(store) == []


def test_promotions_at_the_same_time_leave_current_and_history_whole(store: Store) -> None:
    def promote(names: list[str]) -> None:
        for name in names * 10:
            store.promote(name)

    threads = [threading.Thread(target=promote, args=[names]) for names in ([FIRST, SECOND], [THIRD, FIRST])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (store.root / HISTORY).read_text().split()
    assert lines[-1] == store.current()
    assert all(line != following for line, following in pairwise(lines))
    assert 20 <= len(lines) <= 40
    assert hidden(store) == []


def test_a_read_only_store_is_read_and_says_that_it_cannot_be_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (FIRST, SECOND):
        store.promote(name)
    remount_read_only(monkeypatch)
    assert store.versions() == [THIRD, SECOND, FIRST]
    assert store.current() == SECOND
    assert store.previous() == FIRST
    assert store.folder(FIRST).is_dir()
    for attempt in (lambda: store.promote(FIRST), store.rollback, lambda: publish(store, "new")):
        with pytest.raises(StoreError, match="Read-only file system"):
            attempt()
    assert store.current() == SECOND


def test_a_disk_that_is_full_while_sealing_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_disk(monkeypatch)
    with pytest.raises(StoreError, match="No space left"):
        publish(store, "new")
    assert store.versions() == [THIRD, SECOND, FIRST]
    assert hidden(store) == []


def test_a_disk_that_is_full_while_promoting_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.promote(FIRST)
    fill_disk(monkeypatch)
    with pytest.raises(StoreError, match="No space left"):
        store.promote(SECOND)
    assert store.current() == FIRST
    assert hidden(store) == []


def test_a_file_in_place_of_the_store_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    with pytest.raises(StoreError):
        publish(Store(tmp_path / "store"), FIRST)
