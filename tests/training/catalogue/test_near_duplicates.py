from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.training.generated_catalogue import KINDS, make_catalogue, make_photo
from training.catalogue import photo_hash as photo_hash_module
from training.catalogue.dataset import Catalogue
from training.catalogue.near_duplicates import MOST_ROWS, group_near_duplicates, normalised_title
from training.catalogue.photo_hash import PhotoHash, photo_hash, photo_hashes, similar_pairs
from training.catalogue.read import read_catalogue
from training.config.run import CatalogueConfig

HEADER = "listing_id,designation,description,image,category\n"


def read(folder: Path, rows: list[tuple[str, str, str]]) -> Catalogue:
    """A catalogue of (listing id, title, photo's file name)."""
    lines = [f"{listing_id},{title},,{image},1\n" for listing_id, title, image in rows]
    (folder / "listings.csv").write_text(HEADER + "".join(lines), encoding="utf-8")
    (folder / "images").mkdir(exist_ok=True)
    return read_catalogue(CatalogueConfig(path=folder / "listings.csv", images=folder / "images"))


def groups_of(folder: Path, titles: list[str]) -> list[int]:
    catalogue = read(folder, [("", title, "") for title in titles])
    return group_near_duplicates(catalogue, phash_distance=None).tolist()


@pytest.mark.parametrize(
    ("title", "normalised"),
    [
        ("L'Été &amp; l&#39;hiver n°2", "l ete l hiver n 2"),
        ("Œuvre, GRÖSSE/Größe", "oeuvre grosse grosse"),
        ("  --  ", ""),
        ("İstanbul ﬁn", "istanbul fin"),
        ("книга 12", "книга 12"),
    ],
)
def test_titles_are_compared_without_case_accents_and_punctuation(title: str, normalised: str) -> None:
    assert normalised_title(title) == normalised


def test_generated_listings_are_no_near_duplicates(tmp_path: Path) -> None:
    config = CatalogueConfig(path=make_catalogue(tmp_path, classes=6), images=tmp_path / "images")
    catalogue = read_catalogue(config)
    assert group_near_duplicates(catalogue, phash_distance=6).tolist() == list(range(len(catalogue)))


def test_the_same_title_links_only_when_it_says_enough(tmp_path: Path) -> None:
    long, short = "Bâche de piscine ronde", "Notebook A5"
    assert groups_of(tmp_path, [long, short, "Pompe", long.upper(), short]) == [0, 1, 2, 0, 3]


def test_a_stock_phrase_links_nothing(tmp_path: Path) -> None:
    title = "Voir la photo pour la description"
    assert groups_of(tmp_path, [title] * MOST_ROWS) == [0] * MOST_ROWS
    assert groups_of(tmp_path, [title] * (MOST_ROWS + 1)) == list(range(MOST_ROWS + 1))


def test_a_text_that_is_the_same_as_a_whole_links_however_many_rows_share_it(tmp_path: Path) -> None:
    title = "Voir la photo pour la description"
    texts = [(title, "Neuf, en <b>boîte</b>"), (title.upper(), "neuf en boite !"), ("Lot", "de 2"), (title, "<br>")]
    lines = [f'{title},"{description}",,1\n' for title, description in texts for _ in range(MOST_ROWS + 1)]
    (tmp_path / "listings.csv").write_text("designation,description,image,category\n" + "".join(lines), "utf-8")
    catalogue = read_catalogue(CatalogueConfig(path=tmp_path / "listings.csv"))
    groups = group_near_duplicates(catalogue, phash_distance=None).reshape(len(texts), -1)
    assert set(groups[0]) == set(groups[1]) == {0}
    assert set(groups[2]) == {1}
    assert len(set(groups[3])) == MOST_ROWS + 1  # a title alone


def test_a_title_followed_by_its_description_is_found(tmp_path: Path) -> None:
    title = "Housse de coussin décorative en lin"
    merged = f"{title} - Description: 100% neuf et de haute qualité"
    assert groups_of(tmp_path, [merged, "autre chose", title]) == [0, 1, 0]
    assert groups_of(tmp_path, ["Jeu PS4 de foot", "Jeu PS4 de foot et de rugby"]) == [0, 1]  # too short to say


def test_the_same_listing_id_links(tmp_path: Path) -> None:
    catalogue = read(tmp_path, [("7", "a", ""), ("", "b", ""), ("7", "c", ""), ("", "d", "")])
    assert group_near_duplicates(catalogue, phash_distance=None).tolist() == [0, 1, 0, 2]


