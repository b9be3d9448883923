"""Predictions on the wire.

Typed dictionaries: the OpenAPI document is made from their types, and the JSON from the dictionaries themselves,
without the validation that models would add to every answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, NotRequired, final

from pydantic import Field
from pydantic_core import to_json
from starlette.responses import Response
from typing_extensions import TypedDict

from models.decision.prediction import Action, CategoryScore, Decision, Prediction
from models.errors import ImageError, PykutenError
from service.http.problems import Problem, problem

DECIMALS = 6
"""Digits of a confidence: float32 has about seven."""

Code = Annotated[str, Field(description="The catalogue's code.", examples=["2583"])]
Confidence = Annotated[float, Field(ge=0, le=1, description="Calibrated probability.")]
Precision = Annotated[float, Field(description="Share of accepted listings that is right, as asked for.")]
Threshold = Annotated[
    float | None, Field(description="Confidence from which a listing of this category is accepted; null: from none.")
]
Coverage = Annotated[float, Field(ge=0, le=1, description="Share of listings whose right category is in the set.")]
Photos = Annotated[
    int, Field(description="Where there are several photos: how many `by_modality.image` is the answer to, averaged.")
]
LabelTable = Mapping[str, tuple[str, str]]
"""Code to (label, group) in one language."""


class CategoryBody(TypedDict):
    """A category in the caller's language. `group` is empty where the catalogue has none."""

    code: Code
    label: str
    group: str


class ScoreBody(CategoryBody):
    """A category and how likely it is."""

    confidence: Confidence


class DecisionBody(TypedDict):
    """Whether the listing may be filed without a human at `precision`, and if not, why.

    `low_confidence`: below the threshold. `disagreement`: text and photo are each sure of another category.
    `precision_unreachable`: no threshold keeps that promise for this kind of evidence. `unfamiliar`: the listing
    probably belongs to none of the categories, and its confidences are capped.
    """

    action: Literal["accept", "review"]
    precision: Precision
    threshold: Threshold
    reason: Literal["unfamiliar", "low_confidence", "disagreement", "precision_unreachable"] | None


class PredictionSetBody(TypedDict):
    """Categories that hold the right one with probability `coverage`; never empty, all for an unfamiliar listing."""

    codes: list[Code]
    coverage: Coverage


class ModelBody(TypedDict):
    """The version that answered; all of the answer is this one's."""

    version: str


class PredictionBody(TypedDict):
    """One listing's answer.

    `predictions` are the `top_k` best, best first; `by_modality` is what text and photo say by themselves.
    `modalities` says which of them were read, `disagreement` that each is sure of another category, `warnings` what was
    odd about the listing: `text_placeholder` (a field says only that it is empty: "N/A", "NULL"), `text_empty` (nothing
    readable is left of the text), `text_ignored` and `image_ignored` (the version has no network for it), `image_blank`
    (the photo is of one colour), `image_tiny`, `image_animated` (its first frame counts). A field or photo that is a
    placeholder, empty, ignored or blank takes no part in the prediction.
    """

    id: str | None
    category: CategoryBody
    confidence: Confidence
    decision: DecisionBody
    predictions: list[ScoreBody]
    prediction_set: PredictionSetBody
    modalities: list[Literal["text", "image"]]
    by_modality: dict[Literal["text", "image"], list[ScoreBody]]
    disagreement: bool
    warnings: list[str]
    model: ModelBody
    photos: NotRequired[Photos]


@final
class PredictedItem(TypedDict):
    """A listing of the batch that was predicted."""

    index: int
    id: str | None
    status: Literal[200]
    prediction: PredictionBody


@final
class FailedItem(TypedDict):
    """A listing of the batch that was not; `status` and `error` are what it would have got alone."""

    index: int
    id: str | None
    status: int
    error: Problem


class SummaryBody(TypedDict):
    """Counts; `accepted` of the predicted."""

    total: int
    predicted: int
    failed: int
    accepted: int


