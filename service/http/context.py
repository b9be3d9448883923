"""What is noted about one request, for its log line and its problem bodies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from models.listing import PhotoFacts

_KEY = "record"
SHA256_CHARACTERS = 12
"""Of a photo's hash, in the log: enough to find one photo among millions."""


class PhotoHash:
    """The first characters of a photo's SHA-256, computed only when a line with it is logged."""

    __slots__ = ("_photo",)

    def __init__(self, photo: bytes) -> None:
        self._photo = photo

    def __str__(self) -> str:
        return hashlib.sha256(self._photo).hexdigest()[:SHA256_CHARACTERS]


@dataclass(slots=True)
class RequestContext:
    """`code` is the problem's, if there was one; `version` the model version that answered; `client` the API key's
    name; `photo_sha256` the first characters of the photo's, to find it again, and `photo` what it was like. `streams`
    is set while the application reads the body line by line and keeps the time itself.
    """

    request_id: str
    bytes_in: int = 0
    version: str | None = None
    code: str | None = None
    client: str | None = None
    photo_sha256: PhotoHash | None = None
    photo: PhotoFacts | None = None
    streams: bool = False


def attach(scope: MutableMapping[str, Any], record: RequestContext) -> None:
    """Put the record where the request's handlers find it."""
    scope.setdefault("state", {})[_KEY] = record


def is_stream(scope: Mapping[str, Any]) -> bool:
    """Whether the application reads this request's body line by line."""
    record: RequestContext | None = scope.get("state", {}).get(_KEY)
    return record is not None and record.streams


def context_of(request: Request) -> RequestContext:
    """The record of this request."""
    record: RequestContext = request.scope["state"][_KEY]
    return record
