"""Features in flat arrays are the kernel's features, whatever is asked of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.preprocessing.settings import NgramPreprocessing, TokenPreprocessing
from models.preprocessing.text.clean import MAX_CHARACTERS, ListingText
from models.preprocessing.text.features import TextFeatures, load_text_features, pad_batch
from models.preprocessing.text.tokens import write_vocabulary
from training.fitting.text_features import Arrays, FlatFeatures, cleaned

TEXTS = (
    ListingText("Piscine gonflable 3 m", "Bâche et pompe incluses, liner bleu."),
    ListingText("Größe M", ""),
    ListingText("", "a description alone"),
    ListingText("?!", ""),
    ListingText("PS4 PS4 PS4 1To", "console"),
)
WORDS = st.sampled_from(["piscine", "bâche", "PS4", "1To", "Größe", "livre", "!", "a-b"])
LISTING_TEXTS = st.builds(ListingText, st.lists(WORDS, max_size=6).map(" ".join), st.lists(WORDS).map(" ".join))


def features_of(kind: str, folder: Path) -> TextFeatures:
    if kind == "ngrams":
        return load_text_features(NgramPreprocessing(buckets=1024), folder)
    write_vocabulary(folder, ["piscine", "bâche", "ps4", "livre"])
    return load_text_features(TokenPreprocessing(), folder)


def assert_same(found: Arrays, expected: Arrays) -> None:
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        assert found[key].dtype == array.dtype
        np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize("kind", ["ngrams", "tokens"])
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(LISTING_TEXTS, min_size=1, max_size=8))
def test_rows_and_batches_are_the_kernel_s(kind: str, tmp_path: Path, texts: list[ListingText]) -> None:
    features = features_of(kind, tmp_path)
    expected = [features.extract(text) for text in texts]
    flat = FlatFeatures.of(texts, features, progress=False)
    assert len(flat) == len(texts)
    for row, arrays in enumerate(expected):
        assert_same(flat.row(row), arrays)
    order = list(range(len(texts)))[::-1]
    assert_same(flat.batch(order), pad_batch([expected[row] for row in order]))
    assert flat.lengths().tolist() == [sum(map(len, arrays.values())) for arrays in expected]


@pytest.mark.parametrize("kind", ["ngrams", "tokens"])
def test_written_and_read_they_are_the_same(kind: str, tmp_path: Path) -> None:
    flat = FlatFeatures.of(TEXTS, features_of(kind, tmp_path), progress=False)
    flat.save(tmp_path)
    read = FlatFeatures.load(tmp_path)
    assert len(read) == len(TEXTS)
    for row in range(len(TEXTS)):
        assert_same(read.row(row), flat.row(row))
    assert_same(read.batch([4, 0, 0]), flat.batch([4, 0, 0]))


def test_document_frequencies_count_listings_and_not_occurrences(tmp_path: Path) -> None:
    flat = FlatFeatures.of(TEXTS, features_of("ngrams", tmp_path), progress=False)
    rows = np.array([0, 2, 4])
    counts = flat.document_frequencies(("ids", "description_ids"), rows, 1024)
    expected = np.zeros(1024, np.int64)
    for row in rows:
        for gram in {*flat.row(row)["ids"].tolist(), *flat.row(row)["description_ids"].tolist()}:
            expected[gram] += 1
    np.testing.assert_array_equal(counts, expected)
    titles = flat.document_frequencies(("ids",), rows, 1024)
    assert titles.sum() < counts.sum()


def test_texts_are_cleaned_by_the_kernel_and_cut_to_its_limit() -> None:
    long = "mot " * MAX_CHARACTERS
    rows = pd.DataFrame({"designation": ["<b>Caf&amp;eacute;</b>", long], "description": ["<p>1&nbsp;To</p>", ""]})
    assert cleaned(rows, progress=False) == [ListingText("Café", "1 To"), ListingText.clean(long[:MAX_CHARACTERS], "")]