def test_links_of_several_kinds_make_one_group(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    photo = make_photo(KINDS[0], random.Random(1))
    photo.save(tmp_path / "images" / "a.jpg")
    photo.resize((70, 70)).save(tmp_path / "images" / "b.jpg", quality=60)
    title = "Bâche de piscine ronde"
    rows = [("1", "x", "a.jpg"), ("2", title, "b.jpg"), ("3", title, ""), ("3", "y", ""), ("4", "z", "")]
    assert group_near_duplicates(read(tmp_path, rows), phash_distance=6).tolist() == [0, 0, 0, 0, 1]
    assert group_near_duplicates(read(tmp_path, rows), phash_distance=None).tolist() == [0, 1, 1, 1, 2]


def on_white(thing: Image.Image, side: int, left: int, top: int) -> Image.Image:
    photo = Image.new("RGB", (side, side), "white")
    photo.paste(thing, (left, top))
    return photo


def test_a_photo_is_recognised_in_another_size_format_and_frame(tmp_path: Path) -> None:
    thing = make_photo(KINDS[1], random.Random(2), 120)
    on_white(thing, 200, 40, 40).save(tmp_path / "a.jpg", quality=92)
    on_white(thing, 200, 40, 40).resize((150, 150)).save(tmp_path / "b.png")
    on_white(thing, 260, 20, 110).save(tmp_path / "c.webp", quality=70)
    on_white(make_photo(KINDS[1], random.Random(3), 120), 200, 40, 40).save(tmp_path / "d.jpg")
    hashes = [photo_hash(tmp_path / name) for name in ("a.jpg", "b.png", "c.webp", "d.jpg")]
    assert all(hashes)
    first, second = similar_pairs([value for value in hashes if value], 6)
    assert {frozenset(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)} == {
        frozenset({0, 1}),
        frozenset({0, 2}),
        frozenset({1, 2}),
    }


def test_the_same_shape_in_another_colour_is_another_photo() -> None:
    grey = PhotoHash(5, bytes([100] * 48), 1.0)
    hashes = [
        grey,
        PhotoHash(5, bytes([120] * 48), 1.0),
        PhotoHash(5, bytes([100] * 48), 1.5),
        PhotoHash(4, *_rest(grey)),
    ]
    first, second = similar_pairs(hashes, 2)
    assert {frozenset(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)} == {frozenset({0, 3})}


def _rest(value: PhotoHash) -> tuple[bytes, float]:
    return value.thumbnail, value.aspect


def test_plain_tiny_and_broken_photos_have_no_hash(tmp_path: Path) -> None:
    Image.new("RGB", (200, 200), "white").save(tmp_path / "plain.jpg")
    on_white(make_photo(KINDS[0], random.Random(1), 10), 200, 90, 90).save(tmp_path / "icon.jpg")
    Image.new("RGB", (200, 200), "white").save(tmp_path / "broken.jpg")
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "broken.jpg").read_bytes()[:300])
    assert [photo_hash(tmp_path / f"{name}.jpg") for name in ("plain", "icon", "broken", "gone")] == 4 * [None]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 8), st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 63), max_size=10)), max_size=25))
def test_banding_finds_exactly_the_pairs_within_the_distance(distance: int, flips: list[tuple[int, set[int]]]) -> None:
    centres = [0, 0x0123456789ABCDEF, 0xFFFFFFFF00000000, 0x8000000000000001]
    bits = [centres[centre] ^ sum(1 << bit for bit in places) for centre, places in flips]
    wanted = {
        frozenset({i, j}) for i in range(len(bits)) for j in range(i) if (bits[i] ^ bits[j]).bit_count() <= distance
    }
    first, second = similar_pairs([PhotoHash(value, bytes(48), 1.0) for value in bits], distance)
    assert {frozenset(pair) for pair in zip(first.tolist(), second.tolist(), strict=True)} == wanted


def test_many_photos_are_compared_in_seconds() -> None:
    bits = np.random.default_rng(0).integers(0, 2**64, 30_000, dtype=np.uint64)
    bits[1::100] = bits[::100] ^ np.uint64(0b1011)
    hashes = [PhotoHash(int(value), bytes(48), 1.0) for value in bits]
    first, _ = similar_pairs(hashes, 6)
    assert len(set(first.tolist())) >= 300


def test_hashes_are_kept_and_changed_photos_hashed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    for number in range(3):
        paths.append(str(tmp_path / f"{number}.jpg"))
        make_photo(KINDS[0], random.Random(number)).save(paths[-1])
    cache = tmp_path / "cache"
    first = photo_hashes(paths, cache=cache)
    assert all(first.values())

    hashed: list[str] = []
    genuine = photo_hash_module.photo_hash

    def counted(path: Path) -> PhotoHash | None:
        hashed.append(path.name)
        return genuine(path)

    monkeypatch.setattr(photo_hash_module, "photo_hash", counted)
    assert photo_hashes(paths, cache=cache) == first
    assert hashed == []
    make_photo(KINDS[1], random.Random(9), 120).save(paths[1])
    file = next(cache.iterdir())
    file.write_text(file.read_text()[:-20])  # as an interrupt leaves it
    changed = photo_hashes([*paths, str(tmp_path / "gone.jpg")], cache=cache)
    assert sorted(hashed) == ["1.jpg", "2.jpg"]
    assert changed.keys() == first.keys()
    assert changed[paths[1]] != first[paths[1]]
    assert changed[paths[2]] == first[paths[2]]
