from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

from models.preprocessing.text.clean import MAX_CHARACTERS
from models.taxonomy import Taxonomy
from tests.training.generated_catalogue import KINDS, make_catalogue, make_photo
from training.catalogue.check import CheckReport, check_catalogue, usable_catalogue
from training.catalogue.dataset import Catalogue
from training.catalogue.read import read_catalogue, read_taxonomy
from training.config.run import CatalogueConfig
from training.errors import CatalogueRefused

HEADER = "listing_id,designation,description,image,category\n"


@pytest.fixture
def photo(tmp_path: Path) -> bytes:
    """A photo; the folder `tmp_path/images` exists."""
    path = make_catalogue(tmp_path, classes=2, rows_per_class=2, without_image=0)
    photos = sorted((path.parent / "images").iterdir())
    data = photos[0].read_bytes()
    for file in photos:
        file.unlink()
    return data


def read(folder: Path, rows: str) -> Catalogue:
    (folder / "listings.csv").write_text(HEADER + rows, encoding="utf-8")
    (folder / "images").mkdir(exist_ok=True)
    return read_catalogue(CatalogueConfig(path=folder / "listings.csv", images=folder / "images"))


def check(catalogue: Catalogue, *codes: str, **options: object) -> CheckReport:
    return check_catalogue(catalogue, Taxonomy.of_codes(codes), **options)  # type: ignore[arg-type]


def test_a_good_catalogue_has_no_problems_and_is_left_as_it_is(tmp_path: Path) -> None:
    config = CatalogueConfig(path=make_catalogue(tmp_path), images=tmp_path / "images")
    catalogue = read_catalogue(config)
    report = check_catalogue(catalogue, read_taxonomy(config, catalogue), decode=True)
    report.raise_on_problems()
    assert report.problems == report.notes == ()
    assert report.class_counts == {"10": 30, "40": 30, "1140": 30, "2583": 30}
    assert (report.rows, report.near_duplicates, report.exact_duplicates) == (120, 0, 0)
    assert report.with_text + report.empty_texts == 120
    assert usable_catalogue(catalogue, report).rows.equals(catalogue.rows)


