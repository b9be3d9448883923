"""One listing in, one prediction out: from JSON, from a form, or from a bare photo."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from service.dispatch.job import predict_listing
from service.http.requests import Options
from service.http.responses import PredictionBody
from service.routes import openapi
from service.routes.examples import LISTING_FORMS, PHOTO_LISTINGS, PREDICTION, TEXT_LISTINGS
from service.state import begin

router = APIRouter(tags=["predictions"])

_OK: dict[int | str, dict[str, Any]] = {
    200: {"model": PredictionBody, "content": {"application/json": {"example": PREDICTION}}}
}


@router.post(
    "/predict/text",
    summary="Predict from text",
    responses=_OK | openapi.problems(*openapi.TEXT_PROBLEMS),
    openapi_extra=openapi.described(openapi.json_body("TextListing", TEXT_LISTINGS)),
)
async def predict_text(request: Request) -> Response:
    """Categories for a title, a description or both, in French, German or English.

    HTML and entities are understood. A field may have 20,000 characters, the body 2 MiB unless the operator set another
    number; what is longer is refused, never cut.
    """
    options, state = begin(request, Options)
    return await predict_listing(request, state, options, await state.listings.read_text(request))


@router.post(
    "/predict/image",
    summary="Predict from a photo",
    responses=_OK | openapi.problems(*openapi.PHOTO_PROBLEMS),
    openapi_extra=openapi.described(openapi.form_body(openapi.PHOTO_FORM) | openapi.photo_body()),
)
async def predict_image(request: Request) -> Response:
    """Categories for a photo: a form with one file `image`, or the photo itself as the body with its `Content-Type`.

    JPEG, PNG, WebP or GIF (the first picture of an animated one), told by content: the declared type and the file's
    name are not believed. At most 10 MiB, 25 megapixels (WebP: 9) and 12,000 pixels a side. The photo is turned as its
    EXIF orientation says.
    """
    options, state = begin(request, Options)
    return await predict_listing(request, state, options, await state.listings.read_photo(request))


@router.post(
    "/predict",
    summary="Predict from text, photo or both",
    responses=_OK | openapi.problems(*openapi.LISTING_PROBLEMS),
    openapi_extra=openapi.described(
        openapi.json_body("PhotoListing", PHOTO_LISTINGS) | openapi.form_body(openapi.LISTING_FORM, LISTING_FORMS)
    ),
)
async def predict(request: Request) -> Response:
    """Categories for a listing: a form with text fields and one file `image`, or JSON with `image` in base64.

    Give a title, a description, a photo, or any mix of them. `by_modality` says what text and photo say alone. The
    limits are those of `/predict/text` and `/predict/image`.
    """
    options, state = begin(request, Options)
    return await predict_listing(request, state, options, await state.listings.read(request))


class PlainRoute(Route):
    """Starlette's route, which names itself for metrics and the log as FastAPI's do; faster than that, but untraced."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the route takes the request, and what it adds to its scope."""
        match, additions = super().matches(scope)
        return match, {**additions, "route": self}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a POST request; errors go to the app's handlers, without a second layer of them around the route."""
        if scope["method"] != "POST":
            await super().handle(scope, receive, send)
            return
        response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


PLAIN_ROUTES = [
    PlainRoute(route.path, route.endpoint, methods=["POST"]) for route in router.routes if isinstance(route, APIRoute)
]
