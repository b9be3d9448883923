"""Learning from a part of the training rows: nested shares, whole groups, and rows that judge though nobody learns."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.generated_catalogue import make_catalogue
from tests.training.tiny import CONFIG
from training.catalogue.dataset import COLUMNS, Catalogue
from training.catalogue.subsample import BEYOND_SHARE, WEIGHTLESS, subsample
from training.config.run import CatalogueConfig, RunConfig, read_config
from training.pipeline import Data, prepare_data
from training.workspace import Workspace

SHARES = (0.125, 0.25, 0.5, 1.0)
CATALOGUE = CatalogueConfig(path=Path("made.csv"))
HOLDOUT = """
[[split.holdout]]
where = { label_source = ["true"] }
validation = 0.2

[[split.holdout]]
where = { label_source = ["vote"] }
calibration = 0.3
test = 0.3
"""


def rows_of(sizes: dict[str, int], group_of: int = 1) -> Catalogue:
    """Training rows by category, in groups of `group_of`, and one row of each category that evaluates."""
    codes = [code for code, size in sizes.items() for _ in range(size)]
    rows = pd.DataFrame({column: [""] * len(codes) for column in COLUMNS}, dtype=object)
    rows = rows.assign(row=np.arange(len(codes)), category=codes, weight=1.0, label_share=np.nan, split="train")
    rows["designation"] = [f"listing {row}" for row in range(len(codes))]
    rows["group"] = np.arange(len(codes)) // group_of
    return Catalogue("made.csv", rows.set_index("row", drop=False).rename_axis(index=None))


def kept_rows(catalogue: Catalogue, share: float, seed: int = 7) -> set[int]:
    return set(subsample(catalogue, CATALOGUE, share, seed=seed).rows.index)


def test_smaller_shares_are_parts_of_larger_ones_in_every_category() -> None:
    catalogue = rows_of({"a": 400, "b": 80, "c": 8, "d": 1})
    subsamples = [kept_rows(catalogue, share) for share in SHARES]
    assert all(smaller < larger for smaller, larger in pairwise(subsamples))
    for share, rows in zip(SHARES, subsamples, strict=True):
        counts = catalogue.rows["category"].loc[sorted(rows)].value_counts().to_dict()
        assert counts == {"a": 400 * share, "b": 80 * share, "c": 8 * share, "d": 1}
    assert kept_rows(catalogue, 0.5) == subsamples[2]
    assert kept_rows(catalogue, 0.5, seed=8) != subsamples[2]


def test_the_rows_are_the_same_whatever_order_they_come_in() -> None:
    catalogue = rows_of({"a": 40, "b": 20}, group_of=3)
    turned = Catalogue(catalogue.name, catalogue.rows.iloc[::-1])
    assert kept_rows(turned, 0.25) == kept_rows(catalogue, 0.25)


def test_groups_of_near_duplicates_stay_together() -> None:
    catalogue = rows_of({"a": 120, "b": 60}, group_of=4)
    rows = subsample(catalogue, CATALOGUE, 0.25, seed=7)
    assert set(rows.rows["group"].value_counts()) == {4}
    assert 0.25 <= len(rows) / 180 <= 0.3
    assert rows.left_out == {BEYOND_SHARE: 180 - len(rows)}


def test_rows_that_evaluate_are_left_alone() -> None:
    catalogue = rows_of({"a": 100, "b": 100})
    catalogue.rows.loc[::10, "split"] = "validation"
    kept = subsample(catalogue, CATALOGUE, 0.1, seed=7)
    assert kept.rows["split"].value_counts().to_dict() == {"validation": 20, "train": 18}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("subsample")
    make_catalogue(path / "data", classes=4, rows_per_class=40, side=16)
    return path


def config_of(folder: Path, name: str, catalogue: str = "", split: str = "") -> RunConfig:
    text = CONFIG.partition("[split]")
    path = folder / f"{name}.toml"
    path.write_text(f"{text[0]}{catalogue}\n{split}{HOLDOUT}\n[unfamiliar]{text[2].partition('[unfamiliar]')[2]}")
    return read_config(path)


def prepared(folder: Path, config: RunConfig) -> Data:
    return prepare_data(config, Workspace(folder / "work", lambda _: None))


def test_without_votes_to_learn_from_the_same_votes_evaluate(folder: Path) -> None:
    """Weight 0 once took the rows away before the split, and the rule that holds votes out matched nothing."""
    whole = prepared(folder, config_of(folder, "whole"))
    true = prepared(folder, config_of(folder, "true", "[catalogue.weights]\nvote = 0.0"))
    for part in ("validation", "calibration", "test"):
        assert list(true.rows.index[true.rows["split"].eq(part)]) == list(
            whole.rows.index[whole.rows["split"].eq(part)]
        )
    assert set(true.rows["label_source"][true.rows["split"].eq("train")]) == {"true"}
    assert true.rows["weight"].eq(1).all(), "a held-out row of weight 0 would not count in the validation loss"
    votes = whole.rows["label_source"].eq("vote") & whole.rows["split"].eq("train")
    assert true.catalogue.left_out[WEIGHTLESS] == votes.sum() > 0


def test_kinds_of_text_have_weights_too(folder: Path) -> None:
    halved = prepared(folder, config_of(folder, "kinds", "[catalogue.kind_weights]\noriginal = 0.5"))
    assert halved.rows["weight"].eq(0.5).all()


def test_the_defaults_change_no_fingerprint(folder: Path) -> None:
    """Stages of before these settings existed are found again."""
    whole = prepared(folder, config_of(folder, "defaults"))
    stated = prepared(folder, config_of(folder, "stated", split="[split]\ntrain_share = 1.0\n"))
    half = prepared(folder, config_of(folder, "half", split="[split]\ntrain_share = 0.5\n"))
    assert (stated.fingerprint, stated.split_fingerprint) == (whole.fingerprint, whole.split_fingerprint)
    assert half.split_fingerprint != whole.split_fingerprint
    train = whole.rows["split"].eq("train")
    assert 0.5 <= half.rows["split"].eq("train").sum() / train.sum() <= 0.6
    assert half.rows.loc[half.rows["split"].ne("train")].equals(whole.rows.loc[~train])
