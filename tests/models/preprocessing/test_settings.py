from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import VersionRefused
from models.preprocessing.settings import (
    MAX_FILE_BYTES,
    PREPROCESSING_FILE,
    CombinedPreprocessing,
    ImagePreprocessing,
    NgramPreprocessing,
    PiecePreprocessing,
    Preprocessing,
    TextSettings,
    TokenPreprocessing,
)
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import TextFeatures, load_text_features, pad_batch, serving_length
from models.preprocessing.text.ngrams import NgramFeatures, write_ngram_vocabulary
from models.preprocessing.text.tokens import TokenFeatures, write_vocabulary
from tests.models.tiny_pieces import write_pieces

VOCABULARY = ["piscine", "Piscine", "de", "gonflable", "gonfl", "ps4", "²", "für", "fur", "größe", "console", "consol"]
TEXTS = [
    ListingText("Piscine gonflable de jardin Ø 3 m", "Facile à monter, für die ganze Familie. " * 20),
    ListingText("Console PS4 Pro 1To + TV 4K", ""),
    ListingText("", "Größe 38: 12 cm², l'Œuvre complète"),
    ListingText("!!!", "..."),
]
KNOWN_NGRAMS = NgramFeatures(NgramPreprocessing()).hashes(TEXTS[0])

stop_words = st.lists(
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12) | st.sampled_from(VOCABULARY),
    max_size=5,
).map(tuple)
token_configs = st.builds(
    TokenPreprocessing,
    title_tokens=st.integers(1, 1024),
    description_tokens=st.integers(1, 1024),
    lowercase=st.booleans(),
    stop_words=stop_words,
    stemmer=st.sampled_from(["none", "french", "english", "german"]),
)
ngram_configs = st.tuples(
    st.sets(st.integers(1, 8)).map(sorted), st.sets(st.integers(1, 3), min_size=1).map(sorted)
).flatmap(
    lambda sizes: st.builds(
        NgramPreprocessing,
        vocabulary=st.booleans(),
        buckets=st.integers(10, 22).map(lambda bits: 2**bits),
        char_sizes=st.just(tuple(sizes[0])),
        word_sizes=st.just(tuple(sizes[1])),
        lowercase=st.booleans(),
        strip_accents=st.booleans(),
        title_characters=st.integers(1, 20_000),
        description_characters=st.integers(1, 20_000),
    )
)
image_configs = st.builds(
    ImagePreprocessing,
    height=st.integers(8, 1024),
    width=st.integers(8, 1024),
    margin_canvas=st.none() | st.integers(8, 1024),
)
piece_configs = st.builds(
    PiecePreprocessing,
    title_pieces=st.integers(3, 1024),
    description_pieces=st.integers(3, 1024),
    lowercase=st.booleans(),
)
text_configs = (
    token_configs
    | ngram_configs
    | piece_configs
    | st.builds(CombinedPreprocessing, ngrams=ngram_configs, pieces=piece_configs)
)
configs = st.builds(Preprocessing, text=st.none() | text_configs, image=st.none() | image_configs)


def write_fitted(folder: Path) -> None:
    """All files that any kind of preprocessing has beside `preprocessing.json`."""
    write_vocabulary(folder, VOCABULARY)
    write_ngram_vocabulary(folder, KNOWN_NGRAMS)
    write_pieces(folder)


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        first[key].dtype == second[key].dtype and np.array_equal(first[key], second[key]) for key in first
    )


