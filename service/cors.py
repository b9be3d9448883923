"""Which other sites' scripts may call the API from a browser: none, unless the operator names them."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

MAX_AGE_SECONDS = 600
REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-None-Match",
    "X-API-Key",
    "X-Deadline-Ms",
    "X-Request-ID",
)
ANSWER_HEADERS = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")


class Cors(CORSMiddleware):
    """Starlette's, for keys in headers: cookies are never allowed."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=REQUEST_HEADERS,
            expose_headers=ANSWER_HEADERS,
            max_age=MAX_AGE_SECONDS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        """Starlette's answer; where it refuses, an empty one without permissions, which browsers take for a no.

        Its own refusal is a 400 in plain text, and every error here is a problem body.
        """
        answer = super().preflight_response(request_headers)
        return answer if answer.status_code == 200 else Response(status_code=204, headers={"Vary": "Origin"})
