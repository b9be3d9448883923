"""A vocabulary of n-grams: which are kept, what ids they get, and that others are left out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import VersionRefused
from models.preprocessing.settings import NgramPreprocessing
from models.preprocessing.text import ngrams as ngram_vocabulary
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import load_text_features
from models.preprocessing.text.ngrams import NGRAMS_FILE, NgramFeatures, build_ngram_vocabulary, write_ngram_vocabulary

WORDS = NgramPreprocessing(vocabulary=True, char_sizes=(), word_sizes=(1,))
listing_texts = st.builds(
    ListingText, *[st.lists(st.sampled_from(["ps4", "1to", "tv", "4k", "pro"]), max_size=5).map(" ".join)] * 2
)


def word_hash(word: str) -> int:
    return int(NgramFeatures(WORDS).hashes(ListingText(word, ""))[0])


@given(st.lists(listing_texts, max_size=12), st.integers(1, 6), st.integers(1, 4), st.integers(1, 8))
def test_the_n_grams_that_most_listings_have(
    texts: list[ListingText], size: int, min_documents: int, together: int
) -> None:
    documents = Counter(word for text in texts for word in {*text.designation.split(), *text.description.split()})
    often = sorted((-count, word_hash(word)) for word, count in documents.items() if count >= min_documents)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngram_vocabulary, "COUNTED_TOGETHER", together)
        if not often:
            with pytest.raises(ValueError, match="no n-gram"):
                build_ngram_vocabulary(texts, WORDS, size, min_documents)
            return
        found = build_ngram_vocabulary(texts, WORDS, size, min_documents)
    assert found.dtype == np.uint64
    assert found.tolist() == sorted(hash_ for _, hash_ in often[:size])


def test_ids_are_places_in_the_vocabulary_and_unseen_n_grams_are_dropped(tmp_path: Path) -> None:
    vocabulary = np.sort(np.array([word_hash(word) for word in ("ps4", "tv", "pro")], np.uint64))
    write_ngram_vocabulary(tmp_path, vocabulary)
    features = load_text_features(WORDS, tmp_path)
    found = features.extract(ListingText("PS4 neuve, ps4 Pro", "rien de connu"))
    expected = sorted(1 + int(np.searchsorted(vocabulary, np.uint64(word_hash(word)))) for word in ("ps4", "pro"))
    assert found["ids"].tolist() == expected
    assert sorted(found["weights"].tolist()) == pytest.approx([1.0, 1 + np.log(2)])
    assert found["description_ids"].tolist() == [0]
    assert found["description_weights"].tolist() == [0.0]
    assert found["ids"].dtype == found["description_ids"].dtype == np.int32


@given(st.text("abcé1 ", max_size=40), st.text("abcé1 ", max_size=40))
def test_with_every_n_gram_known_nothing_is_lost_but_collisions(title: str, description: str) -> None:
    text = ListingText(title, description)
    config = NgramPreprocessing(buckets=2**22)
    hashes = NgramFeatures(config).hashes(text)
    if not len(hashes):
        return
    hashed, known = NgramFeatures(config).extract(text), NgramFeatures(config, hashes).extract(text)
    for key in ("weights", "description_weights"):
        np.testing.assert_array_equal(np.sort(hashed[key]), np.sort(known[key]))
    for key in ("ids", "description_ids"):
        assert (np.diff(known[key]) > 0).all()
        assert known[key].max() <= len(hashes)


def test_a_tampered_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VersionRefused, match=NGRAMS_FILE):
        load_text_features(WORDS, tmp_path)
    np.save(tmp_path / NGRAMS_FILE, np.array([5, 3], np.uint64))
    with pytest.raises(VersionRefused, match="ascending"):
        load_text_features(WORDS, tmp_path)
