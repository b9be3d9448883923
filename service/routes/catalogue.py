"""A labelled catalogue to look into: what is in it, listings drawn from it with their predictions, and their photos."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi import Path as PathPart
from fastapi.responses import Response
from typing_extensions import TypedDict

from models.errors import ImageError
from models.listing import Modality
from models.preprocessing.image.structure import read_structure
from service.catalogue import LabelledCatalogue
from service.dispatch.job import open_job
from service.dispatch.sampling import SampledListing, draw_listings
from service.errors import NotFound
from service.http.requests import Language, SampleQuery, language
from service.http.responses import (
    CategoryBody,
    LabelTable,
    PredictionBody,
    category_body,
    etag_of,
    is_held,
    json_response,
    prediction_body,
)
from service.routes.examples import DRAW, LABELLED, ROWS
from service.routes.openapi import SERVING_PROBLEMS, parameters, problems
from service.state import begin, state_of

router = APIRouter(tags=["catalogue"])

PATH = "/catalogue"
TOP_K = 5
"""Categories of each drawn listing's prediction."""
_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


class LabelledCategory(CategoryBody):
    """A category of the labelled catalogue, and how many listings it has there."""

    listings: int


class LabelledBody(TypedDict):
    """The labelled catalogue. `photos`: some listings name one. The label of an unknown category is its code."""

    name: str
    listings: int
    photos: bool
    categories: list[LabelledCategory]


class CorrectBody(TypedDict, total=False):
    """Whether the best category is the listing's, together and by what each kind of evidence says alone."""

    fused: bool
    text: bool
    image: bool


class DrawnBody(TypedDict):
    """A listing with its category, and what the version says. `image` is the path of the photo."""

    row: int
    id: str | None
    designation: str
    description: str
    image: str | None
    category: CategoryBody
    prediction: PredictionBody
    correct: CorrectBody


class DrawBody(TypedDict):
    """Listings in the order in which they were drawn, and how many were asked about to find them."""

    listings: list[DrawnBody]
    tried: int


@router.get(
    PATH,
    summary="A labelled catalogue to look into",
    responses={
        200: {"model": LabelledBody, "content": {"application/json": {"example": LABELLED}}},
        **problems("invalid_request", "catalogue_unavailable", "model_unavailable"),
    },
)
async def labelled_catalogue(
    request: Request,
    lang: Annotated[Language | None, Query(description="Default: `Accept-Language`, then French.")] = None,
    accept_language: Annotated[str, Header(description="Used when `lang` is not given.")] = "",
) -> Response:
    """How many listings of which categories there are: the operator's, or else the samples that come with the service.

    Categories are in the order of the version's, then those that it does not know.
    """
    state = state_of(request)
    words = state.registry.current.labels(language(lang, accept_language))
    return json_response(await asyncio.to_thread(_labelled, state.catalogue, words))


@router.get(
    f"{PATH}/listings",
    name="drawn_listings",  # clients know the operation by this name
    summary="Listings drawn from it",
    responses={
        200: {"model": DrawBody, "content": {"application/json": {"example": DRAW}}},
        **problems(*SERVING_PROBLEMS, "invalid_request", "catalogue_unavailable"),
    },
    openapi_extra=parameters(SampleQuery),
)
async def sampled_listings(request: Request) -> Response:
    """Labelled listings drawn at random, none twice, each with its prediction and whether that is right.

    `predicted` and `only` look for listings: at most 240, unless the operator set another number, are asked about, so
    there may be fewer than `count`, or none. Listings that cannot be predicted are passed over.
    """
    draw, state = begin(request, SampleQuery)
    with state.batches.take():
        seconds = state.settings.batch_deadline_seconds
        job = await open_job(state, request, draw.options(TOP_K), seconds=seconds)
        found, tried = await draw_listings(job, state.catalogue, draw)
    return json_response({"listings": [_drawn_body(one, job.labels) for one in found], "tried": tried})


@router.get(
    f"{PATH}/images/{{row}}",
    summary="A photo of it",
    response_class=Response,
    responses={
        200: {
            "description": "The photo as it is in the catalogue.",
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _TYPES.values()},
        },
        304: {"description": "Unchanged since `If-None-Match`."},
        **problems("not_found", "invalid_request", "catalogue_unavailable"),
    },
)
async def labelled_photo(
    request: Request,
    row: Annotated[int, PathPart(ge=0, description="The `row` of a listing.", openapi_examples=ROWS)],
    if_none_match: Annotated[str, Header(description="The `ETag` of an earlier answer.")] = "",
) -> Response:
    """The photo of a listing; 404 when it has none, or none that is JPEG, PNG, WebP or GIF by content."""
    photo, kind = await asyncio.to_thread(_photo, state_of(request).catalogue, row)
    headers = {"ETag": etag_of(photo), "Cache-Control": "no-cache"}
    if is_held(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(photo, media_type=kind, headers=headers)


def _labelled(catalogue: LabelledCatalogue, words: LabelTable) -> dict[str, Any]:
    rows = catalogue.rows()
    counts = rows.counts
    known = [code for code in words if code in counts]
    return {
        "name": catalogue.name,
        "listings": len(rows),
        "photos": rows.has_photos,
        "categories": [
            {**category_body(code, words), "listings": counts[code]}
            for code in (*known, *sorted(counts.keys() - words.keys() - {""}))
        ],
    }


def _drawn_body(one: SampledListing, words: LabelTable) -> DrawnBody:
    row, prediction = one.row, one.prediction
    correct: CorrectBody = {"fused": one.is_right}
    for modality, scores in prediction.by_modality.items():
        correct["image" if modality is Modality.IMAGE else "text"] = scores[0].code == row.category
    return {
        "row": row.row,
        "id": row.id,
        "designation": row.designation,
        "description": row.description,
        "image": f"{PATH}/images/{row.row}" if one.has_photo else None,
        "category": category_body(row.category, words),
        "prediction": prediction_body(prediction, words, row.id),
        "correct": correct,
    }


def _photo(catalogue: LabelledCatalogue, number: int) -> tuple[bytes, str]:
    """The bytes and their type. Raises NotFound or CatalogueUnavailable."""
    row = catalogue.row(number)
    photo = None if row is None else catalogue.photo(row)
    if photo is None:
        raise NotFound
    try:
        return photo, _TYPES[read_structure(photo).format]
    except ImageError:
        raise NotFound from None
