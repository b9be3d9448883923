"""The command `evaluate` on tiny versions and somebody's small catalogue."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.decision.calibration import Calibration
from models.listing import Evidence
from models.predictor import Predictor
from tests.models.tiny_version import CODES, COLOURS, WORDS, listing, make_version, photo, reseal
from training.__main__ import main
from training.commands import evaluate_report
from training.commands.catalogue_argument import read_named_catalogue
from training.config.run import read_config
from training.evaluation import prediction_store
from training.evaluation.predict import predict_by_evidence, predict_rows
from training.evaluation.predictions import Predictions
from training.pipeline import prepare_data
from training.workspace import Workspace

COLUMNS = ("listing_id", "designation", "description", "image", "category", "label_source", "split")
ROWS = 40


def make_shop(tmp_path: Path, tiny_version: Path) -> Path:
    """A folder with a store and a catalogue: 40 rows of four categories, then seven that are odd."""
    shutil.copytree(tiny_version, tmp_path / "store" / tiny_version.name)
    (tmp_path / "photos").mkdir()
    rows = []
    for number in range(ROWS):
        index = number % 4
        entry = listing(index if number % 7 else (index + 1) % 4, description=index if number % 3 else None)
        image = f"{number}.jpg" if number % 2 else ""
        if image:
            (tmp_path / "photos" / image).write_bytes(photo(COLOURS[index]))
        source, split = ("vote", "train") if number % 5 == 0 else ("true", "test")
        rows.append((number, entry.designation, entry.description, image, CODES[index], source, split))
    rows += [(str(n), "Chose", "", "", code, "true", "test") for n, code in enumerate(["new", "new", "other", ""])]
    rows += [("x", "", "", "", CODES[0], "true", "test")]
    rows += [("y", WORDS[0], "", "gone.jpg", CODES[0], "true", "test")]
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no photo")
    rows += [("z", WORDS[1], "", "broken.jpg", CODES[1], "true", "test")]
    with (tmp_path / "shop.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return tmp_path


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation: its folder and what the command printed."""

    shop: Path
    out: str


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory, tiny_version: Path) -> Evaluation:
    """The whole command with its plots, once: they take seconds."""
    shop = make_shop(tmp_path_factory.mktemp("evaluation"), tiny_version)
    output = io.StringIO()
    with redirect_stdout(output):
        code = main(
            [
                *("evaluate", tiny_version.name, str(shop / "shop.csv"), "--images", str(shop / "photos"), "--refit"),
                *("--store", str(shop / "store"), "--work", str(shop / "work"), "--out", str(shop / "out")),
            ]
        )
    assert code == 0
    return Evaluation(shop, output.getvalue())


@pytest.fixture
def shop(tmp_path: Path, tiny_version: Path) -> Path:
    return make_shop(tmp_path, tiny_version)


