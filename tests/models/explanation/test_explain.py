from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import OptionError, TextEmpty
from models.explanation.explain import (
    MAX_WORDS,
    STEP_PHOTOS,
    STEP_TEXTS,
    TITLE_WORDS,
    Explanation,
    explain,
    explain_in_steps,
)
from models.explanation.occlusion import Occlusion
from models.listing import Listing, Modality
from models.networks.inference import Logits, Networks
from models.predictor import Predictor
from models.preprocessing.prepare import Prepared
from tests.models.tiny_networks import COLOURS, WORDS
from tests.models.tiny_version import listing, make_version, photo

NEAR = 1e-4


def confidence(predictor: Predictor, subject: Listing, code: str) -> float:
    answer = predictor.predict(subject, top_k=len(predictor.taxonomy))
    return next(part.confidence for part in answer.predictions if part.code == code)


def tried(explanation: Explanation, field: str) -> dict[str, float]:
    return {part.text: part.effect for part in explanation.text[field] if part.effect is not None}  # type: ignore[index]


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Texts and photos of each pass of the networks, as they happen."""
    passes: list[tuple[int, int]] = []
    logits = Networks.logits

    def counted(networks: Networks, prepared: Sequence[Prepared]) -> list[Logits]:
        passes.append((sum(p.text is not None for p in prepared), sum(p.pixels is not None for p in prepared)))
        return logits(networks, prepared)

    monkeypatch.setattr(Networks, "logits", counted)
    return passes


def test_the_word_that_decides_has_the_largest_effect(tiny_predictor: Predictor) -> None:
    explanation = explain(tiny_predictor, listing(3, description=3))
    assert explanation.prediction == tiny_predictor.predict(listing(3, description=3), top_k=1)
    title = tried(explanation, "designation")
    assert list(title) == ["Belle", WORDS[3], "neuve"]
    assert max(title, key=lambda word: title[word]) == WORDS[3]
    description = tried(explanation, "description")
    assert max(description, key=lambda word: description[word]) == WORDS[3]
    assert explanation.photo is None


@pytest.mark.parametrize("photo_of", [None, 1])
def test_an_effect_is_the_fall_of_the_confidence_without_the_word(
    tiny_predictor: Predictor, photo_of: int | None
) -> None:
    subject = listing(3, description=2, photo_of=photo_of)
    explanation = explain(tiny_predictor, subject)
    code, before = explanation.prediction.code, explanation.prediction.confidence
    for word, effect in tried(explanation, "designation").items():
        left = " ".join(subject.designation.replace(word, "").split())
        without = Listing(left, subject.description, subject.image)
        assert effect == pytest.approx(before - confidence(tiny_predictor, without, code), abs=NEAR), word
    without = Listing(subject.designation, subject.description.replace(WORDS[2], ""), subject.image)
    expected = before - confidence(tiny_predictor, without, code)
    assert tried(explanation, "description")[WORDS[2]] == pytest.approx(expected, abs=NEAR)


def test_the_segments_are_the_plain_text(tiny_predictor: Predictor) -> None:
    markup = "<p>Une <b>piscine</b> &amp; co&nbsp;: 3 &lt; 5</p><script>x()</script>"
    explanation = explain(tiny_predictor, Listing("A <i>b</i>", markup))
    assert "".join(part.text for part in explanation.text["designation"]) == "A b"
    assert "".join(part.text for part in explanation.text["description"]) == "Une piscine & co : 3 < 5"
    assert [part.text for part in explanation.text["description"] if part.effect is None] == [" ", " & ", " : ", " < "]


def test_fields_that_were_not_given_are_not_there(tiny_predictor: Predictor) -> None:
    assert set(explain(tiny_predictor, listing(1)).text) == {"designation"}
    assert set(explain(tiny_predictor, listing(description=1)).text) == {"description"}
    assert set(explain(tiny_predictor, Listing(" ", "\n", photo(COLOURS[1]))).text) == set()
    assert explain(tiny_predictor, Listing("<br>", "", photo(COLOURS[1]))).text == {"designation": ()}


def test_the_only_word_can_be_left_out_too(tiny_predictor: Predictor) -> None:
    (only,) = explain(tiny_predictor, Listing(WORDS[2])).text["designation"]
    assert only.effect is not None
    assert only.effect > 0.1


@pytest.mark.parametrize(("title", "description"), [(5, 3000), (3000, 5), (3000, 3000), (200, 0), (0, 200)])
def test_long_texts_are_left_out_in_groups(tiny_predictor: Predictor, title: int, description: int) -> None:
    texts = [" ".join(f"m{n}" for n in range(count))[:19_000] for count in (title, description)]
    explanation = explain(tiny_predictor, Listing(*texts))
    found = {field: len(tried(explanation, field)) for field in explanation.text}
    assert sum(found.values()) <= MAX_WORDS
    assert found.get("designation", 0) >= min(title, TITLE_WORDS // 2)
    assert not title or found["designation"] >= min(title, 5)
    for field, text in zip(("designation", "description"), texts, strict=True):
        if text:
            assert "".join(part.text for part in explanation.text[field]) == text  # type: ignore[index]


def test_variants_go_through_the_networks_together_and_only_where_they_differ(
    tiny_predictor: Predictor, passes: list[tuple[int, int]]
) -> None:
    subject = Listing(" ".join("abcdefghijklmnopqrst"), "", two_colours())
    explanation = explain(tiny_predictor, subject)
    assert explanation.photo is not None
    assert passes[0] == (1, 1)
    assert passes[1:3] == [(STEP_TEXTS, 0), (20 - STEP_TEXTS, 0)]
    photos = passes[3:]
    assert photos
    assert all(texts == 0 and 1 <= count <= STEP_PHOTOS for texts, count in photos)


def test_every_step_is_one_pass(tiny_predictor: Predictor, passes: list[tuple[int, int]]) -> None:
    subject = Listing("une belle piscine " * 30, "<p>neuve</p>", two_colours())
    for step in explain_in_steps(tiny_predictor, subject):
        assert len(passes) <= 1
        assert step is None or isinstance(step, Explanation)
        passes.clear()


def two_colours() -> bytes:
    """A photo of something that is mostly of category 1's colour, and to the right of 2's, on white."""
    picture = Image.new("RGB", (300, 200), "white")
    picture.paste(COLOURS[1], (30, 20, 150, 180))
    picture.paste(COLOURS[2], (150, 60, 200, 140))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("title", ["", "Belle figurine"])
def test_an_effect_of_the_photo_is_the_fall_when_a_part_is_covered(tiny_predictor: Predictor, title: str) -> None:
    subject = Listing(title, image=two_colours())
    explanation = explain(tiny_predictor, subject)
    assert explanation.prediction == tiny_predictor.predict(subject, top_k=1)
    assert explanation.photo is not None
    effects = np.array(explanation.photo.effects)
    assert effects.shape == (explanation.photo.rows, explanation.photo.columns)
    prepared = tiny_predictor.prepare(subject)
    config = tiny_predictor.preparation.config.image
    assert config is not None
    assert prepared.pixels is not None
    occlusion = Occlusion.of(two_colours(), prepared.pixels, config)
    index = tiny_predictor.taxonomy.index(explanation.prediction.code)
    expected = np.zeros(effects.shape)
    for cell in occlusion.cells:
        (scores,) = tiny_predictor.score([replace(prepared, pixels=occlusion.covered(cell))])
        expected[cell] = explanation.prediction.confidence - scores.fused[index]
    np.testing.assert_allclose(effects, expected, atol=NEAR)
    assert np.abs(effects).max() > 1e-3
    assert effects[0, -1] == 0  # an empty corner


def test_what_if_is_what_is_predicted_without(tiny_predictor: Predictor) -> None:
    subject = listing(3, description=2, photo_of=1)
    without = {
        "image": Listing(subject.designation, subject.description),
        "description": Listing(subject.designation, "", subject.image),
        "text": Listing(image=subject.image),
    }
    found = explain(tiny_predictor, subject, precision=0.95).what_if
    assert [part.without for part in found] == list(without)
    for part in found:
        expected = tiny_predictor.predict(without[part.without], top_k=1, precision=0.95)
        assert part.prediction.code == expected.code
        assert part.prediction.confidence == pytest.approx(expected.confidence, abs=NEAR)
        assert part.prediction.decision == expected.decision
        assert part.prediction.modalities == expected.modalities


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (listing(1), []),
        (listing(description=1), []),
        (listing(photo_of=1), []),
        (listing(1, description=1), ["description"]),
        (listing(1, photo_of=1), ["image", "text"]),
        (listing(description=1, photo_of=1), ["image", "description", "text"]),
        (Listing("<br>", "", photo(COLOURS[1])), []),
        (Listing("livre", "<br>"), []),
    ],
)
def test_what_if_holds_what_is_possible(tiny_predictor: Predictor, subject: Listing, expected: list[str]) -> None:
    assert [part.without for part in explain(tiny_predictor, subject).what_if] == expected


@pytest.mark.parametrize("modality", Modality)
def test_a_version_of_one_modality_explains_what_it_looks_at(tmp_path: Path, modality: Modality) -> None:
    predictor = Predictor.load(tmp_path / make_version(tmp_path, modalities=[modality], classes=2))
    explanation = explain(predictor, listing(1, photo_of=1))
    has_text = modality is Modality.TEXT
    assert bool(tried(explanation, "designation")) is has_text
    assert "".join(part.text for part in explanation.text["designation"]) == listing(1).designation
    assert (explanation.photo is None) is has_text
    assert explanation.what_if == ()


def test_what_cannot_be_predicted_cannot_be_explained(tiny_predictor: Predictor) -> None:
    with pytest.raises(TextEmpty):
        explain(tiny_predictor, Listing("<br>"))
    with pytest.raises(OptionError):
        explain(tiny_predictor, listing(1), precision=0.5)
