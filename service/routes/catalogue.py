"""The labelled catalogue: its categories, random samples of its listings with their predictions, and its photos."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi import Path as PathPart
from fastapi.responses import Response
from typing_extensions import TypedDict

from models.errors import ImageError
from models.listing import Modality
from models.preprocessing.image.structure import read_structure
from service.catalogue import LabelledCatalogue, Origin
from service.dispatch.job import open_job
from service.dispatch.sampling import SampledListing, sample_listings
from service.errors import NotFound
from service.http.requests import Language, SampleQuery, language
from service.http.responses import (
    CategoryBody,
    LabelTable,
    PredictionBody,
    cacheable_response,
    category_body,
    json_response,
    prediction_body,
)
from service.registry.loading import LoadedVersion
from service.routes import openapi
from service.routes.examples import LABELLED, ROWS, SAMPLE
from service.state import ServiceState, begin, state_of

router = APIRouter(tags=["catalogue"])

PATH = "/catalogue"
VersionOption = Annotated[str | None, Query(description="A version of `GET /models`; default: the current one.")]
CHOICE_PROBLEMS = (
    "invalid_request",
    "catalogue_missing",
    "catalogue_unavailable",
    "version_unknown",
    "overloaded",
    "model_unavailable",
)
TOP_K = 5
"""Categories of each sampled listing's prediction."""


class LabelledCategory(CategoryBody):
    """A category of the labelled catalogue, and how many listings it has there."""

    listings: int


class LabelledBody(TypedDict):
    """The labelled catalogue. `photos`: some listings name one. The label of an unknown category is its code.

    `origin`: the operator's, the version's own test listings, or the samples of the service.
    """

    name: str
    origin: Origin
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
        **openapi.problems(*CHOICE_PROBLEMS),
    },
)
async def labelled_catalogue(
    request: Request,
    version: VersionOption = None,
    lang: Annotated[Language | None, Query(description="Default: `Accept-Language`, then French.")] = None,
    accept_language: Annotated[str, Header(description="Used when `lang` is not given.")] = "",
) -> Response:
    """How many listings of which categories there are: the operator's, or else those of its own test listings that the
    version carries, or else the samples that come with the service, if the version knows their categories.

    Categories are in the order of the version's, then those that it does not know.
    """
    state = state_of(request)
    loaded = await state.registry.get(version)
    labels = loaded.labels[language(lang, accept_language)]
    catalogue = await asyncio.to_thread(_catalogue, state, loaded)
    return json_response(await asyncio.to_thread(_labelled_body, catalogue, labels))


@router.get(
    f"{PATH}/listings",
    name="drawn_listings",  # clients know the operation by this name
    summary="Listings drawn from it",
    responses={
        200: {"model": DrawBody, "content": {"application/json": {"example": SAMPLE}}},
        **openapi.problems(*openapi.SERVING_PROBLEMS, *CHOICE_PROBLEMS),
    },
    openapi_extra=openapi.parameters(SampleQuery),
)
async def sampled_listings(request: Request) -> Response:
    """Labelled listings drawn at random, none twice, each with its prediction and whether that is right.

    `predicted` and `only` look for listings: at most 240, unless the operator set another number, are asked about, so
    there may be fewer than `count`, or none. Listings that cannot be predicted are passed over.
    """
    query, state = begin(request, SampleQuery)
    with state.batches.acquire():
        seconds = state.settings.batch_deadline_seconds
        job = await open_job(state, request, query.options(TOP_K), seconds=seconds)
        catalogue = await asyncio.to_thread(_catalogue, state, job.loaded)
        sample, attempts = await sample_listings(job, catalogue, query)
    photos = f"?version={job.loaded.version}" if catalogue.origin == "version" else ""
    listings = [_listing_body(listing, job.labels, photos) for listing in sample]
    return json_response({"listings": listings, "tried": attempts})


@router.get(
    f"{PATH}/images/{{row}}",
    summary="A photo of it",
    response_class=Response,
    responses={
        200: {
            "description": "The photo as it is in the catalogue.",
            "content": openapi.photo_body(),
        },
        304: {"description": "Unchanged since `If-None-Match`."},
        **openapi.problems("not_found", *CHOICE_PROBLEMS),
    },
)
async def labelled_photo(
    request: Request,
    row: Annotated[int, PathPart(ge=0, description="The `row` of a listing.", openapi_examples=ROWS)],
    version: VersionOption = None,
    if_none_match: Annotated[str, Header(description="The `ETag` of an earlier answer.")] = "",
) -> Response:
    """The photo of a listing; 404 when it has none, or none that is JPEG, PNG, WebP or GIF by content."""
    state = state_of(request)
    catalogue = state.catalogues.operators
    if catalogue is None:
        catalogue = await asyncio.to_thread(_catalogue, state, await state.registry.get(version))
    photo, kind = await asyncio.to_thread(_photo, catalogue, row)
    return cacheable_response(photo, kind, if_none_match)


def _catalogue(state: ServiceState, loaded: LoadedVersion) -> LabelledCatalogue:
    """The catalogue to browse with a version. Raises CatalogueMissing, CatalogueUnavailable."""
    return state.catalogues.of(loaded.predictor.manifest, loaded.predictor.taxonomy.codes)


def _labelled_body(catalogue: LabelledCatalogue, labels: LabelTable) -> LabelledBody:
    rows = catalogue.rows()
    counts = rows.counts
    known = [code for code in labels if code in counts]
    return {
        "name": catalogue.name,
        "origin": catalogue.origin,
        "listings": len(rows),
        "photos": rows.has_photos,
        "categories": [
            {**category_body(code, labels), "listings": counts[code]}
            for code in (*known, *sorted(counts.keys() - labels.keys() - {""}))
        ],
    }


def _listing_body(listing: SampledListing, labels: LabelTable, photos: str) -> DrawnBody:
    row, prediction = listing.row, listing.prediction
    correct: CorrectBody = {"fused": listing.is_right}
    for modality, scores in prediction.by_modality.items():
        correct["image" if modality is Modality.IMAGE else "text"] = scores[0].code == row.category
    return {
        "row": row.row,
        "id": row.id,
        "designation": row.designation,
        "description": row.description,
        "image": f"{PATH}/images/{row.row}{photos}" if listing.has_photo else None,
        "category": category_body(row.category, labels),
        "prediction": prediction_body(prediction, labels, row.id),
        "correct": correct,
    }


def _photo(catalogue: LabelledCatalogue, number: int) -> tuple[bytes, str]:
    """The bytes and their type. Raises NotFound or CatalogueUnavailable."""
    row = catalogue.row(number)
    photo = None if row is None else catalogue.photo(row)
    if photo is None:
        raise NotFound
    try:
        return photo, f"image/{read_structure(photo).format.lower()}"
    except ImageError:
        raise NotFound from None
