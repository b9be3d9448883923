"""A photo is found by the name that a row gives it, and none outside of the folder is read."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from models.catalogue.photos import PhotoFolder
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
    os.mkfifo(folder / "pipe.jpg")
    photos = PhotoFolder(folder)
    for name in ("", ".", "below", "none.jpg", "a\x00b", "x" * 5000, "ring", "pipe", "pipe.jpg", "pipe.JPG", "a.jpg/c"):
        assert photos.read(name) is None, name
    assert PhotoFolder(folder / "none").read("a.jpg") is None


def test_a_file_over_the_limit_is_not_read(folder: Path) -> None:
    with (folder / "large").open("wb") as file:
        file.truncate(MAX_IMAGE_BYTES + 1)
    assert PhotoFolder(folder).read("large") is None


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("  a.jpg ", "a.jpg"),
        ("./a.jpg", "a.jpg"),
        ("a.JPG", "a.jpg"),
        ("a", "a.jpg"),
        ("below\\b.jpg", "below/b.jpg"),
        ("{root}/below/b.jpg", "below/b.jpg"),
        ("photos/a.jpg", "a.jpg"),  # as seen from beside the folder
        ("un%20caf%C3%A9.png", "un café.png"),
        (unicodedata.normalize("NFD", "Un Café"), "un café.png"),
        ("50%.png", "50%.png"),
        ("12.5 cm", "12.5 cm.webp"),
    ],
)
def test_one_photo_is_found_under_many_spellings(folder: Path, name: str, file: str) -> None:
    for other in ("un café.png", "50%.png", "12.5 cm.webp", "notes.txt"):
        (folder / other).write_bytes(b"c")
    photos = PhotoFolder(folder)
    assert photos.find(name.format(root=folder)) == folder / file
    assert not photos.lies_outside(name.format(root=folder))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("https://shop.example/a.jpg", "https://shop.example/a.jpg is a web address; photos are read from files"),
        ("gone.jpg", "there is no file photos/gone.jpg among the 3 pictures of its folder"),
        ("a.png", "there is no file photos/a.png, only a.jpg"),
        ("twice", "photos/twice may be any of twice.JPG, twice.jpg"),
        ("train/a.jpg", "there is no folder photos/train (tried photos/train/a.jpg)"),
        ("../secret", "../secret lies outside photos"),
        ("C:\\photos\\a.jpg", "C:\\photos\\a.jpg lies outside photos"),
    ],
)
def test_why_a_photo_is_not_found(folder: Path, name: str, reason: str) -> None:
    for other in ("twice.jpg", "twice.JPG"):
        (folder / other).write_bytes(b"c")
    photos = PhotoFolder(folder)
    assert photos.find(name) is None
    assert photos.why_missing(name).startswith(reason)
    assert photos.lies_outside(name) == ("outside" in reason)