@settings(deadline=None)  # the first stemmer imports NLTK
@given(configs)
def test_what_is_written_is_read_and_gives_the_same_features(config: Preprocessing) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        config.write(folder)
        write_fitted(folder)
        read = Preprocessing.read(folder)
        assert read == config
        if config.text is None:
            return
        assert read.text is not None
        loaded = load_text_features(read.text, folder)
        if isinstance(config.text, TokenPreprocessing):
            assert isinstance(loaded, TokenFeatures)
            given: TextFeatures = TokenFeatures(config.text, VOCABULARY)
        elif isinstance(config.text, NgramPreprocessing):
            assert isinstance(loaded, NgramFeatures)
            given = NgramFeatures(config.text, KNOWN_NGRAMS if config.text.vocabulary else None)
        else:
            assert isinstance(config.text, CombinedPreprocessing | PiecePreprocessing)
            given = load_text_features(config.text, folder)
        assert all(same(given.extract(text), loaded.extract(text)) for text in TEXTS)


@pytest.mark.parametrize(
    "field",
    [
        *(f"tokens.{name}" for name in TokenPreprocessing.model_fields),
        *(f"ngrams.{name}" for name in NgramPreprocessing.model_fields),
        *(f"pieces.{name}" for name in PiecePreprocessing.model_fields),
    ],
)
def test_every_field_changes_the_features(field: str, tmp_path: Path) -> None:
    """No field is dead: a version's setting that nothing reads would be a promise not kept."""
    kind, name = field.split(".")
    other: dict[str, Any] = {
        "title_tokens": 1,
        "description_tokens": 2,
        "lowercase": False,
        "stop_words": ("de",),
        "stemmer": "french",
        "buckets": 2**12,
        "char_sizes": (4,),
        "word_sizes": (),
        "strip_accents": True,
        "title_characters": 5,
        "description_characters": 6,
        "vocabulary": True,
        "title_pieces": 3,
        "description_pieces": 4,
    }
    if kind == "pieces":
        other["lowercase"] = True
    if name == "kind":
        return
    write_fitted(tmp_path)

    def features(config: TextSettings) -> list[dict[str, np.ndarray]]:
        extractor = load_text_features(config, tmp_path)
        return [extractor.extract(text) for text in TEXTS]

    make = {"tokens": TokenPreprocessing, "ngrams": NgramPreprocessing, "pieces": PiecePreprocessing}[kind]
    before, after = features(make()), features(make.model_validate({name: other[name]}))
    assert not all(same(first, second) for first, second in zip(before, after, strict=True))


def test_the_file_is_for_people_too_and_always_the_same(tmp_path: Path) -> None:
    config = Preprocessing(
        text=TokenPreprocessing(stop_words=("à", "le")), image=ImagePreprocessing(height=224, width=192)
    )
    config.write(tmp_path)
    written = (tmp_path / PREPROCESSING_FILE).read_bytes()
    assert json.loads(written) == {
        "image": {"height": 224, "width": 192, "margin_canvas": None},
        "text": {
            "kind": "tokens",
            "title_tokens": 40,
            "description_tokens": 160,
            "lowercase": True,
            "stop_words": ["à", "le"],
            "stemmer": "none",
        },
    }
    assert "à".encode() in written
    Preprocessing.read(tmp_path).write(tmp_path)
    assert (tmp_path / PREPROCESSING_FILE).read_bytes() == written


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b'{"text": NaN}',
        b'{"sound": null}',
        b'{"text": {}}',
        b'{"text": {"kind": "words"}}',
        b'{"text": {"kind": "tokens", "title_tokens": 0}}',
        b'{"text": {"kind": "tokens", "title_tokens": "40"}}',
        b'{"text": {"kind": "tokens", "lowercase": 1}}',
        b'{"text": {"kind": "tokens", "stemmer": "klingon"}}',
        b'{"text": {"kind": "tokens", "stop_words": ["two words"]}}',
        b'{"text": {"kind": "tokens", "stop_words": [""]}}',
        b'{"text": {"kind": "tokens", "stop_words": "le"}}',
        b'{"text": {"kind": "tokens", "buckets": 1024}}',
        b'{"text": {"kind": "ngrams", "buckets": 1000}}',
        b'{"text": {"kind": "ngrams", "buckets": 512}}',
        b'{"text": {"kind": "ngrams", "buckets": 8388608}}',
        b'{"text": {"kind": "ngrams", "char_sizes": [4, 3]}}',
        b'{"text": {"kind": "ngrams", "char_sizes": [3, 3]}}',
        b'{"text": {"kind": "ngrams", "char_sizes": [0]}}',
        b'{"text": {"kind": "ngrams", "char_sizes": [], "word_sizes": []}}',
        b'{"text": {"kind": "ngrams", "word_sizes": [4]}}',
        b'{"text": {"kind": "ngrams", "title_characters": 20001}}',
        b'{"text": {"kind": "pieces", "title_pieces": 2}}',
        b'{"text": {"kind": "pieces", "ngrams": {}}}',
        b'{"text": {"kind": "combined", "ngrams": {"kind": "pieces"}}}',
        b'{"text": {"kind": "combined", "buckets": 1024}}',
        b'{"image": {"height": 7, "width": 224}}',
        b'{"image": {"height": 224, "width": 1025}}',
        b'{"image": {"height": 224.5, "width": 224}}',
        b'{"image": {"height": 224}}',
        b"[" * 100_000,
        b" " * (MAX_FILE_BYTES + 1),
    ],
    ids=lambda content: repr(content[:60]),
)
def test_a_file_that_is_not_right_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / PREPROCESSING_FILE).write_bytes(content)
    with pytest.raises(VersionRefused, match=PREPROCESSING_FILE) as caught:
        Preprocessing.read(tmp_path)
    assert str(tmp_path) not in caught.value.reason


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VersionRefused, match="cannot be read"):
        Preprocessing.read(tmp_path)
    (tmp_path / PREPROCESSING_FILE).mkdir()
    with pytest.raises(VersionRefused, match="cannot be read"):
        Preprocessing.read(tmp_path)