@pytest.fixture
def evaluate(
    shop: Path, tiny_version: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command on the catalogue, without plots; returns exit code, output and errors."""
    monkeypatch.setattr(evaluate_report, "write_report", lambda path, *_: path.write_text("no plots"))

    def run(*options: str, version: str = tiny_version.name, catalogue: str = "shop.csv") -> tuple[int, str, str]:
        images = [] if "--images" in options or catalogue.endswith(".toml") else ["--images", str(shop / "photos")]
        places = ["--store", str(shop / "store"), "--work", str(shop / "work"), "--out", str(shop / "out")]
        code = main(["evaluate", version, str(shop / catalogue), *places, *images, *options])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def figures(shop: Path) -> dict[str, Any]:
    return json.loads((shop / "out" / "metrics.json").read_bytes())  # type: ignore[no-any-return]


def test_blocks_come_back_as_the_whole(
    shop: Path, tiny_predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_store, "ROWS", 7)
    catalogue = read_named_catalogue(shop / "shop.csv", shop / "photos").catalogue
    catalogue = catalogue.only(catalogue.rows["row"] < ROWS, "odd")
    (tmp_path / "blocks").mkdir()
    prediction_store.predict_catalogue(tiny_predictor, catalogue, tmp_path / "blocks", progress=False)
    found = prediction_store.read_predictions(tmp_path / "blocks")
    assert list(found) == list(Evidence)
    for evidence, answer in found.items():
        whole = predict_rows(tiny_predictor, catalogue, list(catalogue.rows.index), evidence, progress=False)
        assert whole is not None
        assert (answer.rows.tolist(), answer.labels.tolist()) == (whole.rows.tolist(), whole.labels.tolist())
        np.testing.assert_allclose(answer.probabilities, whole.probabilities, atol=1e-5)


def test_the_report_is_of_the_predictor_s_answers(evaluation: Evaluation, tiny_predictor: Predictor) -> None:
    shop = evaluation.shop
    assert evaluation.out.splitlines()[-1] == str(shop / "out" / "report.html")
    assert {path.name for path in (shop / "out").iterdir()} == {
        *("report.html", "report.md", "metrics.json", "calibration.json")
    }
    metrics = figures(shop)
    assert metrics["classes"] == list(tiny_predictor.taxonomy.codes)
    assert {name: cohort["n"] for name, cohort in metrics["cohorts"].items()} == {"true": 34, "vote": 8}

    catalogue = read_named_catalogue(shop / "shop.csv", shop / "photos").catalogue
    true = [row for row in catalogue.rows.index[:ROWS] if catalogue.rows.at[row, "label_source"] == "true"]
    for evidence in (Evidence.IMAGE, Evidence.BOTH):
        expected = predict_rows(tiny_predictor, catalogue, true, evidence, progress=False)
        assert expected is not None
        measured = metrics["cohorts"]["true"]["cases"][evidence.value]
        right = int((expected.probabilities.argmax(1) == expected.labels).sum())
        assert measured["n"] == len(expected.rows)
        assert measured["accuracy"]["value"] == pytest.approx(right / len(expected.rows), abs=1e-6)
        for row in measured["decisions"]:
            assert row["accepted"] == int(expected.accepted(row["precision"]).sum())


def test_what_is_left_out_is_counted_and_said(evaluation: Evaluation) -> None:
    for line in (
        "42 of 47 listings judged.",
        "Left out, no category: 1.",
        "Left out, category that the version does not know: 3.",
        "Left out, neither text nor photo: 1.",
        "Categories that the version does not know: new (2), other (1).",
        "1 photos do not exist; their rows keep their text (rows 45).",
        "1 photos cannot be decoded; their rows keep their text (rows 46).",
    ):
        assert f"{line}\n" in evaluation.out
    facts = figures(evaluation.shop)["evaluation"]
    assert (facts["rows"], facts["judged"], facts["unknown_categories"]) == (47, 42, {"new": 2, "other": 1})
    for page in ("report.html", "report.md"):
        text = (evaluation.shop / "out" / page).read_text(encoding="utf-8")
        assert "42 of the 47 listings were judged" in text
        assert re.search(r"category that the version does not know(</td>\s*<td>| \| )3", text)


def test_refitted_thresholds_are_a_calibration_of_the_same_confidences(
    evaluation: Evaluation, tiny_predictor: Predictor
) -> None:
    own, new = tiny_predictor.calibration, Calibration.read(evaluation.shop / "out")
    assert new.cases.keys() == own.cases.keys()
    assert new.precisions == own.precisions
    assert (new.default_precision, new.coverage) == (own.default_precision, own.coverage)
    for evidence, fitted in new.cases.items():
        assert fitted.temperature == own.cases[evidence].temperature
        assert fitted.listings < 50 < own.cases[evidence].listings
        assert fitted.thresholds[-1] is None  # so few listings cannot show 99.5 %
    refit = figures(evaluation.shop)["evaluation"]["refit"]
    assert set(refit) == {evidence.value for evidence in Evidence}
    assert refit["both"]["thresholds"] == pytest.approx(new.cases[Evidence.BOTH].thresholds, abs=1e-6)


def test_a_broken_promise_is_said(evaluate: Callable[..., tuple[int, str, str]], shop: Path) -> None:
    """Every label is wrong, so nothing that the version files is right."""
    table = pd.read_csv(shop / "shop.csv", dtype=str, keep_default_na=False)
    table["category"] = table["category"].map(dict(zip(CODES[:4], [*CODES[1:4], CODES[0]], strict=True))).fillna("")
    table.to_csv(shop / "wrong.csv", index=False)
    code, out, _ = evaluate(catalogue="wrong.csv")
    assert code == 0
    assert "Not kept on 'true', text and photo: 80" in out
    assert "▼" in (shop / "out" / "report.md").read_text(encoding="utf-8")


def test_an_interrupted_evaluation_goes_on_and_a_finished_one_asks_nothing(
    evaluate: Callable[..., tuple[int, str, str]], shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_store, "ROWS", 8)
    monkeypatch.setattr(prediction_store, "WORKERS", 1)
    assert evaluate()[0] == 0
    whole = figures(shop)
    shutil.rmtree(shop / "work")
    shutil.rmtree(shop / "out")

    rows: list[int] = []
    blocks = 2

    def predict(*arguments: Any, **options: Any) -> dict[Evidence, Predictions]:
        if len(rows) == blocks:
            raise KeyboardInterrupt
        rows.append(arguments[2][0])
        return predict_by_evidence(*arguments, **options)

    monkeypatch.setattr(prediction_store, "predict_by_evidence", predict)
    code, _, err = evaluate()
    assert code == 130
    assert "goes on from there" in err
    assert not (shop / "out").exists()
    (folder,) = (shop / "work" / "evaluate").glob("predictions-*")
    assert len(list(folder.glob("*.npz"))) == 2
    assert list(folder.glob("*.partial")) == []

    rows.clear()
    blocks = 99
    assert evaluate()[0] == 0
    assert sorted(rows) == [16, 24, 32, 45]  # the rows from 40 to 44 are left out
    assert figures(shop) == whole
    rows.clear()
    code, out, _ = evaluate()
    assert (code, rows) == (0, [])
    assert "[predictions] done before, kept" in out


@pytest.mark.parametrize("change", ["version", "text", "photo"])
def test_answers_are_kept_for_this_version_and_catalogue_only(
    evaluate: Callable[..., tuple[int, str, str]], shop: Path, tiny_version: Path, change: str
) -> None:
    evaluate()
    version = tiny_version.name
    if change == "version":
        version = make_version(shop / "store", seed=1, day=26)
    elif change == "text":
        (shop / "shop.csv").write_text((shop / "shop.csv").read_text(encoding="utf-8").replace("Belle", "Beau"))
    else:
        (shop / "photos" / "1.jpg").write_bytes(photo(COLOURS[3], size=(80, 80)))
    code, out, _ = evaluate(version=version)
    assert code == 0
    assert "[predictions] finished" in out


def test_a_version_s_folder_and_a_catalogue_without_photos_or_descriptions(
    evaluate: Callable[..., tuple[int, str, str]], shop: Path, tiny_version: Path
) -> None:
    rows = [f"{WORDS[n % 4]} {n},{CODES[n % 4]}" for n in range(12)]
    (shop / "plain.csv").write_text("\n".join(["designation,category", *rows]), encoding="utf-8")
    code, _, _ = evaluate(version=str(tiny_version), catalogue="plain.csv")
    assert code == 0
    assert {name: set(cohort["cases"]) for name, cohort in figures(shop)["cohorts"].items()} == {
        "all": {"text", "title"}
    }


def test_columns_of_other_names(evaluate: Callable[..., tuple[int, str, str]], shop: Path) -> None:
    rows = [f"{WORDS[n % 4]} {n};{CODES[n % 4]}" for n in range(12)]
    (shop / "other.csv").write_text("\n".join(["headline;category", *rows]), encoding="utf-8")
    code, _, err = evaluate(catalogue="other.csv")
    assert code == 2
    assert "--column designation=COLUMN" in err
    assert evaluate("--column", "designation=headline", catalogue="other.csv")[0] == 0
    assert figures(shop)["cohorts"]["all"]["n"] == 12


CONFIG = """
name = "mine"
[catalogue]
path = "mine.csv"
images = "photos"
separator = ";"
columns = { designation = "titre", category = "rayon" }
"""
HALVES = """[split]
train = 0.3
validation = 0.1
calibration = 0.1
test = 0.5
group_near_duplicates = false
"""


def write_own(shop: Path, more: str, *, given: bool = True) -> None:
    """Write `mine.csv` and `mine.toml`: the shop's table under other names, without its split unless that is given."""
    table = pd.read_csv(shop / "shop.csv", dtype=str, keep_default_na=False)
    table = table if given else table.iloc[:ROWS].drop(columns="split")
    table.rename(columns={"designation": "titre", "category": "rayon"}).to_csv(shop / "mine.csv", sep=";", index=False)
    (shop / "mine.toml").write_text(CONFIG + more, encoding="utf-8")


def test_a_config_describes_the_catalogue(evaluate: Callable[..., tuple[int, str, str]], shop: Path) -> None:
    write_own(shop, '[[cohorts]]\nname = "the test part"\ngiven = true\n')
    assert evaluate(catalogue="mine.toml")[0] == 0
    assert {name: cohort["n"] for name, cohort in figures(shop)["cohorts"].items()} == {"the test part": 34}


def test_a_part_of_the_split(evaluate: Callable[..., tuple[int, str, str]], shop: Path) -> None:
    assert evaluate("--part", "train")[0] == 0
    facts = figures(shop)["evaluation"]
    assert (facts["judged"], facts["rows"]) == (8, 47)
    assert facts["left_out"]["not in the part train"] == 39
    code, _, err = evaluate("--part", "calibration")
    assert (code, err.splitlines()[-1]) == (2, "training: shop.csv: no row is in the part calibration")


def test_a_config_s_part_is_as_the_run_splits_it(evaluate: Callable[..., tuple[int, str, str]], shop: Path) -> None:
    write_own(shop, HALVES, given=False)
    code, out, _ = evaluate("--part", "test", catalogue="mine.toml")
    assert code == 0
    counts = re.search(r"^\[split\].* test (\d+)", out, re.MULTILINE)
    assert counts is not None
    assert figures(shop)["evaluation"]["judged"] == int(counts[1]) < ROWS


def test_a_catalogue_that_the_version_learned_from_is_pointed_out(
    evaluate: Callable[..., tuple[int, str, str]], shop: Path, tiny_version: Path
) -> None:
    version = reseal(shop / "store" / tiny_version.name, data={"catalogue": "shop.csv"}).name
    out = evaluate(version=version)[1]
    assert "The version was trained on a catalogue of this name." in out
    assert "trained on a catalogue of this name" in (shop / "out" / "report.md").read_text(encoding="utf-8")
    assert "trained on a catalogue of this name" in evaluate("--part", "train", version=version)[1]
    assert "trained on a catalogue of this name" not in evaluate("--part", "test", version=version)[1]


def test_the_test_part_of_another_split_may_have_been_learned_from(
    evaluate: Callable[..., tuple[int, str, str]], shop: Path, tiny_version: Path
) -> None:
    write_own(shop, HALVES, given=False)
    (shop / "other.toml").write_text(f"seed = 8\n{CONFIG}{HALVES}", encoding="utf-8")
    split = prepare_data(read_config(shop / "mine.toml"), Workspace(shop / "work" / "mine")).split_fingerprint
    data = {"catalogue": "mine.csv", "split_fingerprint": split}
    version = reseal(shop / "store" / tiny_version.name, data=data).name
    assert "on a catalogue of this name" not in evaluate("--part", "test", version=version, catalogue="mine.toml")[1]
    assert "on a catalogue of this name" in evaluate("--part", "test", version=version, catalogue="other.toml")[1]
    assert "on a catalogue of this name" in evaluate("--part", "train", version=version, catalogue="mine.toml")[1]


def test_what_an_earlier_evaluation_left_is_not_taken_for_this_one_s(
    evaluate: Callable[..., tuple[int, str, str]], shop: Path
) -> None:
    assert evaluate("--refit")[0] == 0
    (shop / "out" / "mine.txt").write_text("not the command's")
    code, out, _ = evaluate()
    assert (code, "replaces the report" in out) == (0, False)
    assert {path.name for path in (shop / "out").iterdir()} == {
        *("report.html", "report.md", "metrics.json", "mine.txt")
    }
    assert "replaces the report on other listings" in evaluate("--part", "train")[1]


def test_a_part_s_report_has_a_folder_of_its_own(
    shop: Path, tiny_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate_report, "write_report", lambda path, *_: path.write_text("no plots"))
    command = ["evaluate", str(tiny_version), str(shop / "shop.csv"), "--images", str(shop / "photos")]
    for options in ([], ["--part", "test"]):
        assert main([*command, "--work", str(shop / "work"), *options]) == 0
    folders = {path.name for path in (shop / "work" / "evaluate").iterdir() if path.name.startswith("2026")}
    assert folders == {f"{tiny_version.name}-shop", f"{tiny_version.name}-shop-test"}


@pytest.mark.parametrize(
    ("spoil", "options", "line"),
    [
        (lambda shop: None, {"version": "2026.11.25-unknown"}, "No such model version."),
        (lambda shop: None, {"catalogue": "none.csv"}, "none.csv: no such file"),
        (lambda shop: None, {"catalogue": "none.toml"}, "none.toml: No such file or directory"),
        (lambda shop: (shop / "a.csv").write_text("headline,category\n"), {"catalogue": "a.csv"}, "a.csv: no column"),
        (
            lambda shop: (shop / "a.csv").write_text("designation,category\nx,unheard\n"),
            {"catalogue": "a.csv"},
            "a.csv: none of its 1 rows has a category that ",
        ),
        (
            lambda shop: (shop / "a.csv").write_text(f"designation,category\n<br>,{CODES[0]}\n"),
            {"catalogue": "a.csv"},
            "a.csv: no row has text or a photo that can be read",
        ),
        (lambda shop: shutil.rmtree(shop / "photos"), {}, "catalogue.images: no folder photos"),
        (lambda shop: (shop / "shop.csv").write_bytes(b"\xff\xfe\xff"), {}, "shop.csv: not "),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    evaluate: Callable[..., tuple[int, str, str]],
    shop: Path,
    spoil: Callable[[Path], None],
    options: dict[str, str],
    line: str,
) -> None:
    spoil(shop)
    code, _, err = evaluate(**options)
    (message,) = [text for text in err.splitlines() if "training: " in text]
    assert code == 2
    assert message.startswith(f"training: {line}")
    assert str(shop) not in message
    assert not (shop / "out").exists()


def test_photos_whose_folder_is_not_named(shop: Path, tiny_version: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["evaluate", str(tiny_version), str(shop / "shop.csv"), "--work", str(shop / "work")])
    assert code == 2
    assert "catalogue.images (--images) is not set" in capsys.readouterr().err
