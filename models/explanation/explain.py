"""Why a listing gets its category: how the confidence falls without a word, a part of the photo or a whole field.

    explanation = explain(predictor, Listing("Matelas de piscine gonflable"))
    print([(segment.text, segment.effect) for segment in explanation.designation])

About a hundred variants of the listing go through the networks, so the work comes in steps: other requests may have
their turn between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.decision.prediction import Prediction
from models.explanation.occlusion import Occlusion
from models.explanation.words import Segment, Span, grouped, segments, without, word_spans
from models.listing import Evidence, Listing, Modality
from models.networks.inference import Logits
from models.predictor import Predictor
from models.preprocessing.prepare import Prepared
from models.preprocessing.text.clean import ListingText

MAX_WORDS = 64
"""Words, or groups of neighbours where there are more, that are left out in turn: half a second of one core at most."""
TITLE_WORDS = 32
"""Words of the title among these if the description could use all."""
STEP_TEXTS = 16
"""Texts that go through the network in one pass, and one step."""
STEP_PHOTOS = 4
"""Photos in one step; larger passes gain nothing."""

Field = Literal["designation", "description"]
FIELDS: tuple[Field, ...] = ("designation", "description")


@dataclass(frozen=True, slots=True)
class PhotoEffects:
    """How much the confidence falls when a cell of the upright photo is covered: `effects` has rows of columns."""

    rows: int
    columns: int
    effects: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The prediction for the listing without a part."""

    without: Literal["image", "description", "text"]
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Explanation:
    """Effects are on the confidence of `prediction`'s category. `text` has the fields that hold more than white space,
    in pieces that joined are their plain text.
    """

    prediction: Prediction
    text: Mapping[Field, tuple[Segment, ...]]
    photo: PhotoEffects | None
    what_if: tuple[WhatIf, ...]


def explain(predictor: Predictor, listing: Listing, *, precision: float | None = None) -> Explanation:
    """Explain the prediction for a listing. Raises ListingError or OptionError."""
    predictor.check_options(1, precision)
    steps = (step for step in explain_in_steps(predictor, listing, precision=precision) if step is not None)
    return next(steps)


def explain_in_steps(
    predictor: Predictor, listing: Listing, *, precision: float | None = None
) -> Iterator[Explanation | None]:
    """Yields None after each step but the last, which yields the explanation. A step has at most `STEP_TEXTS` texts or
    `STEP_PHOTOS` photos of work. Raises ListingError in the first.
    """
    subject = _Subject(predictor, listing, precision)
    yield None
    text = ListingText.clean(listing.designation, listing.description)
    effects: dict[Field, dict[Span, float]] = {field: {} for field in FIELDS}
    words = iter(_words(text) if subject.prepared.text is not None else ())
    while few := list(islice(words, STEP_TEXTS)):
        falls = subject.falls_with_texts([_without(text, field, span) for field, span in few])
        for (field, span), fall in zip(few, falls, strict=True):
            effects[field][span] = fall
        yield None
    photo: PhotoEffects | None = None
    if listing.image is not None and subject.prepared.pixels is not None:
        for done in _photo_effects(subject, listing.image, subject.prepared.pixels):
            photo = done
            yield None
    segmented = {
        field: segments(getattr(text, field), effects[field]) for field in FIELDS if getattr(listing, field).strip()
    }
    yield Explanation(subject.prediction, segmented, photo, subject.what_if(text))


def _words(text: ListingText) -> list[tuple[Field, Span]]:
    """The spans that are left out of each field in turn, `MAX_WORDS` at most."""
    title, description = word_spans(text.designation), word_spans(text.description)
    for_title = min(len(title), max(TITLE_WORDS, MAX_WORDS - len(description)))
    spans: list[tuple[Field, Span]] = [("designation", span) for span in grouped(title, for_title)]
    return spans + [("description", span) for span in grouped(description, MAX_WORDS - len(spans))]


def _without(text: ListingText, field: Field, span: Span) -> ListingText:
    rest = without(getattr(text, field), span)
    return replace(text, designation=rest) if field == "designation" else replace(text, description=rest)


