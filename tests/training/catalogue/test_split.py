from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.catalogue.dataset import COLUMNS, Catalogue
from training.catalogue.split import EXCLUDED, split_catalogue, split_fingerprint
from training.config.run import HoldoutRule, SplitConfig
from training.errors import SplitError

PARTS = ("train", "validation", "calibration", "test")
SIZES = {"a": 400, "b": 150, "c": 60, "d": 20}


def catalogue_of(**columns: list[str]) -> Catalogue:
    """A catalogue with these columns; each row has a title of its own unless the columns say otherwise."""
    count = len(next(iter(columns.values())))
    rows = pd.DataFrame({column: [""] * count for column in COLUMNS}, dtype=object)
    rows["row"] = np.arange(count)
    rows["designation"] = [f"listing {row}" for row in range(count)]
    rows["label_share"] = np.nan
    for column, values in columns.items():
        rows[column] = values
    return Catalogue("made.csv", rows.set_index("row", drop=False).rename_axis(index=None))


def classes() -> list[str]:
    return [code for code, size in SIZES.items() for _ in range(size)]


def alone(catalogue: Catalogue) -> NDArray[np.int64]:
    return np.arange(len(catalogue), dtype=np.int64)


def grouped(count: int, seed: int = 0) -> NDArray[np.int64]:
    """Groups of 1 to 12 rows, wherever the rows stand."""
    random = np.random.default_rng(seed)
    sizes = random.choice([1, 1, 1, 1, 2, 3, 12], count)
    groups = np.repeat(np.arange(count), sizes)[:count]
    random.shuffle(groups)
    return groups.astype(np.int64)


def straddling(split: pd.Series, groups: NDArray[np.int64]) -> int:
    """How many groups stand in more than one part; excluded rows stand in none."""
    kept = split.to_numpy() != EXCLUDED
    return int((split[kept].groupby(groups[kept]).nunique() > 1).sum())


def test_every_category_is_shared_out_as_the_fractions_say() -> None:
    catalogue = catalogue_of(category=classes())
    split = split_catalogue(catalogue, SplitConfig(), alone(catalogue))
    table = pd.crosstab(catalogue.rows["category"], split)
    for code, size in SIZES.items():
        for part, fraction in zip(PARTS, (0.72, 0.09, 0.09, 0.10), strict=True):
            assert abs(table.loc[code, part] - fraction * size) <= 1.0, (code, part)
    assert set(split) == set(PARTS)


def test_small_categories_do_not_starve_a_part() -> None:
    catalogue = catalogue_of(category=[str(row % 40) for row in range(200)])
    counts = split_catalogue(catalogue, SplitConfig(), alone(catalogue)).value_counts()
    assert counts["validation"] >= 14
    assert counts["calibration"] >= 14
    assert counts["test"] >= 16


@pytest.mark.parametrize("seed", range(3))
def test_near_duplicates_never_straddle_and_proportions_are_kept(seed: int) -> None:
    catalogue = catalogue_of(category=classes())
    groups = grouped(len(catalogue), seed)
    split = split_catalogue(catalogue, SplitConfig(), groups)
    assert straddling(split, groups) == 0
    assert straddling(split_catalogue(catalogue, SplitConfig(group_near_duplicates=False), groups), groups) > 0
    shares = split.value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.72, abs=0.01)
    assert shares["test"] == pytest.approx(0.10, abs=0.01)
    by_class = pd.crosstab(catalogue.rows["category"], split, normalize="index")
    assert by_class.loc["a", "test"] == pytest.approx(0.10, abs=0.02)
    assert by_class.loc["b", "test"] == pytest.approx(0.10, abs=0.03)


def test_the_seed_decides_and_nothing_else() -> None:
    catalogue = catalogue_of(category=classes())
    first = split_catalogue(catalogue, SplitConfig(), alone(catalogue), seed=1)
    again = split_catalogue(catalogue, SplitConfig(), alone(catalogue), seed=1)
    other = split_catalogue(catalogue, SplitConfig(), alone(catalogue), seed=2)
    assert first.equals(again)
    assert split_fingerprint(first) == split_fingerprint(again) != split_fingerprint(other)
    assert (first == "test").sum() == (other == "test").sum()


def test_the_order_of_the_rows_does_not_matter() -> None:
    catalogue = catalogue_of(category=classes())
    groups = grouped(len(catalogue))
    order = np.random.default_rng(5).permutation(len(catalogue))
    shuffled = Catalogue("made.csv", catalogue.rows.iloc[order])
    first = split_catalogue(catalogue, SplitConfig(), groups)
    second = split_catalogue(shuffled, SplitConfig(), groups[order])
    assert second.sort_index().equals(first)
    assert split_fingerprint(first) == split_fingerprint(second)


def test_given_parts_stay_and_the_missing_ones_come_from_train() -> None:
    given_parts = ["test" if row % 10 == 0 else "train" for row in range(630)]
    catalogue = catalogue_of(category=classes(), split=given_parts)
    split = split_catalogue(catalogue, SplitConfig(), alone(catalogue))
    assert (split == "test").tolist() == [part == "test" for part in given_parts]
    counts = split.value_counts()
    assert counts["validation"] == pytest.approx(567 * 0.1, abs=2)
    assert counts["calibration"] == pytest.approx(567 * 0.1, abs=2)


def test_a_whole_given_split_is_taken_as_it_is() -> None:
    parts = [PARTS[row % 4] for row in range(630)]
    catalogue = catalogue_of(category=classes(), split=parts)
    assert split_catalogue(catalogue, SplitConfig(), alone(catalogue)).tolist() == parts


