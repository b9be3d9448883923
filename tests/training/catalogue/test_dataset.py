from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.training.generated_catalogue import make_catalogue
from training.catalogue.dataset import COLUMNS, Catalogue
from training.catalogue.read import read_catalogue, read_taxonomy
from training.config.run import CatalogueConfig, Columns
from training.errors import CatalogueError

HEADER = "listing_id,designation,description,image,category"


def write(folder: Path, text: str, name: str = "listings.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, **settings: object) -> Catalogue:
    return read_catalogue(CatalogueConfig.model_validate({"path": path, **settings}))


def test_a_generated_catalogue_is_read_whole(tmp_path: Path) -> None:
    path = make_catalogue(tmp_path, classes=3, rows_per_class=5)
    catalogue = read(path, images=tmp_path / "images")
    assert len(catalogue) == 15
    assert tuple(catalogue.rows.columns) == COLUMNS
    assert list(catalogue.rows["row"]) == list(catalogue.rows.index) == list(range(15))
    assert not catalogue.rows.drop(columns="label_share").isna().any(axis=None)
    with_photo = catalogue.rows[catalogue.rows["image"] != ""]
    assert all(Path(image).is_absolute() and Path(image).is_file() for image in with_photo["image"])


def test_codes_are_in_numeric_order_when_all_are_numbers(tmp_path: Path) -> None:
    catalogue = read(make_catalogue(tmp_path), images=tmp_path / "images")
    assert catalogue.codes == ("10", "40", "1140", "2583")
    assert read_taxonomy(CatalogueConfig(path=tmp_path), catalogue).codes == catalogue.codes
    words = read(write(tmp_path, f"{HEADER}\n1,a,,,b2\n2,b,,,b10\n", "words.csv"))
    assert words.codes == ("b10", "b2")


def test_strings_that_look_like_missing_values_stay(tmp_path: Path) -> None:
    catalogue = read(write(tmp_path, f"{HEADER}\n007,nan,NULL,,1\n1,NA,None,,1\n2,1.50,,,01\n"))
    assert list(catalogue.rows["designation"]) == ["nan", "NA", "1.50"]
    assert list(catalogue.rows["description"]) == ["NULL", "None", ""]
    assert list(catalogue.rows["listing_id"]) == ["007", "1", "2"]
    assert list(catalogue.rows["category"]) == ["1", "1", "01"]


def test_short_rows_end_in_empty_strings(tmp_path: Path) -> None:
    catalogue = read(write(tmp_path, f"{HEADER},split\n1,a,b,,1\n"))
    assert catalogue.rows.loc[0, "split"] == ""


def test_parquet_gives_the_same_catalogue_as_csv(tmp_path: Path) -> None:
    path = make_catalogue(tmp_path, classes=2, rows_per_class=4)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    # As analysts write it: numbers as numbers, and missing values missing.
    table["category"] = table["category"].astype(int)
    table["listing_id"] = table["listing_id"].astype(float)
    table["image"] = table["image"].where(table["image"] != "", None)
    table.to_parquet(tmp_path / "listings.parquet")
    images = tmp_path / "images"
    first, second = read(path, images=images), read(tmp_path / "listings.parquet", images=images)
    pd.testing.assert_frame_equal(first.rows, second.rows, check_dtype=False)
    assert first.fingerprint() == second.fingerprint()


def test_columns_can_have_other_names_and_be_left_away(tmp_path: Path) -> None:
    path = write(tmp_path, "titre;code\nPiscine;2583\n")
    columns = Columns(designation="titre", category="code", listing_id="", description="", image="")
    catalogue = read(path, columns=columns, separator=";")
    assert catalogue.rows.loc[0, ["designation", "category", "image"]].tolist() == ["Piscine", "2583", ""]


def test_listings_need_no_ids(tmp_path: Path) -> None:
    catalogue = read(write(tmp_path, "designation,description,image,category\na,b,,1\n"))
    assert catalogue.listing(0).id is None
    with pytest.raises(CatalogueError, match="no column sku "):
        read(write(tmp_path, "designation,description,image,category\n"), columns={"listing_id": "sku"})


def test_a_listing_carries_its_photo_and_texts(tmp_path: Path) -> None:
    catalogue = read(make_catalogue(tmp_path, without_image=0, without_text=0), images=tmp_path / "images")
    listing = catalogue.listing(3)
    assert listing.image == Path(catalogue.rows.loc[3, "image"]).read_bytes()
    assert listing.id == catalogue.rows.loc[3, "listing_id"]
    assert listing.designation == catalogue.rows.loc[3, "designation"]
    Path(catalogue.rows.loc[3, "image"]).unlink()
    with pytest.raises(CatalogueError, match="image of row 5: No such file"):
        catalogue.listing(3)


def test_label_sources_weigh_or_leave_out_rows(tmp_path: Path) -> None:
    text = f"{HEADER},label_source,label_share\n1,a,,,1,true,\n2,b,,,1,vote,0.9\n3,c,,,1,vote,0.5\n4,d,,,1,model,\n"
    path = write(tmp_path, text)
    catalogue = read(path, weights={"vote": 0.5, "model": 0}, min_share={"vote": 0.6})
    assert list(catalogue.rows["listing_id"]) == ["1", "2"]
    assert list(catalogue.rows["weight"]) == [1.0, 0.5]
    assert list(catalogue.rows["row"]) == [0, 1]
    assert catalogue.left_out == {"label source of weight 0": 1, "label share too small": 1}
    with pytest.raises(CatalogueError, match=r"^catalogue\.weights\.votes: no row has this label source$"):
        read(path, weights={"votes": 0.5})


def test_the_fingerprint_changes_with_the_content_and_not_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = read(make_catalogue(tmp_path / "a"), images=tmp_path / "a" / "images")
    moved = read(make_catalogue(tmp_path / "b"), images=tmp_path / "b" / "images")
    other = read(make_catalogue(tmp_path / "b", seed=1), images=tmp_path / "b" / "images")
    assert first.fingerprint() == moved.fingerprint() != other.fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "listing_id,titel,image,category\n",
            "listings.csv: no column designation (columns: listing_id, titel, image, ca",
        ),
        ("listing_id,description,image,shelf\n", "listings.csv: no column category (columns: listing_id, des"),
        (
            "listing_id,text,category\n",
            "listings.csv: no column designation, description, image (columns: listing_id, te",
        ),
        ("", "listings.csv: no column category (columns: none)"),
        (
            f"{HEADER}\n1,a,b,,1\n1,a,b,,1,9\n",
            "listings.csv: row 3 has more cells (6) than the header (5): put text that",
        ),
        (f'{HEADER}\n1,"a,b,,1\n', "listings.csv: line 2: a quote opens there that is not closed"),
        (f"{HEADER},category\n", "listings.csv: column category appears more than once"),
        (f"{HEADER},split\n1,a,,,1,train\n2,a,,,1,dev\n", "listings.csv: split of row 3 is none of train, "),
        (f"{HEADER},label_share\n1,a,,,1,much\n", "listings.csv: label_share of row 2 is not a number"),
    ],
)
def test_a_table_that_does_not_fit_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        read(write(tmp_path, text))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_column_named_in_the_config_must_exist(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no column part "):
        read(write(tmp_path, f"{HEADER}\n"), columns={"split": "part"})


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"^catalogue\.path: no file gone\.csv$"):
        read(tmp_path / "gone.csv")
    path = write(tmp_path, f"{HEADER}\n1,a,,x.jpg,1\n")
    with pytest.raises(CatalogueError, match=r"^catalogue\.images: no folder gone$"):
        read(path, images=tmp_path / "gone")
    with pytest.raises(CatalogueError, match=r"^catalogue\.taxonomy: gone\.json is missing"):
        read_taxonomy(CatalogueConfig(path=path, taxonomy=tmp_path / "gone.json"), read(path, images=tmp_path))


