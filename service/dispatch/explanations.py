"""Explanations: computed step by step in the engine, so that others get their turn, and written for the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from models.errors import PykutenError
from models.explanation.explain import Explanation, PhotoEffects, explain_in_steps
from models.listing import Listing
from service.dispatch.job import PredictionJob, check_photo
from service.engine.waiting import answer_of
from service.http.context import context_of
from service.http.responses import (
    DECIMALS,
    CategoryBody,
    Confidence,
    DecisionBody,
    LabelTable,
    ModelBody,
    category_body,
    decision_body,
    with_pointer,
)

Effect = Annotated[float, Field(ge=-1, le=1, description="Fall of the confidence; negative: it speaks against.")]


PhotoNumber = Annotated[
    int, Field(description="Where there are several photos: which of them it is, from 0; the others stay as they are.")
]


class SegmentBody(TypedDict):
    """A piece of a text: a word, several where there are many, or what stands between them, which has no effect."""

    text: str
    effect: Effect | None


class PhotoEffectsBody(TypedDict):
    """A grid over the whole upright photo: `effects` holds rows, from the top, of columns, from the left."""

    rows: int
    columns: int
    effects: list[list[Effect]]
    number: NotRequired[PhotoNumber]


class WhatIfBody(TypedDict):
    """What the answer would be `without` a part of the listing."""

    without: Literal["image", "description", "text"]
    category: CategoryBody
    confidence: Confidence
    decision: DecisionBody


class ExplanationBody(TypedDict):
    """Effects are on the confidence in `category`. The pieces of a text, joined, are that text without its HTML."""

    id: str | None
    category: CategoryBody
    confidence: Confidence
    text: dict[Literal["designation", "description"], list[SegmentBody]]
    photo: PhotoEffectsBody | None
    what_if: list[WhatIfBody]
    model: ModelBody


async def explain(job: PredictionJob, listing: Listing) -> Explanation:
    """Explain the prediction for one listing. Raises the listing's error or the engine's."""
    check_photo(listing, job.state.settings)
    steps = _steps(job, listing)
    is_admitted = False
    with job.state.explanations.acquire():
        while True:
            step: asyncio.Future[Explanation | None] = job.state.engine.call(
                partial(next, steps), deadline=job.deadline, admitted=is_admitted
            )
            try:
                explanation = await answer_of(step, job.deadline, job.request.receive)
            except PykutenError as error:
                raise with_pointer(error) from None
            if explanation is not None:
                context_of(job.request).photo = explanation.prediction.photo
                return explanation
            is_admitted = True


def _steps(job: PredictionJob, listing: Listing) -> Iterator[Explanation | None]:
    """The steps of the explanation, each to be run in a thread of the engine."""
    yield from explain_in_steps(job.loaded.predictor, job.note_photo(listing), precision=job.precision)


def explanation_body(explanation: Explanation, labels: LabelTable, listing_id: str | None) -> ExplanationBody:
    """One explanation for the wire, with its labels."""
    prediction, photo = explanation.prediction, explanation.photo
    return {
        "id": listing_id,
        "category": category_body(prediction.code, labels),
        "confidence": round(prediction.confidence, DECIMALS),
        "text": {
            field: [
                {"text": segment.text, "effect": segment.effect and round(segment.effect, DECIMALS)}
                for segment in segments
            ]
            for field, segments in explanation.text.items()
        },
        "photo": None if photo is None else _photo_body(photo, prediction.photos > 1),
        "what_if": [
            {
                "without": answer.without,
                "category": category_body(answer.prediction.code, labels),
                "confidence": round(answer.prediction.confidence, DECIMALS),
                "decision": decision_body(answer.prediction.decision),
            }
            for answer in explanation.what_if
        ],
        "model": {"version": prediction.version},
    }


def _photo_body(photo: PhotoEffects, is_one_of_several: bool) -> PhotoEffectsBody:
    body: PhotoEffectsBody = {
        "rows": photo.rows,
        "columns": photo.columns,
        "effects": [[round(effect, DECIMALS) for effect in row] for row in photo.effects],
    }
    if is_one_of_several:
        body["number"] = photo.number
    return body
