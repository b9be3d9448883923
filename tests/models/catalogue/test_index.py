from __future__ import annotations

import csv
import os
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from models.catalogue import index as indexed_csv
from models.catalogue.index import CatalogueRow, IndexedCsv, PhotoFolder
from models.catalogue.rows import LabelledCsv
from models.errors import ListingsUnreadable
from models.preprocessing.image.limits import MAX_IMAGE_BYTES

TEXT = (
    "\ufeffimage, category ,description,designation,listing_id\r\n"
    'a.jpg,10,"two\r\nlines, and a ""quote""",Livre, 7 \r\n'
    "\r\n"
    ",40,é\u2028è,Console,\r\n"
    ",,,nothing known,\r\n"
    "b.jpg,10,,Autre livre\r\n"
)


def index(path: Path, text: str = TEXT) -> IndexedCsv:
    path.write_text(text, encoding="utf-8", newline="")
    return IndexedCsv.index(path)


def test_rows_in_any_order(tmp_path: Path) -> None:
    rows = index(tmp_path / "some.csv")
    assert len(rows) == 4
    assert rows[3] == CatalogueRow(3, None, "Autre livre", "", "10", "b.jpg")
    assert rows[0] == CatalogueRow(0, "7", "Livre", 'two\r\nlines, and a "quote"', "10", "a.jpg")
    assert rows[2] == CatalogueRow(2, None, "nothing known", "", "", "")
    assert rows[1].description == "é\u2028è"
    for missing in (4, -1):
        with pytest.raises(IndexError):
            rows[missing]


def test_the_rows_are_those_that_are_read_in_order(tmp_path: Path) -> None:
    rows = index(tmp_path / "some.csv", TEXT.replace("a.jpg", "").replace("b.jpg", ""))
    for one in LabelledCsv(tmp_path / "some.csv"):
        found = rows[one.row]
        assert (found.designation, found.description) == (one.listing.designation, one.listing.description)
        assert (found.id, found.category) == (one.listing.id, one.category)


def test_categories_and_photos(tmp_path: Path) -> None:
    rows = index(tmp_path / "some.csv")
    assert dict(rows.counts) == {"10": 2, "40": 1, "": 1}
    assert rows.labelled().tolist() == [0, 1, 3]
    assert rows.labelled("10").tolist() == [0, 3]
    assert rows.labelled("99").tolist() == rows.labelled("").tolist() == []
    assert [rows.names_photo(row) for row in range(4)] == [True, False, False, True]
    assert rows.has_photos
    assert not index(tmp_path / "other.csv", "designation,category\nx,1\n").has_photos


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column designation, category"),
        (b"title,category\nx,1\n", "no column designation"),
        (b"designation,category\nx,1,2\n", "more fields"),
        (b'designation,category\n"x,1\n', "not a readable table"),
        (b"designation,category\n\xff\xfe,1\n", "not UTF-8"),
    ],
)
def test_faults_are_found_at_once(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(content)
    with pytest.raises(ListingsUnreadable, match=message):
        IndexedCsv.index(path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ListingsUnreadable, match="No such file"):
        IndexedCsv.index(tmp_path / "none.csv")
    with pytest.raises(ListingsUnreadable):
        IndexedCsv.index(tmp_path)


@pytest.mark.parametrize(("name", "most"), [("MAX_ROWS", 2), ("MAX_CATEGORIES", 2), ("MAX_LINE_BYTES", 30)])
def test_files_beyond_the_limits_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(indexed_csv, name, most)
    with pytest.raises(ListingsUnreadable, match="more than"):
        index(tmp_path / "some.csv")


def test_a_file_that_was_cut_short_since(tmp_path: Path) -> None:
    rows = index(tmp_path / "some.csv")
    (tmp_path / "some.csv").write_text("designation,category\n", encoding="utf-8")
    with pytest.raises(ListingsUnreadable, match="not where it was"):
        rows[3]


def test_many_rows_take_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["designation", "description", "category", "image"])
        for n in range(100_000):
            writer.writerow([f"Titre {n}", "une description plus longue " * 3, n % 27, f"{n}.jpg"])
    tracemalloc.start()
    rows = IndexedCsv.index(path)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 3_000_000
    assert rows[99_999].designation == "Titre 99999"
    assert len(rows.labelled("26")) == 3703
    assert sys.getsizeof(rows) < 1000
    assert rows.labelled().dtype == np.int64


# Photos


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
