"""One listing in, one prediction out: from JSON, from a form, or from a bare photo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from models.listing import Listing
from models.timing import Stage, StageTimer
from service.dispatch.job import begin, open_job
from service.errors import InvalidRequest, UnsupportedMediaType
from service.http.bodies import JSON, LARGE_BYTES, MULTIPART, media_type, parse_json, require_json
from service.http.forms import Form, parse_form
from service.http.problems import pointer
from service.http.requests import Options, PhotoListing, TextListing, check
from service.http.responses import PredictionBody, json_response, prediction_body
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
from service.state import ServiceState

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
    options, state = begin(request)
    require_json(request)
    async with state.bodies.read(request, state.settings.text_body_bytes) as body:
        with StageTimer(Stage.PARSE, state.metrics.stage):
            listing = await state.aside.run(len(body) > LARGE_BYTES, _read_text, body)
        return await _answer(request, state, listing, options)


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
    options, state = begin(request)
    kind = media_type(request)
    if kind != MULTIPART and not kind.startswith("image/"):
        raise UnsupportedMediaType
    settings = state.settings
    limit = settings.form_body_bytes if kind == MULTIPART else settings.photo_bytes
    async with state.bodies.read(request, limit) as body:
        with StageTimer(Stage.PARSE, state.metrics.stage):
            listing = await _form_listing(request, state, body, ("id",)) if kind == MULTIPART else Listing(image=body)
        if listing.image is None:
            raise InvalidRequest.at("/image", "This is required.")
        return await _answer(request, state, listing, options)


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
    options, state = begin(request)
    async with read_listing(request, state) as listing:
        return await _answer(request, state, listing, options)


@asynccontextmanager
async def read_listing(request: Request, state: ServiceState) -> AsyncIterator[Listing]:
    """The listing of a form or of JSON; its photo counts as a body in memory until the block ends."""
    kind = media_type(request)
    if kind not in (JSON, MULTIPART):
        raise UnsupportedMediaType
    settings = state.settings
    limit = settings.json_photo_body_bytes if kind == JSON else settings.form_body_bytes
    async with state.bodies.read(request, limit) as body:
        with StageTimer(Stage.PARSE, state.metrics.stage):
            if kind == JSON:
                listing = await state.aside.run(len(body) > LARGE_BYTES, _read_json, body)
            else:
                listing = await _form_listing(request, state, body, ("id", "designation", "description"))
        yield listing


ROUTES = [route for route in router.routes if isinstance(route, APIRoute)]


def _read_text(body: bytes) -> Listing:
    return check(TextListing, parse_json(body)).listing()


def _read_json(body: bytes) -> Listing:
    return check(PhotoListing, parse_json(body)).listing()


async def _form_listing(request: Request, state: ServiceState, body: bytes, fields: tuple[str, ...]) -> Listing:
    content_type = request.headers["content-type"]
    form = await state.aside.run(len(body) > LARGE_BYTES, parse_form, body, content_type, state.form_limits)
    return _listing_of(form, fields)


def _listing_of(form: Form, fields: tuple[str, ...]) -> Listing:
    """The listing in a form. Raises InvalidRequest on unknown parts, and on text and file in each other's place."""
    if "image" in form.texts:
        raise InvalidRequest.at("/image", "This must be a file.")
    for name in form.files:
        if name in fields:
            raise InvalidRequest.at(pointer([name]), "This must be text, not a file.")
    for name in (*form.texts, *form.files):
        if name not in (*fields, "image"):
            raise InvalidRequest.at(pointer([name]), "There is no such field.")
    return check(TextListing, form.texts).listing(form.files.get("image"))


async def _answer(request: Request, state: ServiceState, listing: Listing, options: Options) -> Response:
    job = await open_job(state, request, options, seconds=state.settings.deadline_seconds)
    prediction = await job.predict(listing)
    return json_response(prediction_body(prediction, job.words, listing.id))
