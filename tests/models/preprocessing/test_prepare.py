from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.errors import (
    ImageCorrupt,
    ImageEmpty,
    ImageError,
    ImageUnsupported,
    ListingError,
    NothingToPredict,
    TextEmpty,
    TextTooLong,
    VersionRefused,
)
from models.listing import Evidence, Listing, Modality
from models.preprocessing.image.decode import decode_image
from models.preprocessing.prepare import IMAGE_IGNORED, TEXT_EMPTY, TEXT_IGNORED, Preparation
from models.preprocessing.settings import PREPROCESSING_FILE, ImagePreprocessing, Preprocessing, TokenPreprocessing
from models.preprocessing.text.clean import MAX_CHARACTERS, ListingText
from models.preprocessing.text.ngrams import NgramFeatures
from models.preprocessing.text.tokens import VOCABULARY_FILE, write_vocabulary
from tests.models.tiny_networks import NGRAMS, SIDE
from tests.models.tiny_version import photo

PHOTO = photo((10, 200, 30), size=(64, 40))
INVISIBLE = "<p>&nbsp;\u200b</p>"
BOTH = Preparation(Preprocessing(text=NGRAMS, image=ImagePreprocessing(height=SIDE, width=SIDE)), NgramFeatures(NGRAMS))
TEXT_ONLY = Preparation(Preprocessing(text=NGRAMS), NgramFeatures(NGRAMS))
IMAGE_ONLY = Preparation(Preprocessing(image=ImagePreprocessing(height=20, width=30)), None)


@pytest.mark.parametrize(
    ("listing", "evidence", "text_evidence"),
    [
        (Listing("Piscine"), Evidence.TITLE, Evidence.TITLE),
        (Listing("Piscine", " \n"), Evidence.TITLE, Evidence.TITLE),
        (Listing("Piscine", INVISIBLE), Evidence.TITLE, Evidence.TITLE),
        (Listing("Piscine", "ronde"), Evidence.TEXT, Evidence.TEXT),
        (Listing("", "ronde"), Evidence.TEXT, Evidence.TEXT),
        (Listing("Piscine", image=PHOTO), Evidence.BOTH, Evidence.TITLE),
        (Listing("Piscine", "ronde", PHOTO), Evidence.BOTH, Evidence.TEXT),
        (Listing("!!!"), Evidence.TITLE, Evidence.TITLE),
    ],
)
def test_the_case_is_what_there_is_to_predict_from(
    listing: Listing, evidence: Evidence, text_evidence: Evidence
) -> None:
    prepared = BOTH.prepare(listing)
    assert (prepared.evidence, prepared.text_evidence) == (evidence, text_evidence)
    assert prepared.modalities == ((Modality.TEXT,) if listing.image is None else (Modality.TEXT, Modality.IMAGE))
    assert prepared.warnings == ()


def test_a_photo_alone() -> None:
    prepared = BOTH.prepare(Listing(" ", "\t", PHOTO))
    assert prepared.evidence is Evidence.IMAGE
    assert prepared.text is None
    assert prepared.modalities == (Modality.IMAGE,)
    assert prepared.warnings == ()


def test_text_and_photo_are_prepared_by_their_own_modules() -> None:
    prepared = BOTH.prepare(Listing("Piscine <b>ronde</b>", "Ø&nbsp;3 m", PHOTO))
    expected = NgramFeatures(NGRAMS).extract(ListingText("Piscine ronde", "Ø 3 m"))
    assert prepared.text is not None
    assert prepared.text.keys() == expected.keys()
    assert all(np.array_equal(prepared.text[key], expected[key]) for key in expected)
    assert prepared.pixels is not None
    assert prepared.pixels.dtype == np.uint8
    assert np.array_equal(prepared.pixels, decode_image(PHOTO, SIDE, SIDE).pixels)


def test_the_photo_has_the_height_and_width_of_the_version() -> None:
    pixels = IMAGE_ONLY.prepare(Listing(image=PHOTO)).pixels
    assert pixels is not None
    assert pixels.shape == (20, 30, 3)


