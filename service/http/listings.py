"""Listings out of request bodies: one of JSON, of a form or of a bare photo, and the unchecked listings of a batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request

from models.listing import Listing
from models.timing import Listener, Stage
from service.errors import BatchTooLarge, InvalidRequest, PartTooLarge, UnsupportedMediaType
from service.http.bodies import JSON, LARGE_BYTES, MULTIPART, BodyReader, media_type, offload, parse_json
from service.http.forms import FormLimits, parse_form
from service.http.problems import pointer
from service.http.requests import PhotoListing, TextListing, check
from service.settings import Settings

IMAGE = "image/"
"""Begins the media types of photos."""
LISTINGS = "listings"
"""The field of a batch's JSON, and the part of its form, that holds the listings."""
Parse = Callable[[bytes, str], Listing]
"""Makes a listing of a body and its Content-Type."""


class ListingReader:
    """Reads the one listing of a request within the limits of the settings; `listener` gets the seconds of parsing.

    Each method raises UnsupportedMediaType before it reads, what `BodyReader.read` raises, MalformedJson, what
    `parse_form` raises, and InvalidRequest.
    """

    def __init__(self, settings: Settings, bodies: BodyReader, listener: Listener) -> None:
        self._bodies = bodies
        self._listener = listener
        form_limits = FormLimits(settings.form_fields, settings.form_files, settings.part_bytes)
        listing_form = partial(_parse_form, limits=form_limits, fields=("id", "designation", "description"))
        photo_form = partial(_parse_form, limits=form_limits, fields=("id",), needs_photo=True)
        self._text: dict[str, tuple[int, Parse]] = {
            JSON: (settings.text_body_bytes, partial(_parse_json, model=TextListing)),
        }
        self._photo: dict[str, tuple[int, Parse]] = {
            MULTIPART: (settings.form_body_bytes, photo_form),
            IMAGE: (settings.photo_bytes, _parse_photo),
        }
        self._any: dict[str, tuple[int, Parse]] = {
            JSON: (settings.json_photo_body_bytes, partial(_parse_json, model=PhotoListing)),
            MULTIPART: (settings.form_body_bytes, listing_form),
        }

    async def read(self, request: Request) -> Listing:
        """A listing with text, photo or both, of JSON or of a form."""
        return await self._read(request, self._any)

    async def read_text(self, request: Request) -> Listing:
        """A listing without photo, of JSON."""
        return await self._read(request, self._text)

    async def read_photo(self, request: Request) -> Listing:
        """A photo, of a form that may hold an id, or the body itself."""
        return await self._read(request, self._photo)

    async def _read(self, request: Request, kinds: Mapping[str, tuple[int, Parse]]) -> Listing:
        kind = media_type(request)
        kind = IMAGE if kind.startswith(IMAGE) else kind
        if kind not in kinds:
            raise UnsupportedMediaType
        limit, parse = kinds[kind]
        body = await self._bodies.read(request, limit)
        start = time.perf_counter()
        try:
            is_large = len(body) > LARGE_BYTES and kind != IMAGE
            return await offload(is_large, parse, body, request.headers["content-type"])
        finally:
            self._listener(Stage.PARSE, time.perf_counter() - start)


def _parse_photo(body: bytes, content_type: str) -> Listing:
    return Listing(image=body)


def _parse_json(body: bytes, content_type: str, *, model: type[TextListing]) -> Listing:
    return check(model, parse_json(body)).listing()


def _parse_form(
    body: bytes, content_type: str, *, limits: FormLimits, fields: tuple[str, ...], needs_photo: bool = False
) -> Listing:
    """Raises InvalidRequest on unknown parts, and on text and file in each other's place."""
    form = parse_form(body, content_type, limits)
    if "image" in form.texts:
        raise InvalidRequest.at("/image", "This must be a file.")
    for name in form.files:
        if name in fields:
            raise InvalidRequest.at(pointer([name]), "This must be text, not a file.")
    for name in (*form.texts, *form.files):
        if name not in (*fields, "image"):
            raise InvalidRequest.at(pointer([name]), "There is no such field.")
    listing = check(TextListing, form.texts).listing(form.files.get("image"))
    if needs_photo and listing.image is None:
        raise InvalidRequest.at("/image", "This is required.")
    return listing


def parse_batch(body: bytes, most: int) -> list[Any]:
    """The unchecked listings of a batch in JSON. Raises MalformedJson, InvalidRequest or BatchTooLarge."""
    return _listings(parse_json(body, listings=most), most)


def parse_batch_form(
    body: bytes, content_type: str, most: int, text_bytes: int
) -> tuple[list[Any], Mapping[str, bytes]]:
    """The unchecked listings of a batch that is a form, and the files that they may name.

    The part with the listings may have `text_bytes`, and be a field or a file. Raises MalformedJson, InvalidRequest,
    BatchTooLarge, and what `parse_form` raises.
    """
    form = parse_form(body, content_type, FormLimits(fields=1, files=most + 1, text_bytes=text_bytes))
    for name in form.texts:
        if name != LISTINGS:
            raise InvalidRequest.at(pointer([name]), "There is no such field.")
    part = form.files.pop(LISTINGS, None)
    if part is None and LISTINGS not in form.texts:
        raise InvalidRequest.at("/listings", "This is required.")
    part = form.texts[LISTINGS].encode() if part is None else part
    if len(part) > text_bytes:
        raise PartTooLarge
    document = parse_json(part, listings=most)
    return _listings({LISTINGS: document} if isinstance(document, list) else document, most), form.files


def _listings(document: object, most: int) -> list[Any]:
    if not isinstance(document, dict):
        raise InvalidRequest.at("", "This must be an object.")
    values = document.get(LISTINGS)
    if not isinstance(values, list):
        raise InvalidRequest.at("/listings", "This must be a list.")
    if len(document) > 1:
        raise InvalidRequest.at("", "There must be no field but listings.")
    if not values:
        raise InvalidRequest.at("/listings", "This must hold at least one listing.")
    if len(values) > most:
        raise BatchTooLarge
    return values
