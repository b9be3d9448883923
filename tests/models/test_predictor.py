from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.decision.calibration import PRECISIONS
from models.decision.fusion import Fusion
from models.decision.prediction import Prediction
from models.errors import (
    ImageBlank,
    ImageCorrupt,
    ListingError,
    NothingToPredict,
    OptionError,
    TextEmpty,
    TextTooLong,
    VersionRefused,
)
from models.listing import Evidence, Listing, Modality
from models.networks.inference import Networks
from models.predictor import Predictor
from models.versions.golden import GoldenListing, read_golden, write_golden
from models.versions.manifest import read_manifest
from tests.models.pictures import encode
from tests.models.tiny_networks import COLOURS
from tests.models.tiny_version import CODES, calibration, listing, make_version, photo, reseal

BLANK = encode(Image.new("RGB", (64, 48), "white"), "PNG")

# Loading


def test_a_version_knows_what_it_is(tiny_version: Path, tiny_predictor: Predictor) -> None:
    assert tiny_predictor.version == tiny_version.name
    assert tiny_predictor.manifest == read_manifest(tiny_version)
    assert tiny_predictor.taxonomy.codes == CODES[:4]
    assert tiny_predictor.modalities == set(Modality)
    assert tiny_predictor.default_precision == 0.9


@pytest.mark.parametrize("modality", Modality)
def test_a_version_of_one_modality(tmp_path: Path, modality: Modality) -> None:
    name = make_version(tmp_path, modalities=[modality], classes=2)
    predictor = Predictor.load(tmp_path / name)
    assert predictor.modalities == {modality}
    both = predictor.predict(listing(1, photo_of=1))
    assert both.code == CODES[1]
    assert both.modalities == (modality,)
    assert both.warnings == ("image_ignored" if modality is Modality.TEXT else "text_ignored",)
    with pytest.raises(NothingToPredict):
        predictor.predict(listing(photo_of=1) if modality is Modality.TEXT else listing(1))


def test_the_folder_has_the_name_of_the_version(tiny_copy: Path) -> None:
    renamed = tiny_copy.rename(tiny_copy.with_name("2026.11.26-0000000"))
    with pytest.raises(VersionRefused, match="name"):
        Predictor.load(renamed)
    assert Predictor.load(renamed, verify=False).version == tiny_copy.name


def test_without_verification_neither_checksums_nor_golden_listings_are_looked_at(tiny_copy: Path) -> None:
    (tiny_copy / "golden.jsonl").unlink()
    (tiny_copy / "report.html").write_text("changed")
    with pytest.raises(VersionRefused):
        Predictor.load(tiny_copy)
    assert Predictor.load(tiny_copy, verify=False).predict(listing(1)).code == CODES[1]


def test_a_version_without_keras_files_has_no_reference_runtime(tiny_version: Path) -> None:
    with pytest.raises(VersionRefused):
        Predictor.load(tiny_version, runtime="keras")


@pytest.mark.tensorflow
def test_the_reference_runtime_gives_the_same_answers(tiny_keras_version: Path) -> None:
    compiled = Predictor.load(tiny_keras_version)
    reference = Predictor.load(tiny_keras_version, runtime="keras")
    listings = [listing(0), listing(2, description=1), listing(photo_of=3), listing(1, photo_of=2), Listing("autre")]
    ready = [compiled.prepare(subject) for subject in listings]
    for ours, theirs in zip(compiled.score(ready), reference.score(ready), strict=True):
        assert np.abs(ours.fused - theirs.fused).max() < 1e-5


@pytest.mark.tensorflow
def test_golden_answers_are_the_compiled_networks_and_bind_the_reference_less(
    tiny_keras_version: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_keras_version, tmp_path / tiny_keras_version.name))
    golden = read_golden(folder)
    write_golden(folder, [GoldenListing(entry.listing, entry.probabilities + np.float32(0.01)) for entry in golden])
    folder = reseal(folder)
    with pytest.raises(VersionRefused, match="golden listing"):
        Predictor.load(folder)
    assert Predictor.load(folder, runtime="keras").version == folder.name


