from __future__ import annotations

import csv
import sys
import tracemalloc
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from models.catalogue import csv_file
from models.catalogue import index as indexed_csv
from models.catalogue.index import CatalogueRow, IndexedCsv
from models.catalogue.rows import LabelledCsv
from models.catalogue.source import Source
from models.errors import ListingsUnreadable

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
    return IndexedCsv.index(Source(path))


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
    for number, one in enumerate(LabelledCsv(Source(tmp_path / "some.csv"))):
        found = rows[number]
        assert (found.designation, found.description) == (one.listing.designation, one.listing.description)
        assert (found.id, found.category) == (one.listing.id, one.category)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_rows_are_found_again_in_every_encoding(tmp_path: Path, encoding: str, line_end: str) -> None:
    lines = ["sep=;", "titre;categorie", "été;10", '"à;\nb";20', "", "œuvre;30"]
    (tmp_path / "some.csv").write_bytes(line_end.join(lines).encode(encoding))
    rows = IndexedCsv.index(Source(tmp_path / "some.csv"))
    assert [(rows[n].designation, rows[n].category) for n in (2, 0, 1)] == [
        ("œuvre", "30"),
        ("été", "10"),
        ("à;\nb", "20"),
    ]


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
        (b"", "no column category"),
        (b"designation,category\nx,1,2\n", "more cells"),
        (b'designation,category\n"x,1\n', "line 2: a quote opens there"),
    ],
)
def test_faults_are_found_at_once(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(content)
    with pytest.raises(ListingsUnreadable, match=message):
        IndexedCsv.index(Source(path))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ListingsUnreadable, match="No such file"):
        IndexedCsv.index(Source(tmp_path / "none.csv"))
    with pytest.raises(ListingsUnreadable):
        IndexedCsv.index(Source(tmp_path))


@pytest.mark.parametrize(
    ("module", "name", "most"),
    [(indexed_csv, "MAX_ROWS", 2), (indexed_csv, "MAX_CATEGORIES", 2), (csv_file, "MAX_LINE_CHARACTERS", 30)],
)
def test_files_beyond_the_limits_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, most: int
) -> None:
    monkeypatch.setattr(module, name, most)
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
    rows = IndexedCsv.index(Source(path))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 3_000_000
    assert rows[99_999].designation == "Titre 99999"
    assert len(rows.labelled("26")) == 3703
    assert sys.getsizeof(rows) < 1000
    assert rows.labelled().dtype == np.int64
