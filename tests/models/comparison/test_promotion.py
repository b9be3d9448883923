"""The gate of promotion: what passes, what is refused, and what --force does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.comparison.promotion import Finding, compare_published, promote
from models.errors import PromotionRefused
from models.listing import Modality
from models.predictor import Predictor
from models.versions.manifest import read_manifest
from models.versions.store import CURRENT, Store
from tests.models.contested import contested, write_catalogue
from tests.models.test_cli import Commands, damage
from tests.models.tiny_version import make_version, reseal

SAME = {"fingerprint": "9f2c", "split_fingerprint": "77ab"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an older and a newer version of different weights, nothing promoted."""
    root = tmp_path_factory.mktemp("promotion") / "store"
    for day, seed in ((24, 0), (25, 1)):
        make_version(root, day=day, seed=seed)
    return root


@pytest.fixture
def store(pair: Path, tmp_path: Path) -> Store:
    """A copy of them, the older one promoted."""
    store = Store(Path(shutil.copytree(pair, tmp_path / "store")))
    store.promote(store.versions()[1])
    return store


@pytest.fixture
def run(store: Store, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(store, capsys)


@pytest.fixture
def catalogue(pair: Path, tmp_path: Path) -> Callable[[int, int], Path]:
    """Writes listings that the older version alone gets right, and others that the newer alone does."""
    newer, older = (Predictor.load(Store(pair).folder(name)) for name in Store(pair).versions())

    def write(older_right: int, newer_right: int) -> Path:
        rows = contested(older, newer, older_right) + contested(newer, older, newer_right)
        return write_catalogue(tmp_path / "some.csv", rows)

    return write


def judged(folder: Path, cohorts: dict[str, dict[str, tuple[float, float, float]]], **data: Any) -> Path:
    """The version with other published accuracies, sealed anew."""
    figures = {
        name: {
            "n": 100,
            "cases": {
                evidence: {"n": 100, "accuracy": dict(zip(("low", "value", "high"), accuracy, strict=True))}
                for evidence, accuracy in cases.items()
            },
        }
        for name, cases in cohorts.items()
    }
    (folder / "metrics.json").write_text(json.dumps({"cohorts": figures}))
    return reseal(folder, data=data)


def two(store: Store, old: Any, new: Any, old_data: Any = SAME, new_data: Any = SAME) -> Finding:
    newer, older = store.versions()
    current = judged(store.folder(older), old, **old_data)
    return compare_published(current, judged(store.folder(newer), new, **new_data))


def test_significantly_worse_on_the_catalogue_is_refused(run: Commands, catalogue: Callable[[int, int], Path]) -> None:
    newer, older = run.store.versions()
    answer = run("promote", newer, "--catalogue", str(catalogue(30, 10)))
    assert answer.code == 1
    assert f"A ({older}) is better; A alone is right on 30, B alone on 10" in answer.out
    assert answer.err == (
        f"models: {newer} is not promoted, {older} stays: right on 25.0% of 40 listings, the current one on 75.0% "
        f"(McNemar p = 0.0022) (`python -m models promote {newer} --force` promotes it all the same)\n"
    )
    assert run.store.current() == older
    forced = run("promote", newer, "--catalogue", str(catalogue(30, 10)), "--force")
    assert (forced.code, run.store.current()) == (0, newer)
    assert "promoted by force although: right on 25.0%" in forced.out
    assert run("rollback").code == 0  # from the better one's point of view worse, and not gated
    assert run.store.current() == older


@pytest.mark.parametrize("rows", [(10, 30), (12, 10), (5, 0)])
def test_better_or_not_significantly_worse_passes(
    run: Commands, catalogue: Callable[[int, int], Path], rows: tuple[int, int]
) -> None:
    newer = run.store.versions()[0]
    answer = run("promote", newer, "--catalogue", str(catalogue(*rows)))
    assert (answer.code, answer.err) == (0, "")
    assert f"| all | {sum(rows)} | " in answer.out
    assert run.store.current() == newer


def test_without_a_catalogue_the_published_figures_are_shown(run: Commands) -> None:
    newer, older = run.store.versions()
    answer = run("promote", newer)
    assert answer.code == 0
    assert f"current: {older}\nnew:     {newer}\n" in answer.out
    assert "| test | text and photo | 120 | 0.750 (0.701-0.802) | 120 | 0.750 (0.701-0.802) |" in answer.out
    assert "different listings" in answer.out  # tiny versions name no fingerprints


@pytest.mark.parametrize(
    ("new", "data", "worse"),
    [
        ((0.70, 0.75, 0.79), SAME, True),
        ((0.70, 0.75, 0.80), SAME, False),
        ((0.70, 0.75, 0.79), {}, False),  # other listings: the intervals overlap
        ((0.60, 0.65, 0.74), {}, True),
        ((0.60, 0.65, 0.74), {**SAME, "split_fingerprint": "other"}, True),
        ((0.88, 0.90, 0.92), SAME, False),
    ],
)
def test_worse_figures(store: Store, new: tuple[float, float, float], data: dict[str, str], worse: bool) -> None:
    finding = two(store, {"true": {"both": (0.75, 0.80, 0.85)}}, {"true": {"both": new}}, new_data=data)
    assert bool(finding.worse) is worse
    assert ("different listings" in finding.report) is (data != SAME)
    if worse:
        assert "text and photo accuracy on 'true' is " in finding.worse[0]


def test_the_most_telling_evidence_decides(store: Store) -> None:
    worse_text = {"true": {"text": (0.1, 0.2, 0.3), "both": (0.8, 0.85, 0.9)}}
    old = {"true": {"text": (0.7, 0.75, 0.8), "both": (0.7, 0.75, 0.8)}}
    assert two(store, old, worse_text).worse == ()
    newer, older = store.versions()
    without_fused = judged(store.folder(newer), {"true": {"text": (0.1, 0.2, 0.3)}}, **SAME)
    assert len(compare_published(store.folder(older), without_fused).worse) == 1


def test_figures_of_other_listings_are_not_compared(store: Store) -> None:
    finding = two(store, {"true": {"both": (0.7, 0.75, 0.8)}}, {"votes": {"both": (0.1, 0.2, 0.3)}})
    assert finding.worse == ()
    assert "no listings of the same name" in finding.report


def test_a_network_or_a_category_less_is_worse(store: Store) -> None:
    text = make_version(store.root, day=26, classes=3, modalities=[Modality.TEXT])
    finding = compare_published(store.folder(store.current()), store.folder(text))
    assert finding.worse == (
        "it has no network for image, the current one has",
        "it does not know these categories of the current one: 2583",
    )
    assert compare_published(store.folder(text), store.folder(store.current())).worse == ()


def test_a_first_version_passes(run: Commands) -> None:
    (run.store.root / CURRENT).unlink()
    newer = run.store.versions()[0]
    answer = run("promote", newer)
    assert (answer.code, answer.out) == (0, f"serving {newer}\n")


@pytest.mark.parametrize("with_catalogue", [False, True])
@pytest.mark.parametrize("spoil", ["manifest.json", "text.bin", "metrics.json", "gone"])
def test_a_current_version_that_cannot_be_read_is_no_obstacle(
    run: Commands, catalogue: Callable[[int, int], Path], spoil: str, with_catalogue: bool
) -> None:
    newer, older = run.store.versions()
    options = ["--catalogue", str(catalogue(30, 0))] if with_catalogue else []
    if spoil == "gone":
        shutil.rmtree(run.store.folder(older))
    else:
        damage(run.store, older, spoil)
    answer = run("promote", newer, *options)
    assert (answer.code, run.store.current()) == (0, newer)
    unread = spoil in ("manifest.json", "gone") or with_catalogue
    assert (f"the current version {older} cannot be read" in answer.out) is unread


def test_the_current_version_again_is_not_compared(run: Commands) -> None:
    current = run.store.current()
    assert run("promote", current).out == f"serving {current}\n"


@pytest.mark.parametrize("figures", ["{}", '{"cohorts": []}', '{"cohorts": {"test": {"cases": {"both": {"n": 1}}}}}'])
def test_odd_figures_are_compared_with_nothing(store: Store, figures: str) -> None:
    newer, older = store.versions()
    (store.folder(newer) / "metrics.json").write_text(figures)
    folder = reseal(store.folder(newer))
    said: list[str] = []
    promote(store, folder.name, said.append)
    assert "no listings of the same name" in said[0]
    assert store.current() == read_manifest(folder).version != older


def test_a_refusal_changes_nothing(store: Store) -> None:
    newer, older = store.versions()
    said: list[str] = []
    with pytest.raises(PromotionRefused) as caught:
        promote(store, newer, said.append, judge=lambda *_: Finding("the report", ("first", "second")))
    assert caught.value.reasons == ("first", "second")
    assert said == ["the report"]
    assert store.current() == older
    promote(store, newer, said.append, force=True, judge=lambda *_: Finding("the report", ("first", "second")))
    assert said[1:] == ["the report", "promoted by force although: first; second", f"serving {newer}"]


def test_compare_prints_the_comparison_and_writes_the_diff(
    run: Commands, catalogue: Callable[[int, int], Path], tmp_path: Path
) -> None:
    newer, older = run.store.versions()
    out = tmp_path / "diff.csv"
    answer = run("compare", older, str(run.store.folder(newer)), str(catalogue(30, 10)), "--out", str(out))
    assert (answer.code, answer.err) == (0, "")
    assert f"A: {older}\nB: {newer}\n" in answer.out
    assert "40 listings change category from A to B: 10 become right, 30 become wrong" in answer.out
    assert out.read_text(encoding="utf-8").count("\n") == 41
    assert run.store.current() == older


def test_compare_says_when_a_version_learned_from_the_catalogue(run: Commands, tmp_path: Path) -> None:
    newer, older = run.store.versions()
    learned = reseal(run.store.folder(newer), data={"catalogue": "some.csv"})
    path = write_catalogue(tmp_path / "some.csv", [("livre", "10")])
    answer = run("compare", older, learned.name, str(path))
    assert answer.out.splitlines()[-1].startswith(f"{learned.name} was trained on a catalogue of this name")


@pytest.mark.parametrize("command", [["compare", "{older}", "{newer}"], ["promote", "{newer}", "--catalogue"]])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "some.csv: No such file or directory"),
        ("price,category\n1,1\n", "some.csv: no column designation"),
        ("designation,category,image\nx,1,a.jpg\n", "some.csv: the image column names files: say where with --images"),
    ],
)
def test_a_bad_catalogue_is_one_line_and_exit_code_2(
    run: Commands, tmp_path: Path, command: list[str], content: str | None, message: str
) -> None:
    newer, older = run.store.versions()
    path = tmp_path / "some.csv"
    if content is not None:
        path.write_text(content)
    answer = run(*(part.format(older=older, newer=newer) for part in command), str(path))
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert answer.err.startswith(f"models: {message}")
    assert run.store.current() == older


@pytest.mark.parametrize("names", [("unknown", "{newer}"), ("{newer}", "../.."), ("/", "{newer}")])
def test_compare_of_an_unknown_version_is_a_wrong_call(run: Commands, tmp_path: Path, names: tuple[str, str]) -> None:
    path = write_catalogue(tmp_path / "some.csv", [("livre", "10")])
    answer = run("compare", *(name.format(newer=run.store.versions()[0]) for name in names), str(path))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("models: No such model version. ")