def test_broken_photos_are_forgotten_and_their_texts_kept(tmp_path: Path, photo: bytes) -> None:
    images = tmp_path / "images"
    (images / "good.jpg").write_bytes(photo)
    (images / "empty.jpg").write_bytes(b"")
    (images / "text.jpg").write_text("not a photo")
    (images / "cut.jpg").write_bytes(photo[: len(photo) // 2])
    (images / "folder.jpg").mkdir()
    names = ("good", "empty", "text", "cut", "folder", "gone")
    catalogue = read(tmp_path, "".join(f"{n},livre {name},,{name}.jpg,1\n" for n, name in enumerate(names)))
    report = check(catalogue, "1", "2")
    assert report.undecodable_images == (1, 2, 3)
    assert report.missing_images == (4, 5)
    assert report.with_image == report.image_counts["1"] == 1
    usable = usable_catalogue(catalogue, report)
    assert len(usable) == 6
    assert [bool(image) for image in usable.rows["image"]] == [True] + 5 * [False]
    assert "3 photos cannot be decoded, or are blank; their rows keep their text (rows 3, 4, 5)" in report.notes


def test_damaged_pixels_are_found_by_decoding(tmp_path: Path) -> None:
    catalogue = read(tmp_path, "1,title,,photo.png,1\n")
    path = tmp_path / "images" / "photo.png"
    make_photo(KINDS[0], random.Random(0)).save(path)
    assert check(catalogue, "1", "2", decode=True).undecodable_images == ()
    data = bytearray(path.read_bytes())
    # Zeros in the middle of the pixels, under a checksum that says they belong there.
    start = data.index(b"IDAT")
    length = int.from_bytes(data[start - 4 : start], "big")
    end = start + 4 + length
    data[start + length // 2 : end] = bytes(end - start - length // 2)
    data[end : end + 4] = zlib.crc32(data[start:end]).to_bytes(4, "big")
    path.write_bytes(data)
    assert check(catalogue, "1", "2").undecodable_images == ()
    assert check(catalogue, "1", "2", decode=True).undecodable_images == (0,)


def test_rows_with_neither_text_nor_photo_are_dropped_and_counted(tmp_path: Path) -> None:
    blank = "<p>&nbsp;</p><br>"
    catalogue = read(tmp_path, f"1,,,,1\n2,  ,{blank},,1\n3,,,gone.jpg,1\n4,a,,,1\n5,,<b>b</b>,,2\n6,?,,,2\n")
    report = check(catalogue, "1", "2")
    assert report.unusable == (0, 1, 2, 5)
    usable = usable_catalogue(catalogue, report)
    assert list(usable.rows["row"]) == [3, 4]
    assert usable.left_out == {"neither text nor photo": 4}
    assert report.class_counts == {"1": 1, "2": 1}


def test_texts_over_the_limit_are_cut_to_what_the_service_takes(tmp_path: Path) -> None:
    catalogue = read(tmp_path, f"1,a,{'b' * (MAX_CHARACTERS + 1)},,1\n2,a,{'b' * MAX_CHARACTERS},,1\n")
    report = check(catalogue, "1", "2")
    assert report.overlong == (0,)
    assert list(usable_catalogue(catalogue, report).rows["description"].str.len()) == 2 * [MAX_CHARACTERS]


def test_what_cannot_be_trained_on_is_a_problem_and_what_is_left_out_a_note(tmp_path: Path) -> None:
    rows = "".join(f"{n},title {n},,,1\n" for n in range(5))
    catalogue = read(tmp_path, rows + "6,once,,,2\n7,new,,,9\n8,nothing,,,\n")
    report = check(catalogue, "1", "2", "3", minimum=2)
    assert report.problems == (
        "not in the taxonomy: 9 (1 rows); add them to catalogue.taxonomy or take their rows out",
    )
    assert report.notes == (
        "1 rows have no category; a run leaves them out (row 9)",
        "2 categories have fewer than 2 usable rows: 2 (1), 3 (0)",
    )
    with pytest.raises(CatalogueRefused) as caught:
        report.raise_on_problems()
    assert str(caught.value).splitlines() == [f"listings.csv: {problem}" for problem in report.problems]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("rows", ["", "1,,,,1\n"])
def test_no_usable_row_is_a_problem(tmp_path: Path, rows: str) -> None:
    assert check(read(tmp_path, rows), "1", "2").problems == ("no usable row",)


def test_many_unknown_categories_are_not_all_listed(tmp_path: Path) -> None:
    catalogue = read(tmp_path, "".join(f"{n},title,,,{n}\n" for n in range(50)))
    (problem,) = check(catalogue, "0", "1", minimum=2).problems
    assert problem.startswith("not in the taxonomy: 10 (1 rows), 11 (1 rows), ")
    assert problem.count("rows)") == 10


def test_duplicates_and_contradictions_are_counted(tmp_path: Path) -> None:
    title = "Bâche de piscine ronde 3 m"
    rows = f"1,{title},,,1\n2,{title},,,1\n3,{title.upper()}!,x,,2\n4,Lot de 2,,,1\n5,Lot de 2,,,2\n"
    report = check(read(tmp_path, rows), "1", "2", minimum=2)
    assert report.exact_duplicates == 2
    assert (report.duplicate_groups, report.near_duplicates, report.conflicting_groups) == (1, 3, 1)
    assert "1 groups of near-duplicates have more than one category" in report.notes


def test_the_report_reads_as_text(tmp_path: Path) -> None:
    catalogue = read(tmp_path, "1,a,,,1\n2,b,,gone.jpg,1\n3,c,,,2\n4,,,,2\n")
    lines = check(catalogue, "1", "2", minimum=2).render().splitlines()
    assert lines[0] == "Catalogue listings.csv"
    assert ["rows", "4"] in [line.split() for line in lines]
    assert "note: 1 categories have fewer than 2 usable rows: 2 (1)" in lines
    assert lines[-1] == "The catalogue can be trained on."
    lines = check(catalogue, "1").render().splitlines()
    assert "PROBLEM: at least two categories are needed" in lines
    assert lines[-1] == "The catalogue cannot be trained on."
