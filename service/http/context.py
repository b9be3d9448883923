"""The context of one request: facts for its log line and its problem bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from models.listing import PhotoFacts

KEY = "context"
"""Of the context among the `state` of an ASGI scope; `RequestMiddleware` puts it there."""


@dataclass(slots=True)
class RequestContext:
    """`code` is the problem's, if there was one; `version` the model version that answered; `client` the API key's
    name; `photo_sha256` the first characters of the photo's hash, to find it again; `photo` its format and size.
    `bytes_held` are those of its body that count against the total of all bodies in memory.
    `streams` is set while the application reads the body line by line and keeps the time itself.
    """

    request_id: str
    bytes_in: int = 0
    bytes_held: int = 0
    version: str | None = None
    code: str | None = None
    client: str | None = None
    photo_sha256: str | None = None
    photo: PhotoFacts | None = None
    streams: bool = False


def is_stream(scope: Mapping[str, Any]) -> bool:
    """Whether the application reads this request's body line by line."""
    context: RequestContext | None = scope.get("state", {}).get(KEY)
    return context is not None and context.streams


def context_of(request: Request) -> RequestContext:
    """The context of this request."""
    context: RequestContext = request.scope["state"][KEY]
    return context
