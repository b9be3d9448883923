"""Errors as RFC 9457 problem bodies: one shape everywhere, fixed sentences, ASCII, at most 2 KB."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NotRequired, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from models.errors import PykutenError
from service.errors import Fault, Internal, InvalidHttp, InvalidRequest, MethodNotAllowed, NotFound, ServiceError
from service.http.context import context_of
from service.http.headers import SECURITY_HEADERS, STRICT_POLICY, Header, new_request_id

MEDIA_TYPE = "application/problem+json"
MAX_BYTES = 2048

TITLES = {
    "batch_too_large": "Batch too large",
    "body_too_large": "Body too large",
    "catalogue_missing": "No labelled listings",
    "catalogue_unavailable": "Catalogue unavailable",
    "client_gone": "Client gone",
    "deadline_exceeded": "Deadline exceeded",
    "draining": "Shutting down",
    "image_blank": "Blank image",
    "image_corrupt": "Damaged image",
    "image_empty": "Empty image",
    "image_too_large": "Image too large",
    "image_unsupported": "Not a supported image",
    "internal": "Internal error",
    "invalid_request": "Invalid request",
    "malformed_json": "Malformed JSON",
    "malformed_multipart": "Malformed multipart form",
    "method_not_allowed": "Method not allowed",
    "model_unavailable": "No model available",
    "not_found": "Not found",
    "overloaded": "Overloaded",
    "part_too_large": "Part too large",
    "rate_limited": "Too many requests",
    "slow_client": "Request too slow",
    "text_empty": "Empty text",
    "text_too_long": "Text too long",
    "too_many_parts": "Too many parts",
    "unauthorized": "API key needed",
    "unsupported_media_type": "Unsupported media type",
    "version_unknown": "Unknown version",
}
"""Every code of the contract, with its title."""

_UNAVAILABLE_HEADERS = {"Retry-After": "5"}


class FaultBody(TypedDict):
    """`pointer` is a JSON pointer into the body, or names an option or header; "" is the request as a whole."""

    pointer: str
    message: str


class Problem(TypedDict):
    """An RFC 9457 problem. Decide by `code`; `detail` is for people; give `request_id` when asking for help."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: NotRequired[list[FaultBody]]


def problem(error: PykutenError, request_id: str, *, below: str = "") -> Problem:
    """The problem body of an error; `below` is the pointer of the batch item it belongs to."""
    body = Problem(
        type="about:blank",
        title=TITLES.get(error.code, TITLES["internal"]),
        status=error.status,
        code=error.code,
        detail=error.message,
        request_id=request_id,
    )
    faults = error.faults if isinstance(error, InvalidRequest) else ()
    if error.pointer is not None:
        faults = (Fault(error.pointer, error.message),)
    if faults:
        body["errors"] = [{"pointer": below + f.pointer, "message": f.message} for f in faults[:MAX_FAULTS]]
        while len(json.dumps(body)) > MAX_BYTES:
            body["errors"].pop()
    return body


def problem_response(error: PykutenError, request: Request) -> Response:
    """The HTTP answer for an error."""
    error.bare()  # it ends here, and its frames hold the request's body
    context = context_of(request)
    context.code = error.code
    body = json.dumps(problem(error, context.request_id), separators=(",", ":")).encode("ascii")
    return Response(body, error.status, headers=dict(_headers(error)), media_type=MEDIA_TYPE)


def not_http() -> tuple[list[Header], bytes]:
    """Headers and body of the answer to what reaches no application."""
    request_id = new_request_id()
    body = json.dumps(problem(InvalidHttp(()), request_id), separators=(",", ":")).encode("ascii")
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    return [*headers, (b"x-request-id", request_id.encode()), *SECURITY_HEADERS, STRICT_POLICY], body


def _headers(error: PykutenError) -> Mapping[str, str]:
    if isinstance(error, ServiceError):
        return error.headers
    return _UNAVAILABLE_HEADERS if error.status == 503 else {}


async def _answer_error(request: Request, error: Exception) -> Response:
    return problem_response(cast(PykutenError, error), request)


async def _answer_parameters(request: Request, error: Exception) -> Response:
    faults = faults_of(cast(RequestValidationError, error).errors(), skip=1)
    return problem_response(InvalidRequest(faults), request)


async def _answer_framework(request: Request, error: Exception) -> Response:
    error = cast(HTTPException, error)
    methods = (error.headers or {}).get("Allow", "")
    allow = f"{methods}, HEAD" if methods == "GET" else methods  # by `service.middleware.request`
    known: dict[int, PykutenError] = {404: NotFound(), 405: MethodNotAllowed(allow)}
    return problem_response(known.get(error.status_code, Internal()), request)


def install(app: FastAPI) -> None:
    """Answer the service's and the framework's errors with problem bodies; `RequestMiddleware` has the unforeseen."""
    app.add_exception_handler(PykutenError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_parameters)
    app.add_exception_handler(HTTPException, _answer_framework)


MAX_FAULTS = 10
MAX_POINTER_CHARACTERS = 100

_DEFAULT = "This is not valid."
_MESSAGES = {
    "base64": "This must be base64 on one line, without a data: prefix.",
    "dict_type": "This must be an object.",
    "extra_forbidden": "There is no such field.",
    "finite_number": "This must be a finite number.",
    "float_parsing": "This must be a number.",
    "float_type": "This must be a number.",
    "greater_than": "This is below the range.",
    "greater_than_equal": "This is below the range.",
    "image_twice": "A listing has image or images, not both.",
    "int_from_float": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_parsing_size": "This is above the range.",
    "int_type": "This must be a whole number.",
    "less_than": "This is above the range.",
    "less_than_equal": "This is above the range.",
    "list_type": "This must be a list.",
    "literal_error": "This is not one of the allowed values.",
    "missing": "This is required.",
    "model_attributes_type": "This must be an object.",
    "model_type": "This must be an object.",
    "string_too_long": "This is too long.",
    "string_too_short": "This is too short.",
    "string_type": "This must be a string.",
    "string_unicode": "This is not valid Unicode.",
    "too_long": "This is too long.",
}


def pointer(parts: Iterable[str | int]) -> str:
    """An RFC 6901 pointer. Parts can be the client's own keys, so it is cut, and printable ASCII after escaping."""
    escaped = "".join("/" + str(part)[:MAX_POINTER_CHARACTERS].replace("~", "~0").replace("/", "~1") for part in parts)
    printable = escaped.encode("ascii", "backslashreplace").decode("ascii")
    printable = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in printable)
    return printable if len(printable) <= MAX_POINTER_CHARACTERS else printable[: MAX_POINTER_CHARACTERS - 3] + "..."


def faults_of(errors: Sequence[Mapping[str, Any]], *, skip: int = 0) -> list[Fault]:
    """The first faults of pydantic's `errors()`; `skip` leaves out leading parts of their place ("query", "header")."""
    return [Fault(pointer(e["loc"][skip:]), _MESSAGES.get(e["type"], _DEFAULT)) for e in errors[:MAX_FAULTS]]
