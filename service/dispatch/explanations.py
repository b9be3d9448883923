"""Explanations: step by step through the engine, so that others get their turn, and as they go over the wire."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from models.errors import PykutenError
from models.explanation.explain import Explanation, explain_in_steps
from models.listing import Listing
from service.dispatch.job import PredictionJob
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


class SegmentBody(TypedDict):
    """A piece of a text: a word, several where there are many, or what stands between them, which has no effect."""

    text: str
    effect: Effect | None


class PhotoEffectsBody(TypedDict):
    """A grid over the whole upright photo: `effects` holds rows, from the top, of columns, from the left."""

    rows: int
    columns: int
    effects: list[list[Effect]]


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


async def explained(job: PredictionJob, listing: Listing) -> Explanation:
    """Explain the prediction for one listing. Raises what the listing or the engine deserves."""
    record = context_of(job.request)
    job.note_photo(listing)
    steps = explain_in_steps(job.loaded.predictor, listing, precision=job.precision)
    begun = False
    with job.state.explanations.take():
        while True:
            step: asyncio.Future[Explanation | None] = job.state.engine.call(
                partial(next, steps), deadline=job.deadline, admitted=begun
            )
            try:
                explanation = await answer_of(step, job.deadline, job.request.receive)
            except PykutenError as error:
                raise with_pointer(error) from None
            if explanation is not None:
                record.photo = explanation.prediction.photo
                return explanation
            begun = True


def explanation_body(explanation: Explanation, words: LabelTable, listing_id: str | None) -> ExplanationBody:
    """One explanation for the wire, with labels from `words`."""
    prediction, photo = explanation.prediction, explanation.photo
    return {
        "id": listing_id,
        "category": category_body(prediction.code, words),
        "confidence": round(prediction.confidence, DECIMALS),
        "text": {
            field: [{"text": one.text, "effect": _rounded(one.effect)} for one in segments]
            for field, segments in explanation.text.items()
        },
        "photo": None
        if photo is None
        else {
            "rows": photo.rows,
            "columns": photo.columns,
            "effects": [[round(effect, DECIMALS) for effect in row] for row in photo.effects],
        },
        "what_if": [
            {
                "without": one.without,
                "category": category_body(one.prediction.code, words),
                "confidence": round(one.prediction.confidence, DECIMALS),
                "decision": decision_body(one.prediction.decision),
            }
            for one in explanation.what_if
        ],
        "model": {"version": prediction.version},
    }


def _rounded(effect: float | None) -> float | None:
    return None if effect is None else round(effect, DECIMALS)
