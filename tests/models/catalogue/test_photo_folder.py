from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.catalogue.index import PhotoFolder
from models.preprocessing.image.limits import MAX_IMAGE_BYTES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    (root / "below").mkdir(parents=True)
    (root / "a.jpg").write_bytes(b"a")
    (root / "below" / "b.jpg").write_bytes(b"b")
    (tmp_path / "secret").write_bytes(b"secret")
    return root


def test_photos_of_the_folder_and_below(folder: Path) -> None:
    photos = PhotoFolder(folder)
    assert photos.read("a.jpg") == b"a"
    assert photos.read("below/b.jpg") == b"b"
    assert photos.read("below/../a.jpg") == b"a"


def test_nothing_outside(folder: Path) -> None:
    secret = folder.parent / "secret"
    (folder / "link").symlink_to(secret)
    (folder / "up").symlink_to(folder.parent)
    photos = PhotoFolder(folder)
    for name in ("../secret", str(secret), "below/../../secret", "link", "up/secret", "/etc/passwd", "~/x"):
        assert photos.read(name) is None, name


def test_links_inside_are_followed(folder: Path) -> None:
    (folder / "same.jpg").symlink_to(folder / "below" / "b.jpg")
    (folder.parent / "entry").symlink_to(folder)
    assert PhotoFolder(folder.parent / "entry").read("same.jpg") == b"b"


def test_what_is_no_file_is_nothing(folder: Path) -> None:
    (folder / "ring").symlink_to(folder / "ring")
    os.mkfifo(folder / "pipe")
    photos = PhotoFolder(folder)
    for name in ("", ".", "below", "none.jpg", "a\x00b", "x" * 5000, "ring", "pipe", "a.jpg/c"):
        assert photos.read(name) is None, name
    assert PhotoFolder(folder / "none").read("a.jpg") is None


def test_a_file_over_the_limit_is_not_read(folder: Path) -> None:
    with (folder / "large").open("wb") as file:
        file.truncate(MAX_IMAGE_BYTES + 1)
    assert PhotoFolder(folder).read("large") is None
