"""Cross-fitting: each training listing is predicted by a network fitted without it and its near-duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.training.fitting.test_text import labels, listings, run_config
from tests.training.synthetic_logits import labelled_logits
from training.evaluation.predictions import LabelledLogits
from training.fitting.text import TextFit
from training.fitting.text_stages import TextStages
from training.workspace import Workspace


def rows() -> pd.DataFrame:
    """Two listings in three have a trusted label; neighbours by four are near-duplicates."""
    table = listings()
    table["label_source"] = np.where(np.arange(len(table)) % 3, "true", "vote")
    table["label_share"] = np.nan
    table["group"] = np.arange(len(table)) // 4
    return table


def stages(folder: Path, table: pd.DataFrame, where: dict[str, list[str]], **options: Any) -> TextStages:
    config = run_config(**options)
    cross_fit = {"where": where, "folds": 3}
    config = type(config).model_validate({**config.model_dump(), "cross_fit": cross_fit})
    codes = ("1", "2", "3")
    return TextStages.start(config, table, labels(), codes, ["data", "split"], Workspace(folder, lambda _: None))


TRUE = {"label_source": ["true"]}


@pytest.mark.tensorflow
@pytest.mark.slow
def test_each_trusted_training_listing_is_answered_once_by_a_network_that_has_not_seen_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, seen = rows(), []
    fit = TextFit.fit

    def watched(self: TextFit, network: str, folder: Path) -> None:
        seen.append(set(self.rows.index[self.rows["split"] == "train"]))
        fit(self, network, folder)

    monkeypatch.setattr(TextFit, "fit", watched)
    made = stages(tmp_path, table, TRUE, epochs=8)
    labelled = made.cross_fitted()
    assert labelled is not None
    asked = table.index[(table["split"] == "train") & (table["label_source"] == "true")]
    assert len(labelled.labels) == len(asked)
    assert len(seen) == 3
    for trained in seen:
        left_out = set(table.index[table["split"] == "train"]) - trained
        assert left_out
        assert not {table.at[row, "group"] for row in left_out} & {table.at[row, "group"] for row in trained}
    assert set().union(*(set(asked) - trained for trained in seen)) == set(asked)
    assert labelled.text is not None
    assert (labelled.text.argmax(1) == labelled.labels).mean() > 0.8
    assert set(labelled.sources) == {"true"}
    assert labelled.image is None

    seen.clear()
    again = stages(tmp_path, table, TRUE, epochs=8).cross_fitted()
    assert not seen, "finished folds are kept"
    assert again is not None
    np.testing.assert_array_equal(again.text, labelled.text)
    network, _ = made.network()
    assert seen == [set(table.index[table["split"] == "train"])], "the version's own network learns from all"
    assert network.path.exists()


@pytest.mark.tensorflow
@pytest.mark.slow
def test_titles_are_asked_without_their_descriptions(tmp_path: Path) -> None:
    table = rows()
    table.loc[7, "designation"] = ""
    made = stages(tmp_path, table, TRUE)
    labelled = made.cross_fitted()
    assert labelled is not None
    assert labelled.text is not None
    assert labelled.title is not None
    np.testing.assert_array_equal(labelled.title[~labelled.described], labelled.text[~labelled.described])
    assert (labelled.title[labelled.described] != labelled.text[labelled.described]).any()
    assert np.isnan(labelled.title).all(1).sum() == 1
    assert np.isfinite(labelled.text).all()


def test_without_a_choice_nothing_is_asked(tmp_path: Path) -> None:
    assert stages(tmp_path, rows(), {}).cross_fitted() is None
    assert stages(tmp_path, rows(), {"label_source": ["nobody"]}).cross_fitted() is None


def test_parts_are_joined_and_what_one_lacks_is_missing() -> None:
    first, second = labelled_logits(1, 5, 3), labelled_logits(2, 7, 3)
    second = LabelledLogits(**{**vars(second), "image": None})
    joined = LabelledLogits.joined([first, second])
    assert joined.text is not None
    assert joined.image is not None
    np.testing.assert_array_equal(joined.labels, [*first.labels, *second.labels])
    np.testing.assert_array_equal(joined.text[5:], second.text)
    np.testing.assert_array_equal(joined.image[:5], first.image)
    assert np.isnan(joined.image[5:]).all()
    neither = LabelledLogits.joined([second, second])
    assert neither.image is None