@pytest.mark.parametrize("image", ["../secret.jpg", "/etc/passwd", "a/../../b.jpg"])
def test_photos_outside_the_image_folder_are_refused(tmp_path: Path, image: str) -> None:
    path = write(tmp_path, f"{HEADER}\n1,a,,,1\n2,a,,{image},1\n")
    with pytest.raises(
        CatalogueError, match=rf"^listings\.csv: row 3: {image} lies outside .*name photos as files of cat"
    ):
        read(path, images=tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("listings.xlsx", b"PK\x03\x04", r"a spreadsheet; save it as CSV UTF-8$"),
        ("listings.parquet", HEADER.encode(), r"not a readable table: "),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CatalogueError, match=rf"^{re.escape(name)}: {message}"):
        read(tmp_path / name)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_tables_are_read_as_spreadsheets_write_them(tmp_path: Path, separator: str, encoding: str) -> None:
    text = f"{HEADER}\n1,Bâche,œ,,1\n".replace(",", separator)
    (tmp_path / "listings.csv").write_bytes(text.encode(encoding))
    catalogue = read(tmp_path / "listings.csv")
    assert catalogue.rows.loc[0, ["designation", "description"]].tolist() == ["Bâche", "œ"]
    assert bool(catalogue.notes) == (separator != "," or encoding in ("utf-16", "cp1252"))
    assert len(read(tmp_path / "listings.csv", separator=separator)) == 1


