"""One listing in, one prediction out: from JSON, from a form, or from a bare photo."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from service.dispatch.job import predict_listing
from service.http.requests import Options
from service.http.responses import PredictionBody
from service.routes.examples import LISTING_FORMS, PHOTO_LISTINGS, PREDICTION, TEXT_LISTINGS
from service.routes.openapi import (
    BODY_PROBLEMS,
    FORM_PROBLEMS,
    JSON_PROBLEMS,
    LISTING_FORM,
    PHOTO_FORM,
    PHOTO_PROBLEMS,
    SERVING_PROBLEMS,
    TEXT_PROBLEMS,
    described,
    form_body,
    json_body,
    photo_body,
    problems,
)
from service.state import begin

router = APIRouter(tags=["predictions"])

_OK: dict[int | str, dict[str, Any]] = {
    200: {"model": PredictionBody, "content": {"application/json": {"example": PREDICTION}}}
}
_ALWAYS = SERVING_PROBLEMS + BODY_PROBLEMS


@router.post(
    "/predict/text",
    summary="Predict from text",
    responses=_OK | problems(*_ALWAYS, *JSON_PROBLEMS, *TEXT_PROBLEMS),
    openapi_extra=described(json_body("TextListing", TEXT_LISTINGS)),
)
async def predict_text(request: Request) -> Response:
    """Categories for a title, a description or both, in French, German or English.

    HTML and entities are understood. A field may have 20,000 characters, the body 2 MiB unless the operator set another
    number; what is longer is refused, never cut.
    """
    options, state = begin(request, Options)
    async with state.listings.read_text(request) as listing:
        return await predict_listing(request, state, options, listing)


@router.post(
    "/predict/image",
    summary="Predict from a photo",
    responses=_OK | problems(*_ALWAYS, *FORM_PROBLEMS, *PHOTO_PROBLEMS),
    openapi_extra=described(form_body(PHOTO_FORM) | photo_body()),
)
async def predict_image(request: Request) -> Response:
    """Categories for a photo: a form with one file `image`, or the photo itself as the body with its `Content-Type`.

    JPEG, PNG, WebP or GIF (the first picture of an animated one), told by content: the declared type and the file's
    name are not believed. At most 10 MiB, 25 megapixels (WebP: 9) and 12,000 pixels a side. The photo is turned as its
    EXIF orientation says.
    """
    options, state = begin(request, Options)
    async with state.listings.read_photo(request) as listing:
        return await predict_listing(request, state, options, listing)


@router.post(
    "/predict",
    summary="Predict from text, photo or both",
    responses=_OK | problems(*_ALWAYS, *JSON_PROBLEMS, *TEXT_PROBLEMS, *FORM_PROBLEMS, *PHOTO_PROBLEMS),
    openapi_extra=described(json_body("PhotoListing", PHOTO_LISTINGS) | form_body(LISTING_FORM, LISTING_FORMS)),
)
async def predict(request: Request) -> Response:
    """Categories for a listing: a form with text fields and one file `image`, or JSON with `image` in base64.

    Give a title, a description, a photo, or any mix of them. `by_modality` says what text and photo say alone. The
    limits are those of `/predict/text` and `/predict/image`.
    """
    options, state = begin(request, Options)
    async with state.listings.read(request) as listing:
        return await predict_listing(request, state, options, listing)


ROUTES = [route for route in router.routes if isinstance(route, APIRoute)]