def _photo_effects(subject: _Subject, photo: bytes, pixels: NDArray[np.uint8]) -> Iterator[PhotoEffects | None]:
    """Yields None after each step but the last."""
    config = subject.predictor.preparation.config.image
    if config is None:
        return
    occlusion = Occlusion.of(photo, pixels, config)
    effects = np.zeros((occlusion.rows, occlusion.columns))
    cells = iter(occlusion.cells)
    while few := list(islice(cells, STEP_PHOTOS)):
        for cell, fall in zip(few, subject.falls_with_photos([occlusion.covered(cell) for cell in few]), strict=True):
            effects[cell] = fall
        yield None
    rows = tuple(tuple(float(value) for value in row) for row in effects)
    yield PhotoEffects(occlusion.rows, occlusion.columns, rows)


def ask_networks(predictor: Predictor, variants: Sequence[Prepared]) -> list[Logits]:
    """The logits of some variants of a listing: nearly all the work of a step."""
    return predictor.networks.logits(variants)


class _Subject:
    """A predicted listing, and how its category's confidence changes when one modality is exchanged.

    The other modality's network does not run again. Raises ListingError.
    """

    def __init__(self, predictor: Predictor, listing: Listing, precision: float | None) -> None:
        self.predictor = predictor
        self.prepared = predictor.prepare(listing)
        (self._logits,) = ask_networks(predictor, [self.prepared])
        self._precision = precision
        self.prediction = self._conclude(self.prepared, self._logits)
        self._category = predictor.taxonomy.index(self.prediction.code)

    def falls_with_texts(self, texts: Sequence[ListingText]) -> list[float]:
        """By how much the confidence is lower with each of these texts than with the listing's own."""
        variants = [self._text_alone(text) for text in texts]
        whole = [
            variant
            if self.prepared.pixels is None
            else replace(variant, evidence=Evidence.BOTH, pixels=self.prepared.pixels)
            for variant in variants
        ]
        return self._falls(whole, Modality.TEXT, ask_networks(self.predictor, variants))

    def falls_with_photos(self, photos: Sequence[NDArray[np.uint8]]) -> list[float]:
        """By how much the confidence is lower with each of these photos, network inputs uint8 [H, W, 3]."""
        variants = [Prepared(Evidence.IMAGE, None, Evidence.TITLE, pixels, ()) for pixels in photos]
        whole = [replace(self.prepared, pixels=variant.pixels) for variant in variants]
        return self._falls(whole, Modality.IMAGE, ask_networks(self.predictor, variants))

    def what_if(self, text: ListingText) -> tuple[WhatIf, ...]:
        """Predictions without the photo, the description and all text, as far as something is left."""
        answers: list[WhatIf] = []
        prepared, logits = self.prepared, self._logits
        text_alone = replace(prepared, evidence=prepared.text_evidence, pixels=None)
        photo_alone = replace(prepared, evidence=Evidence.IMAGE, text=None)
        both = prepared.evidence is Evidence.BOTH
        if both:
            answers.append(WhatIf("image", self._conclude(text_alone, {Modality.TEXT: logits[Modality.TEXT]})))
        without_text = self._conclude(photo_alone, {Modality.IMAGE: logits[Modality.IMAGE]}) if both else None
        if prepared.text is not None and text.description:
            without_description = self._without_description(text) if text.designation else without_text
            if without_description is not None:
                answers.append(WhatIf("description", without_description))
        if without_text is not None:
            answers.append(WhatIf("text", without_text))
        return tuple(answers)

    def _without_description(self, text: ListingText) -> Prediction:
        title = self._text_alone(replace(text, description=""))
        (logits,) = ask_networks(self.predictor, [title])
        if self.prepared.pixels is not None:
            title = replace(title, evidence=Evidence.BOTH, pixels=self.prepared.pixels)
        return self._conclude(title, {**self._logits, **logits})

    def _text_alone(self, text: ListingText) -> Prepared:
        evidence, features = self.predictor.preparation.features(text)
        return Prepared(evidence, features, evidence, None, ())

    def _falls(self, variants: Sequence[Prepared], modality: Modality, logits: Sequence[Logits]) -> list[float]:
        decider = self.predictor.decider
        scores = decider.fuse(variants, [{**self._logits, modality: values[modality]} for values in logits])
        confidences = [decider.served(*pair)[self._category] for pair in zip(variants, scores, strict=True)]
        return [self.prediction.confidence - float(confidence) for confidence in confidences]

    def _conclude(self, prepared: Prepared, logits: Logits) -> Prediction:
        (scores,) = self.predictor.decider.fuse([prepared], [logits])
        return self.predictor.conclude(prepared, scores, top_k=1, precision=self._precision)