def test_a_precision_that_is_not_native_here_is_still_served(tmp_path: Path) -> None:
    predictor = Predictor.load(tmp_path / make_version(tmp_path, precision="bf16"))
    assert [predictor.predict(listing(index)).code for index in range(4)] == list(CODES[:4])


# Scoring


def test_probabilities_are_the_calibrated_logits(tiny_version: Path, tiny_predictor: Predictor) -> None:
    """softmax(logits / T) of each network with its case's T, fused, and again with the T of BOTH."""

    def softmax(values: np.ndarray) -> np.ndarray:
        powers = np.exp(values - values.max())
        return powers / powers.sum()

    temperatures = {evidence: fitted.temperature for evidence, fitted in calibration().cases.items()}
    assert len(set(temperatures.values())) == 4
    fusion = Fusion.read(tiny_version, 4)
    networks = Networks.load(tiny_version, read_manifest(tiny_version))
    for subject, text_evidence in (
        (listing(0, photo_of=1), Evidence.TITLE),
        (listing(2, description=1, photo_of=3), Evidence.TEXT),
    ):
        prepared = tiny_predictor.prepare(subject)
        (logits,) = networks.logits([prepared])
        text = softmax(logits[Modality.TEXT].astype(np.float64) / temperatures[text_evidence])
        image = softmax(logits[Modality.IMAGE].astype(np.float64) / temperatures[Evidence.IMAGE])
        pool = fusion.text * np.log(text) + fusion.image * np.log(image) + fusion.bias
        (answer,) = tiny_predictor.score([prepared])
        assert np.allclose(answer.by_modality[Modality.TEXT], text, atol=1e-5)
        assert np.allclose(answer.by_modality[Modality.IMAGE], image, atol=1e-5)
        assert np.allclose(answer.fused, softmax(pool / temperatures[Evidence.BOTH]), atol=1e-5)


def test_one_modality_alone_is_not_fused(tiny_predictor: Predictor) -> None:
    for subject, modality in ((listing(1), Modality.TEXT), (listing(photo_of=1), Modality.IMAGE)):
        (answer,) = tiny_predictor.score([tiny_predictor.prepare(subject)])
        assert list(answer.by_modality) == [modality]
        assert np.array_equal(answer.fused, answer.by_modality[modality])


def test_the_logits_of_several_photos_are_averaged(tiny_predictor: Predictor) -> None:
    photos = [photo(COLOURS[index]) for index in (1, 3, 2)]
    alone = [tiny_predictor.logits([tiny_predictor.prepare(Listing(image=each))])[0] for each in photos]
    average = np.mean([logits[Modality.IMAGE] for logits in alone], axis=0)
    several, single = Listing("Belle chaise", images=tuple(photos)), listing(2, photo_of=1)
    prepared = [tiny_predictor.prepare(each) for each in (single, several, several)]
    first, second, third = tiny_predictor.logits(prepared)
    (expected,) = tiny_predictor.networks.logits(prepared[:1])
    np.testing.assert_allclose(first[Modality.IMAGE], expected[Modality.IMAGE], atol=1e-4)
    for logits in (second, third):
        np.testing.assert_allclose(logits[Modality.IMAGE], average, atol=1e-4)
    assert [tiny_predictor.predict(each).photos for each in (single, several, listing(2))] == [1, 3, 0]


@pytest.mark.parametrize("text", ["", "Belle chaise"])
def test_a_photo_that_shows_nothing_is_left_out_of_the_average(tiny_predictor: Predictor, text: str) -> None:
    first, second = photo(COLOURS[1]), photo(COLOURS[3])
    prepared = tiny_predictor.prepare(Listing(text, images=(BLANK, first, BLANK, second)))
    without = tiny_predictor.prepare(Listing(text, images=(first, second)))
    assert (prepared.photo_numbers, without.photo_numbers) == ((1, 3), (0, 1))
    assert prepared.warnings == ("image_blank",)
    with_blank, shown = (scores.fused for scores in tiny_predictor.score([prepared, without]))
    np.testing.assert_allclose(with_blank, shown, atol=1e-5)
    with pytest.raises(ImageBlank) as refused:
        tiny_predictor.prepare(Listing(images=(BLANK, BLANK)))
    assert refused.value.pointer == "/images/0"


