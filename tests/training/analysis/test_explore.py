"""The analysis of a catalogue, from the command: what it counts, samples and cannot judge."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from tests.training.generated_catalogue import make_catalogue
from training.__main__ import main
from training.analysis import explore_page
from training.analysis.explore import Exploration, explore
from training.analysis.explore_page import render_exploration
from training.config.run import CatalogueConfig, RunConfig
from training.workspace import Workspace


def explored(path: Path, work: Path, *, sample: int = 0, photos: bool = True) -> Exploration:
    images = path.parent / "images" if photos else None
    config = RunConfig(name="tiny", catalogue=CatalogueConfig(path=path, images=images))
    return explore(config, Workspace(work, lambda _: None), sample=sample)


def run(path: Path, tmp_path: Path, *options: str) -> str:
    page = tmp_path / "out" / "page.html"
    assert main(["explore", str(path), "--out", str(page), "--work", str(tmp_path / "work"), *options]) == 0
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def exploration(tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    folder = tmp_path_factory.mktemp("explored")
    return explored(make_catalogue(folder / "data", classes=4, rows_per_class=20, side=64), folder / "work")


def test_the_exploration_counts_what_is_there(exploration: Exploration) -> None:
    rows = exploration.catalogue.rows
    assert exploration.check.rows == 80
    assert exploration.check.with_image == rows["image"].ne("").sum() == len(exploration.photos)
    assert exploration.sampled == {}
    assert set(exploration.photos["format"]) == {"JPEG"}
    assert exploration.photos[["width", "height"]].eq(64).all(axis=None)
    assert set(exploration.languages) <= {"fr", "en", "de", "uncertain", "nl", "it", "es", "pt"}
    assert exploration.languages.isin(["fr", "en", "de"]).mean() > 0.5
    assert (exploration.lengths["title"] > 0).sum() == rows["designation"].ne("").sum()


def test_terms_are_those_of_the_category(exploration: Exploration) -> None:
    assert {term.text for term in exploration.terms["2583"]} & {"piscine", "pool", "pompe", "pump", "schwimmbad"}
    assert not {"neuf", "neu", "new"} & {term.text for terms in exploration.terms.values() for term in terms[:3]}


def test_the_same_catalogue_and_seed_give_the_same_page(exploration: Exploration, tmp_path: Path) -> None:
    again = explored(Path(exploration.catalogue.rows["image"].max()).parents[1] / "listings.csv", tmp_path / "work")
    assert render_exploration(again) == render_exploration(exploration)


def test_a_page_is_never_larger_than_its_photos_may_be(
    exploration: Exploration, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = render_exploration(exploration)
    monkeypatch.setattr(explore_page, "PHOTO_BYTES", 20_000)
    page = render_exploration(exploration)
    assert sum(map(len, re.findall(r"data:image/jpeg;base64,[^\"]*", page))) <= 20_000 < len(whole)
    assert "to keep the page small" in page or page.count("data:image") < 12


def test_a_large_catalogue_is_sampled_and_the_page_says_so(tmp_path: Path) -> None:
    path = make_catalogue(tmp_path / "data", classes=3, rows_per_class=20, side=40, without_image=0)
    page = run(path, tmp_path, "--images", str(path.parent / "images"), "--sample", "30", "--seed", "5")
    assert "sample (seed 5)" in page
    assert "languages, telling words and labels: 30 of 60" in page
    assert "near-duplicates of photos: 30 of 60" in page


def test_a_catalogue_without_photos(tmp_path: Path) -> None:
    path = make_catalogue(tmp_path / "data", classes=3, rows_per_class=10, side=40)
    page = run(path, tmp_path)  # names photos, but no folder is given
    assert "photos were not looked at" in page
    assert 'id="photos"' not in page
    assert "data:image" not in page


def test_a_catalogue_of_photos_alone_has_no_labels_judged(tmp_path: Path) -> None:
    path = make_catalogue(tmp_path / "data", classes=3, rows_per_class=6, side=40, without_text=1, without_image=0)
    page = run(path, tmp_path, "--images", str(path.parent / "images"))
    assert "Labels could not be judged: listings.csv: at least two categories with text are needed" in page
    assert page.count("data:image/jpeg") == 18


def test_duplicates_are_shown_with_what_links_them(tmp_path: Path) -> None:
    path = make_catalogue(tmp_path / "data", classes=2, rows_per_class=10, side=64, without_image=0, without_text=0)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    other = next(row["category"] for row in rows if row["category"] != rows[0]["category"])
    rows.append(dict(rows[0], listing_id="x1", image="", category=other))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    exploration = explored(path, tmp_path / "work")
    assert [(pair.first, pair.second, pair.link) for pair in exploration.pairs] == [(0, 20, "same title")]
    assert exploration.conflicts == [(*sorted([rows[0]["category"], other]), 1)]