def test_what_a_table_lacks_is_absent_and_said(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"")
    photos = read(write(tmp_path, "image,category,rayon\nx.jpg,1,a\n"), images=tmp_path)
    assert photos.rows.loc[0, ["designation", "description"]].tolist() == ["", ""]
    assert photos.notes == (
        "there is no column designation, description (columns: image, category, rayon): listings are judged without",
    )
    texts = read(write(tmp_path, f"{HEADER}\n1,a,b,x.jpg,1\n2,a,b,,1\n"))
    assert texts.rows["image"].tolist() == ["", ""]
    assert texts.notes == ("photos are left out: catalogue.images (--images) does not say where the 1 named ones are",)
    with pytest.raises(
        CatalogueError, match=r"catalogue\.images \(--images\) is not set: set it, or write image = \"\""
    ):
        read(tmp_path / "listings.csv", columns={"image": "image"})
    with pytest.raises(CatalogueError, match=r'no column image .*; is it photo\? Then write image = "photo"'):
        read(write(tmp_path, "designation,photo,category\n"), images=tmp_path)


def test_a_photo_that_is_not_found_is_explained(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.JPG", "c.png"):
        (tmp_path / name).write_bytes(b"x")
    named = ("./a.JPG", f"{tmp_path}/b.jpg", "c", "d.jpg", "https://shop.example/e.jpg")
    catalogue = read(write(tmp_path, HEADER + "\n" + "".join(f"1,a,,{name},1\n" for name in named)), images=tmp_path)
    assert [Path(path).is_file() for path in catalogue.rows["image"]] == [True, True, True, False, False]
    assert catalogue.why_missing == f"row 5: there is no file {tmp_path.name}/d.jpg among the 3 pictures of its folder"


@pytest.mark.parametrize(
    ("cells", "codes", "notes"),
    [
        (["10", " 10.0 ", "10"], {"10"}, ['categories written in several ways are one (1 rows): 10 ("10.0")']),
        (["Bébé", "Be\u0301be\u0301"], {"Bébé"}, ['categories written in several ways are one (1 rows): Bébé ("Be']),
        (["N/A", "\\N", "a", "null"], {"", "a"}, ['3 rows say that they have no category: "N/A"; "\\N"; "null"']),
        (["N", "0", "-5"], {"N", "0", "-5"}, []),
        (
            ["Livres", "livres", "livres"],
            {"Livres", "livres"},
            ["categories that look alike are kept apart; make them"],
        ),
        (
            ["042", "42"],
            {"042", "42"},
            ['categories that look alike are kept apart; make them one in the table: "042" (1'],
        ),
    ],
)
def test_one_category_written_in_several_ways(
    tmp_path: Path, cells: list[str], codes: set[str], notes: list[str]
) -> None:
    catalogue = read(write(tmp_path, "designation,category\n" + "".join(f"a,{cell}\n" for cell in cells)))
    assert set(catalogue.rows["category"]) == codes
    (_, *said) = catalogue.notes  # the first is that columns are absent
    assert [note.startswith(start) for note, start in zip(said, notes, strict=True)] == [True] * len(notes)


def test_rows_of_weight_0_are_there_for_whoever_asks(tmp_path: Path) -> None:
    path = tmp_path / "kinds.csv"
    path.write_text(
        "listing_id,designation,description,image,category,label_source,label_share,text_kind\n"
        "1,one,,,10,true,,original\n2,two,,,10,vote,0.5,translated\n3,three,,,20,vote,0.5,original\n"
    )
    settings = {"weights": {"true": 0}, "weigh_by_share": ["vote"], "kind_weights": {"translated": 0.5}}
    config = CatalogueConfig.model_validate({"path": path, **settings})
    assert list(read_catalogue(config).rows["weight"]) == [0.25, 0.5]
    assert list(read_catalogue(config, weightless=True).rows["weight"]) == [0.0, 0.25, 0.5]
    with pytest.raises(CatalogueError, match=r"^catalogue\.kind_weights\.other: no row has this text kind$"):
        read(path, kind_weights={"other": 0.5})
