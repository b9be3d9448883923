from __future__ import annotations

from pathlib import Path

import pytest

from models.catalogue.rows import LabelledCsv, safe_cell
from models.catalogue.source import Source
from models.errors import ListingsUnreadable


def read(path: Path, text: str, images: Path | None = None) -> LabelledCsv:
    path.write_text(text, encoding="utf-8", newline="")
    return LabelledCsv(Source(path, images))


def test_rows_come_in_order_with_their_photos(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"pixels")
    text = (
        "\ufeffimage, category ,description,designation,listing_id\r\n"
        'a.jpg,10,"two\r\nlines",Livre, 7 \r\n'
        "gone.jpg,40,,Console,\r\n"
        ",,,nothing known,\r\n"
    )
    catalogue = read(tmp_path / "some.csv", text, tmp_path / "photos")
    assert catalogue.count() == 3
    first, second, third = catalogue
    assert (first.row, first.category, first.photo_missing) == (0, "10", False)
    assert (first.listing.designation, first.listing.description) == ("Livre", "two\r\nlines")
    assert (first.listing.image, first.listing.id) == (b"pixels", "7")
    assert (second.listing.image, second.photo_missing, second.listing.id) == (None, True, None)
    assert (third.row, third.category, third.photo_missing) == (2, "", False)


def test_columns_that_need_not_be_there(tmp_path: Path) -> None:
    (only,) = read(tmp_path / "some.csv", "designation,category\nLivre,10\n")
    assert (only.listing.description, only.listing.image, only.listing.id) == ("", None, None)


def test_a_row_that_ends_early_and_a_very_long_field(tmp_path: Path) -> None:
    rows = list(read(tmp_path / "some.csv", f"designation,category,description\nLivre\nx,10,{'a' * 200_000}\n"))
    assert (rows[0].category, rows[0].listing.description) == ("", "")
    assert len(rows[1].listing.description) == 200_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column category (columns: none)"),
        ("designation,category\nx,1,2\n", "row 2 has more cells (3) than the header (2)"),
        ("designation,category,image\nx,1,a.jpg\n", "say where with --images"),
    ],
)
def test_a_fault_is_one_line_that_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ListingsUnreadable) as caught:
        list(read(tmp_path / "some.csv", text))
    assert str(caught.value).startswith("some.csv: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "a/../../b.jpg"])
def test_no_photo_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    catalogue = read(tmp_path / "some.csv", f"designation,category,image\nx,1,{name}\n", tmp_path)
    with pytest.raises(ListingsUnreadable, match="image of row 2 lies outside"):
        list(catalogue)


def test_a_file_or_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ListingsUnreadable, match="No such file"):
        LabelledCsv(Source(tmp_path / "none.csv")).count()
    with pytest.raises(ListingsUnreadable, match="no such folder of photos"):
        LabelledCsv(Source(tmp_path / "none.csv", tmp_path / "nowhere")).count()


@pytest.mark.parametrize("text", ["=1+1", "+33 1", "-5", "@sum", "\tx", "\r=x", "\n=x", "＝x", "-cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Piscine = eau", "", "a-b", -5, 0.25, -0.5])
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert safe_cell(value) == str(value)
