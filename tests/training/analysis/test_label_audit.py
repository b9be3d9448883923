"""Labels flipped on purpose are found; folds, the CSV and the page are what the command promises."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.predictor import Predictor
from models.versions.store import Store
from tests.training.analysis.pages import audited
from tests.training.generated_catalogue import make_catalogue
from training.__main__ import main
from training.analysis import out_of_fold as folds_module
from training.analysis.audit_report import CSV_FILE, PAGE_FILE, write_audit
from training.analysis.label_audit import Audit, audit
from training.analysis.out_of_fold import deal_folds, out_of_fold
from training.catalogue.read import read_catalogue
from training.config.run import CatalogueConfig, Columns, RunConfig
from training.errors import CatalogueError
from training.workspace import Workspace

FLIPPED = 6


def quiet(_: str) -> None:
    return None


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def rewrite(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def flip(path: Path) -> dict[int, str]:
    """File some listings elsewhere; returns the right category of each by row."""
    rows = read(path)
    codes = sorted({row["category"] for row in rows})
    wrong = {}
    for number in range(FLIPPED):
        row = 7 * number
        wrong[row] = rows[row]["category"]
        rows[row]["category"] = codes[(codes.index(rows[row]["category"]) + 1) % len(codes)]
    rewrite(path, rows)
    return wrong


def audit_of(path: Path, folder: Path, predictor: Predictor | None = None) -> Audit:
    config = RunConfig(name="tiny", catalogue=CatalogueConfig(path=path, images=path.parent / "images"))
    return audit(config, Workspace(folder / "work", quiet), predictor=predictor)


@pytest.fixture
def flipped(tmp_path: Path) -> tuple[Path, dict[int, str]]:
    path = make_catalogue(tmp_path / "data", classes=4, rows_per_class=40, side=40, without_text=0)
    return path, flip(path)


def test_flipped_labels_come_first_with_the_right_suggestion(
    flipped: tuple[Path, dict[int, str]], tmp_path: Path
) -> None:
    path, wrong = flipped
    result = audit_of(path, tmp_path)
    first = result.issues.head(FLIPPED - 1)  # the words of the sixth fit two categories alike
    assert set(first.index) < set(wrong)
    assert all(issue["suggested"] == wrong[row] for row, issue in first.iterrows())
    assert (first["suggested_score"] > first["category_score"]).all()
    margins = (result.issues["category_score"] - result.issues["suggested_score"]).to_numpy()
    assert (np.diff(margins) >= -1e-6).all()
    assert result.predictions.agreement > 0.9
    np.testing.assert_allclose(result.predictions.probabilities.sum(1), 1, atol=1e-5)


def test_the_command_writes_a_table_and_a_page(
    flipped: tuple[Path, dict[int, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, wrong = flipped
    out = tmp_path / "out"
    images = str(path.parent / "images")
    command = ["audit", str(path), "--images", images, "--out", str(out), "--work", str(tmp_path / "work")]
    assert main(command) == 0
    rows = read(out / CSV_FILE)
    assert [row["rank"] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
    assert {int(row["row"]) for row in rows[: FLIPPED - 1]} < set(wrong)
    assert all(0 <= float(row["category_score"]) < float(row["suggested_score"]) <= 1 for row in rows)
    assert "data:image/jpeg;base64," in (out / PAGE_FILE).read_text(encoding="utf-8")
    assert f"{len(rows)} of 160 judged listings are probably filed wrong" in capsys.readouterr().out
    before = (out / CSV_FILE).read_bytes()
    assert main(command) == 0
    assert "[audit-folds] done before, kept" in capsys.readouterr().out
    assert (out / CSV_FILE).read_bytes() == before


def test_finished_folds_are_kept_when_interrupted(
    flipped: tuple[Path, dict[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = read_catalogue(CatalogueConfig(path=flipped[0], images=flipped[0].parent / "images"))
    groups = np.arange(len(catalogue), dtype=np.int64)
    fit, fits = folds_module._fit_category, []

    def counted(*arguments: object) -> object:
        fits.append(arguments)
        if len(fits) == 10:  # four categories: in the third fold
            raise KeyboardInterrupt
        return fit(*arguments)

    monkeypatch.setattr(folds_module, "_fit_category", counted)
    with pytest.raises(KeyboardInterrupt):
        out_of_fold(catalogue, groups, Workspace(tmp_path / "a", quiet), seed=1)
    before = len(fits)
    resumed = out_of_fold(catalogue, groups, Workspace(tmp_path / "a", quiet), seed=1)
    assert len(fits) - before == 3 * 4
    whole = out_of_fold(catalogue, groups, Workspace(tmp_path / "b", quiet), seed=1)
    np.testing.assert_array_equal(resumed.probabilities, whole.probabilities)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=5, max_size=120), st.integers(2, 6))
def test_groups_are_never_split_and_folds_are_even(rows: list[tuple[int, int]], folds: int) -> None:
    labels, groups = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    parts = deal_folds(labels, groups, folds, seed=3)
    assert (pd.Series(parts).groupby(groups).nunique() == 1).all()
    group_counts = pd.Series(groups).groupby(parts).nunique().reindex(range(folds), fill_value=0)
    assert group_counts.max() - group_counts.min() <= 1


def test_near_duplicates_never_judge_each_other(tmp_path: Path) -> None:
    """A listing offered ten times, once filed elsewhere: its copies must not outvote what it says."""
    path = make_catalogue(tmp_path / "data", classes=3, rows_per_class=20, side=40, without_text=0)
    rows = read(path)
    copies = [dict(rows[0], listing_id=str(number), image="") for number in range(10)]
    rewrite(path, rows + copies)
    result = audit_of(path, tmp_path)
    same = np.isin(result.predictions.rows, [0, *range(60, 70)])
    assert len(set(result.predictions.groups[same])) == 1


def test_a_category_that_only_one_listing_has_is_not_judged(tmp_path: Path) -> None:
    path = make_catalogue(tmp_path / "data", classes=3, rows_per_class=15, side=40, without_text=0)
    with path.open("a", encoding="utf-8") as file:
        file.write(
            "999999,Chose unique et rare,,,9999,true,,original\n888888,Sans catégorie connue,,,,true,,original\n"
        )
    result = audit_of(path, tmp_path)
    assert "9999" not in result.predictions.codes
    assert result.predictions.left_out == {"no category": 1, "category of too few different listings to judge": 1}


def test_no_cell_of_the_table_is_a_formula(tmp_path: Path) -> None:
    result = audited(tmp_path)
    result.catalogue.rows["designation"] = "=1+1"
    result.catalogue.rows["listing_id"] = [f"@SUM({row})" for row in result.catalogue.rows.index]
    table, _ = write_audit(tmp_path / "out", result, {})
    rows = read(table)
    assert len(rows) == 3
    for row in rows:
        assert row["designation"] == "'=1+1"
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())


def test_a_version_gives_a_second_opinion_on_photos(tmp_path: Path, tiny_predictor: Predictor) -> None:
    """Its categories are 10, 40, 1140 and 2583; 2522 is unknown to it."""
    path = make_catalogue(tmp_path / "data", classes=5, rows_per_class=20, side=64, without_text=0)
    flip(path)
    result = audit_of(path, tmp_path, tiny_predictor)
    issues, photos = result.issues, result.catalogue.rows["image"].loc[result.issues.index]
    with_photo = issues[photos.ne("")]
    assert len(with_photo) > 0
    assert with_photo["photo_category"].isin(tiny_predictor.taxonomy.codes).all()
    assert with_photo["photo_category_score"].between(0.25, 1).all()
    unknown = with_photo["suggested"].eq("2522")
    assert with_photo["photo_score_of_suggested"].isna().equals(unknown)
    assert issues.loc[photos.eq(""), "photo_category"].eq("").all()
    table, _ = write_audit(tmp_path / "out", result, {})
    assert "photo_category_score" in read(table)[0]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("designation,category\n,a\n,b\n", "listings.csv: at least two categories with text are needed, 0 found"),
        ("designation,category\nx,a\ny,b\n", "listings.csv: at least 5 different listings with text are needed"),
    ],
)
def test_what_cannot_be_audited_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, line: str
) -> None:
    (tmp_path / "listings.csv").write_text(content, encoding="utf-8")
    assert main(["audit", str(tmp_path / "listings.csv"), "--work", str(tmp_path / "work")]) == 2
    lines = [text for text in capsys.readouterr().err.splitlines() if "training: " in text]
    assert len(lines) == 1
    assert lines[0].startswith(f"training: {line}")
    assert not (tmp_path / "work" / "listings" / "audit").exists()


def test_an_unknown_version_is_found_before_the_work(
    tmp_path: Path, tiny_version: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make_catalogue(tmp_path / "data", classes=3, rows_per_class=10, side=40)
    store = Store(tiny_version.parent)
    for version, line in (("2020.01.01-0000000", "no such version"), ("current", "no such version")):
        options = ["--version", version, "--store", str(store.root), "--work", str(tmp_path / "work")]
        assert main(["audit", str(path), *options]) == 2
        assert line in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_nothing_to_judge_is_a_catalogue_error(tmp_path: Path) -> None:
    """Every category has one listing: none is left to learn it from."""
    path = tmp_path / "listings.csv"
    lines = [f"Objet numéro {number} tout seul,c{number}" for number in range(12)]
    path.write_text("\n".join(["designation,category", *lines]), encoding="utf-8")
    columns = Columns(listing_id="", description="", image="")
    catalogue = read_catalogue(CatalogueConfig(path=path, columns=columns))
    with pytest.raises(CatalogueError, match="at least two categories with several"):
        out_of_fold(catalogue, np.arange(12), Workspace(tmp_path / "work", quiet), seed=1)