def test_words_and_colours_tell(tiny_predictor: Predictor) -> None:
    for index, code in enumerate(CODES[:4]):
        for subject in (listing(index), listing(photo_of=index), listing(index, photo_of=index)):
            prediction = tiny_predictor.predict(subject)
            assert prediction.code == code
            assert 0.5 < prediction.confidence < 1


def test_calls_from_several_threads_do_not_mix(tiny_version: Path) -> None:
    predictor = Predictor.load(tiny_version, streams=2)
    listings = [listing(n % 4, description=(n // 4) % 4, photo_of=(n // 16) % 4) for n in range(64)]
    expected = [predictor.predict(subject) for subject in listings]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(predictor.predict, listings))
    for answer, alone in zip(answers, expected, strict=True):
        assert answer.code == alone.code
        assert abs(answer.confidence - alone.confidence) < 1e-6


# Options and errors


@pytest.mark.parametrize("top_k", [1, 2, 3, 4])
def test_top_k_entries(tiny_predictor: Predictor, top_k: int) -> None:
    prediction = tiny_predictor.predict(listing(1, photo_of=2), top_k=top_k)
    assert len(prediction.predictions) == top_k
    assert {len(entries) for entries in prediction.by_modality.values()} == {top_k}
    confidences = [entry.confidence for entry in prediction.predictions]
    assert confidences == sorted(confidences, reverse=True)
    assert sum(confidences) == pytest.approx(1, abs=1e-5) if top_k == 4 else sum(confidences) < 1


@pytest.mark.parametrize("top_k", [-1, 0, 5, 10**9])
def test_top_k_out_of_range(tiny_predictor: Predictor, top_k: int) -> None:
    for ask in (
        lambda: tiny_predictor.predict(listing(1), top_k=top_k),
        lambda: tiny_predictor.predict_many([], top_k=top_k),
        lambda: tiny_predictor.check_options(top_k, None),
    ):
        with pytest.raises(OptionError) as caught:
            ask()
        assert (caught.value.pointer, caught.value.status) == ("/top_k", 422)


@pytest.mark.parametrize("precision", [*PRECISIONS, 0.801, 0.9949])
def test_precisions_in_range(tiny_predictor: Predictor, precision: float) -> None:
    assert tiny_predictor.predict(listing(1), precision=precision).decision.precision == precision


@pytest.mark.parametrize("precision", [0, 0.7999, 0.9951, 1, -1, float("nan"), float("inf"), -float("inf")])
def test_precision_out_of_range(tiny_predictor: Predictor, precision: float) -> None:
    with pytest.raises(OptionError) as caught:
        tiny_predictor.predict(listing(1), precision=precision)
    assert (caught.value.pointer, caught.value.status) == ("/precision", 422)


BAD = {
    NothingToPredict: Listing(" "),
    TextEmpty: Listing("<p></p>"),
    TextTooLong: Listing("x" * 20_001),
    ImageCorrupt: Listing("x", image=photo((1, 2, 3))[:300]),
}


@pytest.mark.parametrize("error", BAD)
def test_predicting_a_bad_listing_raises(tiny_predictor: Predictor, error: type[ListingError]) -> None:
    with pytest.raises(error):
        tiny_predictor.predict(BAD[error])


def test_a_bad_listing_never_fails_the_others(tiny_predictor: Predictor) -> None:
    listings = [listing(0), *BAD.values(), listing(photo_of=2), Listing(), listing(1, photo_of=3)]
    answers = tiny_predictor.predict_many(listings)
    assert len(answers) == len(listings)
    good = [answer for answer in answers if isinstance(answer, Prediction)]
    assert [type(answer) for answer in answers[1:5]] == list(BAD)
    assert isinstance(answers[6], NothingToPredict)
    assert [answer.modalities for answer in good] == [("text",), ("image",), ("text", "image")]
    for position in (0, 5, 7):
        answer = answers[position]
        assert isinstance(answer, Prediction)
        assert answer.code == tiny_predictor.predict(listings[position]).code


def test_nothing_but_bad_listings(tiny_predictor: Predictor) -> None:
    assert tiny_predictor.predict_many([]) == []
    assert [type(answer) for answer in tiny_predictor.predict_many(list(BAD.values()))] == list(BAD)