def test_relatives_of_given_test_rows_are_excluded() -> None:
    parts = ["test", "train", "", "validation", "train", "calibration", "validation"] + ["train"] * 43
    catalogue = catalogue_of(category=["a", "b"] * 25, split=parts)
    groups = np.array([0, 0, 0, 0, 1, 1, 1, *range(2, 45)], np.int64)
    split = split_catalogue(catalogue, SplitConfig(), groups)
    assert split.tolist()[:7] == ["test"] + 3 * [EXCLUDED] + [EXCLUDED, "calibration", EXCLUDED]
    assert straddling(split, groups) == 0


def rule(**settings: object) -> HoldoutRule:
    return HoldoutRule.model_validate(settings)


def test_only_rows_that_match_a_rule_leave_train_and_the_first_match_wins() -> None:
    sources = ["true", "vote", "model", "vote"] * 100
    shares = [float("nan"), 1.0, 2.0, 0.7] * 100
    catalogue = catalogue_of(category=["a", "a", "b", "b", "b"] * 80, label_source=sources)
    catalogue.rows["label_share"] = shares
    config = SplitConfig(
        holdout=(
            rule(where={"label_source": ["true"]}, test=0.5, calibration=0.2),
            rule(where={"label_source": ["true", "vote"]}, min_share=0.9, validation=0.3),
        )
    )
    split = split_catalogue(catalogue, config, alone(catalogue))
    assert Counter(split[0::4]) == {"test": 50, "calibration": 20, "train": 30}
    assert Counter(split[1::4]) == {"validation": 30, "train": 70}
    assert set(split[2::4]) == set(split[3::4]) == {"train"}


def test_relatives_that_no_rule_lets_out_are_excluded() -> None:
    # Each true listing stands beside a machine-labelled copy of itself.
    catalogue = catalogue_of(category=["a", "a", "b", "b"] * 50, label_source=["true", "model"] * 100)
    groups = np.repeat(np.arange(100), 2)
    config = SplitConfig(holdout=(rule(where={"label_source": ["true"]}, test=0.25),))
    split = split_catalogue(catalogue, config, groups)
    true, model = split[0::2].to_numpy(), split[1::2].to_numpy()
    assert Counter(true) == {"test": 25, "train": 75} or Counter(true) == {"test": 24, "train": 76}
    assert set(model) == {"train", EXCLUDED}
    assert ((model == EXCLUDED) == (true == "test")).all()


def test_a_group_of_two_rules_goes_by_the_first() -> None:
    catalogue = catalogue_of(category=["a"] * 100 + ["b"] * 100, label_source=["true", "vote"] * 100)
    groups = np.repeat(np.arange(100), 2)
    config = SplitConfig(
        holdout=(
            rule(where={"label_source": ["true"]}, test=0.2, calibration=0.2),
            rule(where={"label_source": ["vote"]}, test=0.2),
        )
    )
    split = split_catalogue(catalogue, config, groups)
    true, vote = split[0::2].to_numpy(), split[1::2].to_numpy()
    assert set(vote[true == "test"]) == {"test"}
    assert set(vote[true == "calibration"]) == {EXCLUDED}
    assert set(vote[true == "train"]) == {"train"}


def test_rules_that_match_nothing_and_parts_that_stay_empty_are_refused() -> None:
    catalogue = catalogue_of(category=["a", "b"] * 20, label_source=["true"] * 40)
    config = SplitConfig(holdout=(rule(where={"label_source": ["ture"]}, test=0.2),))
    with pytest.raises(SplitError, match=r"^split\.holdout\.0: no row matches$"):
        split_catalogue(catalogue, config, alone(catalogue))
    with pytest.raises(SplitError, match=r"^split\.(test|validation|calibration): too few rows") as caught:
        split_catalogue(catalogue, SplitConfig(), np.zeros(40, np.int64))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("holdout", [False, True])
@pytest.mark.parametrize("size", [60, 300, 450])
def test_a_group_larger_than_what_a_part_needs_leaves_the_split_whole(size: int, holdout: bool) -> None:
    """A listing repeated so often that its group is most of its category, or of the catalogue."""
    catalogue = catalogue_of(category=["a"] * (size + 40) + ["b"] * 100, label_source=["true"] * (size + 140))
    groups = np.concatenate([np.zeros(size, np.int64), np.arange(1, 141)])
    rules = (rule(where={"label_source": ["true"]}, validation=0.09, calibration=0.09, test=0.1),) if holdout else ()
    split = split_catalogue(catalogue, SplitConfig(holdout=rules), groups)
    assert straddling(split, groups) == 0
    table = pd.crosstab(catalogue.rows["category"], split)
    assert set(split[:size]) == {"train"}
    for part in ("validation", "calibration", "test"):
        assert table.loc["b", part] >= 6
        assert 3 <= table.loc["a", part] <= 20


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.sampled_from(["", *PARTS])), min_size=60, max_size=120
    ),
    st.integers(0, 2**31),
)
def test_no_group_straddles_whatever_the_catalogue_gives(rows: list[tuple[str, int, str]], seed: int) -> None:
    catalogue = catalogue_of(category=[row[0] for row in rows], split=[row[2] for row in rows])
    groups = np.array([row[1] for row in rows], np.int64)
    try:
        split = split_catalogue(catalogue, SplitConfig(), groups, seed=seed)
    except SplitError:
        return
    assert straddling(split, groups) == 0
    given_parts = catalogue.rows["split"]
    assert ((split == "test") >= (given_parts == "test")).all()
    moved = given_parts.isin(["validation", "calibration"]) & (split != given_parts)
    assert set(split[moved]) <= {EXCLUDED}