def test_combined_features_are_those_of_both_kinds(tmp_path: Path) -> None:
    write_fitted(tmp_path)
    config = CombinedPreprocessing(
        ngrams=NgramPreprocessing(vocabulary=True, word_sizes=(1,)), pieces=PiecePreprocessing(title_pieces=5)
    )
    together = load_text_features(config, tmp_path)
    parts = [load_text_features(part, tmp_path) for part in (config.ngrams, config.pieces)]
    for text in TEXTS:
        first, second = (part.extract(text) for part in parts)
        assert not first.keys() & second.keys()
        assert same(together.extract(text), {**first, **second})


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=5))
def test_padding_is_zeros_after_the_end(rows: list[list[int]]) -> None:
    batch = pad_batch([{"ids": np.array(row, np.int32), "weights": np.array(row, np.float32)} for row in rows])
    longest = max(map(len, rows))
    expected = [row + [0] * (longest - len(row)) for row in rows]
    assert batch["ids"].tolist() == batch["weights"].tolist() == expected
    assert batch["ids"].dtype == np.int32
    assert batch["weights"].dtype == np.float32


def test_each_key_is_padded_to_its_own_longest_row() -> None:
    batch = pad_batch([{"a": np.ones(3), "b": np.ones((1, 2))}, {"a": np.ones(1), "b": np.ones((2, 2))}])
    assert batch["a"].shape == (2, 3)
    assert batch["b"].shape == (2, 2, 2)
    with pytest.raises(ValueError, match="row"):
        pad_batch([])


def test_served_texts_have_few_lengths_and_little_padding() -> None:
    lengths = {longest: serving_length(longest) for longest in range(1, 5001)}
    assert len(set(lengths.values())) <= 20
    assert lengths[1] == 1
    assert all(longest <= length <= max(16, 1.5 * longest) for longest, length in lengths.items())
    assert sorted(lengths.values()) == list(lengths.values())
    batch = pad_batch([{"ids": np.ones(9, np.int32)}, {"ids": np.ones(2, np.int32)}], serving_length)
    assert batch["ids"].tolist() == [[1] * 9 + [0] * 7, [1] * 2 + [0] * 14]
