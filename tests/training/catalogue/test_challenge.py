from __future__ import annotations

import random
from pathlib import Path

import pytest

from models.taxonomy import Taxonomy
from tests.training.generated_catalogue import KINDS, make_photo
from training.__main__ import main
from training.catalogue.read import read_catalogue, read_taxonomy
from training.catalogue.table import CATEGORIES_FILE, IMAGE_FOLDER, LISTINGS_FILE, read_challenge
from training.config.run import RAKUTEN_TAXONOMY, CatalogueConfig
from training.errors import CatalogueError

CODES = (
    *(10, 40, 50, 60, 1140, 1160, 1180, 1280, 1281, 1300, 1301, 1302, 1320, 1560, 1920, 1940, 2060, 2220, 2280, 2403),
    *(2462, 2522, 2582, 2583, 2585, 2705, 2905),
)


def write_challenge(folder: Path) -> None:
    """The challenge's layout with two listings; the second file lists them the other way round."""
    images = folder / IMAGE_FOLDER
    images.mkdir(parents=True)
    (folder / LISTINGS_FILE).write_text(
        ",designation,description,productid,imageid\n"
        "0,Olivia: Personalisiertes Notizbuch,,3804725264,1263597046\n"
        '1,"Piscine, bâche","<p>5 x 3 m</p>",436067568,1008141237\n',
        encoding="utf-8",
    )
    (folder / CATEGORIES_FILE).write_text(",prdtypecode\n1,2583\n0,10\n", encoding="utf-8")
    make_photo(KINDS[0], random.Random(0)).save(images / "image_1008141237_product_436067568.jpg")


def test_the_two_files_are_joined_by_their_index(tmp_path: Path) -> None:
    write_challenge(tmp_path)
    rows = read_challenge(tmp_path)
    assert list(rows["category"]) == ["10", "2583"]
    assert list(rows["listing_id"]) == ["3804725264", "436067568"]
    assert list(rows["description"]) == ["", "<p>5 x 3 m</p>"]


def test_the_challenge_is_read_as_a_catalogue_with_its_taxonomy(tmp_path: Path) -> None:
    write_challenge(tmp_path)
    config = CatalogueConfig(format="rakuten_challenge", path=tmp_path)
    catalogue = read_catalogue(config)
    listing = catalogue.listing(1)
    assert listing.designation == "Piscine, bâche"
    assert listing.image is not None
    assert listing.image.startswith(b"\xff\xd8")
    assert Taxonomy.read(RAKUTEN_TAXONOMY).codes == tuple(map(str, CODES))
    taxonomy = read_taxonomy(config, catalogue)
    assert taxonomy.codes == ("10", "2583")
    assert (taxonomy.label("2583", "fr"), taxonomy.group("2583", "fr")) == ("Piscine et spa", "Maison et jardin")


def test_every_category_has_a_label_and_a_group_of_its_own_in_three_languages() -> None:
    taxonomy = Taxonomy.read(RAKUTEN_TAXONOMY)
    for lang in ("fr", "en", "de"):
        labels = [category.labels[lang] for category in taxonomy.categories]
        assert len(set(labels)) == 27
        assert all(category.groups[lang] for category in taxonomy.categories)
    groups = {tuple(category.groups[lang] for lang in ("fr", "en", "de")) for category in taxonomy.categories}
    assert len(groups) == len({fr for fr, _, _ in groups})  # a group is translated in one way only


def test_categories_of_the_taxonomy_that_do_not_occur_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_challenge(tmp_path / "challenge")
    catalogue = '[catalogue]\nformat = "rakuten_challenge"\npath = "challenge"\nmin_listings = 2\nrare = "refuse"\n'
    (tmp_path / "run.toml").write_text(f'name = "challenge"\n{catalogue}', encoding="utf-8")
    assert main(["check", str(tmp_path / "run.toml"), "--work", str(tmp_path / "work")]) == 2
    error = capsys.readouterr().err
    assert "challenge: categories of fewer than 2 listings: 10 (1), 1140 (0), " in error
    assert "and 17 more: add listings, lower catalogue.min_listings, or set catalogue.rare" in error


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no folder gone"):
        read_challenge(tmp_path / "gone")
    write_challenge(tmp_path)
    (tmp_path / CATEGORIES_FILE).write_text(",code\n0,10\n1,10\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=rf"^{CATEGORIES_FILE}: no column prdtypecode"):
        read_challenge(tmp_path)
    (tmp_path / CATEGORIES_FILE).unlink()
    with pytest.raises(CatalogueError, match=rf"^{CATEGORIES_FILE}: No such file"):
        read_challenge(tmp_path)


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        (",prdtypecode\n0,10\n2,40\n", "do not list the same indices"),
        (",prdtypecode\n0,10\n", "do not list the same indices"),
        (",prdtypecode\n0,10\n0,40\n", "an index appears twice"),
    ],
)
def test_files_of_different_listings_are_refused(tmp_path: Path, categories: str, message: str) -> None:
    write_challenge(tmp_path)
    (tmp_path / CATEGORIES_FILE).write_text(categories, encoding="utf-8")
    with pytest.raises(CatalogueError, match=message):
        read_challenge(tmp_path)
