"""Sentence pieces: what a field becomes, which pieces a version knows, and files that are refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import VersionRefused
from models.preprocessing.settings import PiecePreprocessing
from models.preprocessing.text.clean import ListingText
from models.preprocessing.text.features import TextFeatures, load_text_features
from models.preprocessing.text.pieces import (
    FIRST_PIECE,
    KEPT_FILE,
    PADDING,
    TOKENIZER_FILE,
    UNKNOWN,
    PieceFeatures,
    read_kept_pieces,
    read_tokenizer,
)
from tests.models.tiny_pieces import tokenizer_model, write_pieces

any_text = st.text(st.characters(exclude_categories=[]), max_size=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pieces")
    write_pieces(folder)
    return folder


def features(folder: Path, **settings: object) -> TextFeatures:
    return load_text_features(PiecePreprocessing.model_validate(settings), folder)


def test_a_field_is_its_marks_around_the_tokenizer_s_pieces(folder: Path) -> None:
    found = features(folder).extract(ListingText("piscine pour enfants", "roman policier"))
    assert {key: value.dtype for key, value in found.items()} == {"pieces": np.int32, "description_pieces": np.int32}
    tokenizer = read_tokenizer(folder)
    for key, text in (("pieces", "piscine pour enfants"), ("description_pieces", "roman policier")):
        own = tokenizer.encode(text, add_bos=True, add_eos=True)
        assert found[key].tolist() == [id_ - 1 + FIRST_PIECE for id_ in own]  # all but id 0 are kept, in their order


@pytest.mark.parametrize("blank", ["", " ", "\n\t "])
def test_a_field_without_text_is_one_padding_entry(folder: Path, blank: str) -> None:
    found = features(folder).extract(ListingText("piscine", blank))
    assert found["description_pieces"].tolist() == [PADDING]
    assert PADDING not in found["pieces"]


def test_pieces_that_are_not_kept_are_unknown_and_ids_stay_dense(tmp_path: Path) -> None:
    tokenizer = write_pieces(tmp_path, slice(20, 60))
    text = "piscine gonflable pour enfants, livre de poche"
    found = features(tmp_path).extract(ListingText(text, ""))["pieces"].tolist()
    own = tokenizer.encode(text, add_bos=True, add_eos=True)
    assert [id_ == UNKNOWN for id_ in found] == [not (20 <= id_ < 60 or id_ in (1, 2)) for id_ in own]
    assert UNKNOWN in found
    assert max(found) < FIRST_PIECE + 42
    assert [found[0], found[-1]] == [FIRST_PIECE, FIRST_PIECE + 1]


@given(any_text, any_text, st.integers(3, 12), st.booleans())
def test_total_and_within_the_limits(folder: Path, title: str, description: str, limit: int, lowercase: bool) -> None:
    made = features(folder, title_pieces=limit, description_pieces=limit + 1, lowercase=lowercase)
    found = made.extract(ListingText(title, description))
    assert 1 <= len(found["pieces"]) <= limit
    assert 1 <= len(found["description_pieces"]) <= limit + 1
    for values in found.values():
        assert (values.tolist() == [PADDING]) or (values >= UNKNOWN).all()


def test_a_long_field_keeps_its_begin_and_the_end_mark(folder: Path) -> None:
    text = "piscine gonflable pour enfants " * 200
    short, long = (features(folder, title_pieces=n).extract(ListingText(text, "roman"))["pieces"] for n in (9, 30))
    assert len(short) == 9
    assert short[:8].tolist() == long[:8].tolist()
    assert short[-1] == long[-1] == FIRST_PIECE + 1
    beside = features(folder).extract(ListingText("roman", text))
    assert beside["pieces"].tolist() == features(folder).extract(ListingText("roman", ""))["pieces"].tolist()


def test_lowercase(folder: Path) -> None:
    plain, lowered = features(folder), features(folder, lowercase=True)
    upper, lower = ListingText("PISCINE", ""), ListingText("piscine", "")
    assert lowered.extract(upper)["pieces"].tolist() == plain.extract(lower)["pieces"].tolist()
    assert plain.extract(upper)["pieces"].tolist() != plain.extract(lower)["pieces"].tolist()


def test_many_threads_get_the_same_pieces(folder: Path) -> None:
    made = features(folder)
    texts = [ListingText(f"piscine {number} pour enfants", "roman policier " * (number % 7)) for number in range(200)]
    alone = [made.extract(text) for text in texts]
    with ThreadPoolExecutor(8) as threads:
        for found, expected in zip(threads.map(made.extract, texts * 3), alone * 3, strict=True):
            assert all(np.array_equal(found[key], expected[key]) for key in expected)


# --- files


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VersionRefused, match=TOKENIZER_FILE):
        features(tmp_path)
    (tmp_path / TOKENIZER_FILE).write_bytes(tokenizer_model())
    with pytest.raises(VersionRefused, match=KEPT_FILE):
        features(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no tokenizer", b"\x00" * 100, b"\xff" * 1000], ids=repr)
def test_another_file_is_no_tokenizer(tmp_path: Path, content: bytes) -> None:
    (tmp_path / TOKENIZER_FILE).write_bytes(content)
    with pytest.raises(VersionRefused, match=TOKENIZER_FILE):
        read_tokenizer(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_tokenizer_is_refused_or_read_but_never_worse(data: st.DataObject) -> None:
    content = bytearray(tokenizer_model())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    else:
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
            content[place] ^= data.draw(st.integers(1, 255))
    with TemporaryDirectory() as name:
        (Path(name) / TOKENIZER_FILE).write_bytes(content)
        try:
            tokenizer = read_tokenizer(Path(name))
        except VersionRefused:
            return
        made = PieceFeatures(PiecePreprocessing(), tokenizer, np.array([1, 2], np.int32))
        assert len(made.extract(ListingText("piscine gonflable", ""))["pieces"]) >= 1


@pytest.mark.parametrize(
    "kept", [[1, 2, 100_000], [-1, 1, 2], [0, 1, 2, 3], [1, 3, 4], [3, 4]], ids=["beyond", "below", "unk", "eos", "bos"]
)
def test_kept_pieces_must_fit_the_tokenizer(tmp_path: Path, kept: list[int]) -> None:
    tokenizer = write_pieces(tmp_path)
    np.save(tmp_path / KEPT_FILE, np.array(kept, np.int32))
    with pytest.raises(VersionRefused, match=KEPT_FILE):
        read_kept_pieces(tmp_path, tokenizer)
