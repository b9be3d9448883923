"""The folds of cross-fitting, and the answers of several networks put together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from training.config.run import RunConfig
from training.fitting.cross_fit import LEFT_OUT, Fold, cross_fit_folds, cross_fitted_logits


def rows(calibration: int = 10) -> pd.DataFrame:
    """Training listings of three categories, pairs of which are near-duplicates, and some to calibrate on."""
    train = pd.DataFrame({"split": "train", "category": np.repeat(["a", "b", "c"], 20), "group": np.arange(60) // 2})
    other = pd.DataFrame({"split": "calibration", "category": "a", "group": np.arange(100, 100 + calibration)})
    table = pd.concat([train, other], ignore_index=True)
    source = np.where(np.arange(len(table)) % 4 < 2, "true", "vote")
    table = table.assign(label_source=source, text_kind="", label_share=np.nan)
    return table.set_index(pd.Index(1000 + table.index))


def config(**sections: Any) -> RunConfig:
    return RunConfig.model_validate({"name": "x", "catalogue": {"path": "x.csv"}, **sections})


TRUE = {"label_source": ["true"]}


@pytest.mark.parametrize(
    ("sections", "calibration", "predicted"),
    [
        ({}, 10, 60),
        ({}, 2000, 0),
        ({"cross_fit": {"below": 0}}, 10, 0),
        ({"cross_fit": {"where": TRUE}}, 2000, 30),
        ({"cross_fit": {"where": {"label_source": ["nobody"]}}}, 10, 0),
        ({"split": {"holdout": [{"where": TRUE, "calibration": 0.1}]}}, 10, 30),
    ],
)
def test_few_calibration_listings_or_a_rule_choose_what_is_cross_fitted(
    sections: dict[str, Any], calibration: int, predicted: int
) -> None:
    table = rows(calibration)
    folds = cross_fit_folds(table, config(**sections))
    listed = [label for fold in folds for label in fold.predicted]
    assert len(listed) == len(set(listed)) == predicted
    assert table.loc[listed, "split"].eq("train").all()


def test_folds_leave_out_whole_groups_and_keep_every_category() -> None:
    table = rows()
    for fold in cross_fit_folds(table, config()):
        made = fold.rows(table)
        kept = made[made["split"].eq("train")]
        assert not set(made.loc[made["split"].eq(LEFT_OUT), "group"]) & set(kept["group"])
        assert set(kept["category"].value_counts()) == {16}


class Answering:
    """A network that answers a listing's number, for some listings alone."""

    def __init__(self, name: str, known: pd.Index) -> None:
        self.name, self.known = name, known

    def fold_logits(self, fold: Fold) -> tuple[pd.Index, dict[str, Any]]:
        answered = fold.predicted.intersection(self.known)
        values = {self.name: np.repeat(answered.to_numpy(np.float32)[:, None], 3, axis=1)}
        return answered, values | ({"described": np.ones(len(answered), bool)} if self.name == "text" else {})


def test_each_listing_gets_the_answers_of_the_networks_that_know_it() -> None:
    table = rows()
    folds = cross_fit_folds(table, config())
    texts, photos = table.index[::2], table.index[::3]
    labels = np.arange(len(table))
    answers = cross_fitted_logits(table, labels, folds, [Answering("text", texts), Answering("image", photos)])
    asked = 1000 + answers.labels
    assert answers.text is not None
    assert answers.image is not None
    np.testing.assert_array_equal(answers.text[:, 0], np.where(np.isin(asked, texts), asked, np.nan))
    np.testing.assert_array_equal(answers.image[:, 2], np.where(np.isin(asked, photos), asked, np.nan))
    np.testing.assert_array_equal(answers.described, np.isin(asked, texts))
    assert answers.title is None
    assert cross_fitted_logits(table, labels, folds, [Answering("image", photos)]).text is None
