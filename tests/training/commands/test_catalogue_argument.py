from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.training.generated_catalogue import make_catalogue
from tests.training.tiny import CONFIG
from training.__main__ import main
from training.catalogue.read import read_catalogue
from training.commands.catalogue_argument import read_catalogue_argument
from training.errors import CatalogueError, ConfigError


def test_a_config_is_read_as_for_a_run(tmp_path: Path) -> None:
    make_catalogue(tmp_path / "data", classes=2, rows_per_class=3, side=40)
    (tmp_path / "tiny.toml").write_text(CONFIG, encoding="utf-8")
    config = read_catalogue_argument(tmp_path / "tiny.toml")
    assert config.seed == 3
    assert len(read_catalogue(config.catalogue)) == 6
    assert read_catalogue_argument(tmp_path / "tiny.toml", tmp_path).catalogue.images == tmp_path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_needs_no_config(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "My listings (2).csv"
    lines = [separator.join(line) for line in (("SKU", "Title", "Label"), ("7", "Un livre", "10"))]
    path.write_text("\n".join(lines), encoding="utf-8")
    config = read_catalogue_argument(path)
    assert config.name == "My-listings-2"
    row = read_catalogue(config.catalogue).rows.iloc[0]
    assert (row["listing_id"], row["designation"], row["category"], row["description"]) == ("7", "Un livre", "10", "")


def test_a_parquet_table_and_photos(tmp_path: Path) -> None:
    source = make_catalogue(tmp_path, classes=2, rows_per_class=3, side=40, without_image=0)
    pd.read_csv(source, dtype=str).to_parquet(tmp_path / "listings.parquet")
    with_photos = read_catalogue_argument(tmp_path / "listings.parquet", tmp_path / "images")
    assert read_catalogue(with_photos.catalogue).rows["image"].map(lambda path: Path(path).is_file()).all()
    without = read_catalogue_argument(tmp_path / "listings.parquet")
    assert read_catalogue(without.catalogue).rows["image"].eq("").all()


def test_columns_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("headline,label,category\nUn livre,10,rayon\n", encoding="utf-8")
    config = read_catalogue_argument(tmp_path / "t.csv", None, ["designation=headline", "category=label"])
    row = read_catalogue(config.catalogue).rows.iloc[0]
    assert (row["designation"], row["category"]) == ("Un livre", "10")


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("headline,label\nUn livre,10\n", encoding="utf-8")
    (tmp_path / "t.toml").write_text("name = 1", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"no column designation, description, image \(columns: headline"):
        read_catalogue_argument(tmp_path / "t.csv")
    with pytest.raises(CatalogueError, match=r"no column titel \(columns: headline, label\)"):
        read_catalogue_argument(tmp_path / "t.csv", None, ["designation=titel"])
    with pytest.raises(CatalogueError, match="the field is one of designation, category"):
        read_catalogue_argument(tmp_path / "t.csv", None, ["weight=label"])
    with pytest.raises(ConfigError, match="a config names its columns itself"):
        read_catalogue_argument(tmp_path / "t.toml", None, ["category=label"])
    with pytest.raises(CatalogueError, match=r"absent\.csv: no such file"):
        read_catalogue_argument(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["compare", "c.toml", "--listings", "0"], "argument --listings: 0 is no whole number of 1 or more"),
        (["run", "c.toml", "--seed", "-1"], "argument --seed: -1 is no whole number of 0 to 4294967295"),
        (["run", "c.toml", "--seed", "x"], "argument --seed: x is no whole number of 0 to 4294967295"),
    ],
)
def test_a_number_out_of_range_is_told_the_range(
    options: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(options)
    assert capsys.readouterr().err.splitlines()[-1].endswith(line)