class BatchBody(TypedDict):
    """Results in the order of the listings."""

    results: list[PredictedItem | FailedItem]
    summary: SummaryBody


def prediction_body(prediction: Prediction, labels: LabelTable, listing_id: str | None) -> PredictionBody:
    """One prediction for the wire, with its labels."""
    predictions = _scores(prediction.predictions, labels)
    best = predictions[0]
    body: PredictionBody = {
        "id": listing_id,
        "category": {"code": best["code"], "label": best["label"], "group": best["group"]},
        "confidence": best["confidence"],
        "decision": decision_body(prediction.decision),
        "predictions": predictions,
        "prediction_set": {
            "codes": list(prediction.prediction_set.codes),
            "coverage": prediction.prediction_set.coverage,
        },
        "modalities": [modality.value for modality in prediction.modalities],
        "by_modality": {modality.value: _scores(scores, labels) for modality, scores in prediction.by_modality.items()},
        "disagreement": prediction.disagreement,
        "warnings": list(prediction.warnings),
        "model": {"version": prediction.version},
    }
    if prediction.photos > 1:
        body["photos"] = prediction.photos
    return body


def category_body(code: str, labels: LabelTable) -> CategoryBody:
    """A category for the wire; one that the version does not know is called by its code."""
    label, group = labels.get(code, (code, ""))
    return {"code": code, "label": label, "group": group}


def decision_body(decision: Decision) -> DecisionBody:
    """A decision for the wire."""
    return {
        "action": decision.action.value,
        "precision": decision.precision,
        "threshold": None if decision.threshold is None else round(decision.threshold, DECIMALS),
        "reason": None if decision.reason is None else decision.reason.value,
    }


def result_body(
    index: int,
    listing_id: str | None,
    answer: Prediction | PykutenError,
    labels: LabelTable,
    request_id: str,
    *,
    below: str = "",
) -> PredictedItem | FailedItem:
    """One listing's result among many; `below` is the JSON pointer to the listing in the request."""
    if isinstance(answer, PykutenError):
        error = problem(with_pointer(answer), request_id, below=below)
        return {"index": index, "id": listing_id, "status": answer.status, "error": error}
    return {"index": index, "id": listing_id, "status": 200, "prediction": prediction_body(answer, labels, listing_id)}


def with_pointer(error: PykutenError) -> PykutenError:
    """The error with a pointer, where the kernel cannot know the field's name."""
    if error.pointer is None and isinstance(error, ImageError):
        error.pointer = "/image"
    return error


def batch_body(results: list[PredictedItem | FailedItem]) -> BatchBody:
    """The batch's answer with its counts."""
    actions = [item["prediction"]["decision"]["action"] for item in results if "prediction" in item]
    return {
        "results": results,
        "summary": {
            "total": len(results),
            "predicted": len(actions),
            "failed": len(results) - len(actions),
            "accepted": actions.count(Action.ACCEPT.value),
        },
    }


def json_response(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; not cached unless `headers` say so."""
    return Response(
        to_json(body, inf_nan_mode="null"),
        media_type="application/json",
        headers=headers or {"Cache-Control": "no-store"},
    )


def _scores(scores: Iterable[CategoryScore], labels: LabelTable) -> list[ScoreBody]:
    return [{**category_body(score.code, labels), "confidence": round(score.confidence, DECIMALS)} for score in scores]


def cacheable_response(body: bytes, media_type: str, if_none_match: str, **headers: str) -> Response:
    """A response with an `ETag`, to be revalidated before each use; 304 where `If-None-Match` names the tag.

    The tag is the first 64 bits of the body's SHA-256. Weak tags compare as strong tags do (RFC 9110, section 13.1.2).
    """
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers |= {"ETag": etag, "Cache-Control": "no-cache"}
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    if "*" in tags or etag in tags:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