def test_what_the_version_has_no_network_for_is_ignored_with_a_warning() -> None:
    without_photo = TEXT_ONLY.prepare(Listing("Piscine", image=b"whatever this is"))
    assert (without_photo.evidence, without_photo.pixels) == (Evidence.TITLE, None)
    assert without_photo.warnings == (IMAGE_IGNORED,)
    without_text = IMAGE_ONLY.prepare(Listing("x" * (MAX_CHARACTERS + 1), image=PHOTO))
    assert (without_text.evidence, without_text.text) == (Evidence.IMAGE, None)
    assert without_text.warnings == (TEXT_IGNORED,)
    assert IMAGE_ONLY.prepare(Listing(" ", image=PHOTO)).warnings == ()


def test_text_of_which_nothing_is_left_is_ignored_with_a_warning_when_there_is_a_photo() -> None:
    prepared = BOTH.prepare(Listing(INVISIBLE, image=PHOTO))
    assert (prepared.evidence, prepared.text, prepared.warnings) == (Evidence.IMAGE, None, (TEXT_EMPTY,))


def test_warnings_of_the_photo_are_passed_on() -> None:
    prepared = BOTH.prepare(Listing(INVISIBLE, image=photo((1, 2, 3), size=(4, 4))))
    assert prepared.warnings == (TEXT_EMPTY, "image_tiny")


@pytest.mark.parametrize(
    ("prepare", "listing", "error", "pointer"),
    [
        (BOTH, Listing(), NothingToPredict, ""),
        (BOTH, Listing(" \n\t", "\u00a0 "), NothingToPredict, ""),
        (BOTH, Listing(INVISIBLE), TextEmpty, "/designation"),
        (BOTH, Listing("", INVISIBLE), TextEmpty, "/description"),
        (BOTH, Listing(INVISIBLE, INVISIBLE), TextEmpty, "/designation"),
        (BOTH, Listing("x" * (MAX_CHARACTERS + 1)), TextTooLong, "/designation"),
        (BOTH, Listing("x", "x" * (MAX_CHARACTERS + 1), PHOTO), TextTooLong, "/description"),
        (BOTH, Listing("x", image=b""), ImageEmpty, "/image"),
        (BOTH, Listing("x", image=b"%PDF-1.7 and so on"), ImageUnsupported, "/image"),
        (BOTH, Listing(image=PHOTO[:200]), ImageCorrupt, "/image"),
        (TEXT_ONLY, Listing(image=PHOTO), NothingToPredict, ""),
        (TEXT_ONLY, Listing(INVISIBLE, image=PHOTO), TextEmpty, "/designation"),
        (IMAGE_ONLY, Listing("Piscine"), NothingToPredict, ""),
        (IMAGE_ONLY, Listing("Piscine", image=b""), ImageEmpty, "/image"),
    ],
)
def test_errors_point_at_the_part_at_fault(
    prepare: Preparation, listing: Listing, error: type[ListingError], pointer: str
) -> None:
    with pytest.raises(ListingError) as caught:
        prepare.prepare(listing)
    assert type(caught.value) is error
    assert caught.value.pointer == pointer
    assert 400 <= caught.value.status < 500
    assert issubclass(error, ImageError) == (pointer == "/image")


def test_the_message_says_when_it_is_the_version_that_lacks_something() -> None:
    with pytest.raises(NothingToPredict, match="version has no network"):
        IMAGE_ONLY.prepare(Listing("Piscine"))
    with pytest.raises(NothingToPredict, match="Give a designation"):
        IMAGE_ONLY.prepare(Listing())


def test_loading_reads_the_settings_and_the_vocabulary(tmp_path: Path) -> None:
    Preprocessing(text=TokenPreprocessing()).write(tmp_path)
    write_vocabulary(tmp_path, ["piscine", "ronde"])
    prepare = Preparation.load(tmp_path)
    assert prepare.modalities == {Modality.TEXT}
    text = prepare.prepare(Listing("Piscine", "ronde")).text
    assert text is not None
    assert text["ids"].tolist() == [3, 2, 4]


@pytest.mark.parametrize("missing", [PREPROCESSING_FILE, VOCABULARY_FILE])
def test_loading_without_one_of_them_is_refused(tmp_path: Path, missing: str) -> None:
    Preprocessing(text=TokenPreprocessing()).write(tmp_path)
    write_vocabulary(tmp_path, ["piscine"])
    (tmp_path / missing).unlink()
    with pytest.raises(VersionRefused):
        Preparation.load(tmp_path)
