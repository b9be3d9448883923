"""Errors between the socket and the model. The kernel's own are in `models.errors`.

    PykutenError
    `-- ServiceError                    500 internal
        |-- SettingsError               (at start: one line, exit code 2)
        |-- MalformedJson               400 malformed_json          not JSON in UTF-8
        |-- MalformedMultipart          400 malformed_multipart     not a multipart form, or cut short
        |-- TooManyParts                400 too_many_parts
        |-- Unauthorized                401 unauthorized            no API key, or not a valid one
        |-- Forbidden                   403 unauthorized            a valid key without the right
        |-- NotFound                    404 not_found               no such path
        |-- MethodNotAllowed            405 method_not_allowed      with Allow
        |-- SlowClient                  408 slow_client             the body dripped in too slowly
        |-- BodyTooLarge                413 body_too_large
        |-- PartTooLarge                413 part_too_large          one text part of a form
        |-- UnsupportedMediaType        415 unsupported_media_type
        |-- InvalidRequest              422 invalid_request         with a pointer to each fault
        |   `-- InvalidHttp             400 invalid_request         not HTTP/1.1, or without one valid Host
        |-- BatchTooLarge               422 batch_too_large
        |-- RateLimited                 429 rate_limited            with Retry-After
        |-- ClientGone                  499                         never sent, only logged
        |-- Internal                    500 internal                an unforeseen exception
        |-- Overloaded                  503 overloaded              with Retry-After
        |-- Draining                    503 draining                with Retry-After
        |-- CatalogueMissing            404 catalogue_missing
        |-- CatalogueUnavailable        503 catalogue_unavailable   with Retry-After
        `-- DeadlineExceeded            504 deadline_exceeded

Messages are fixed sentences: they never quote the caller's input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from models.errors import PykutenError


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a request: an RFC 6901 JSON pointer to it ("" for the whole) and a fixed sentence."""

    pointer: str
    message: str


class ServiceError(PykutenError):
    """Root of the service's errors. `headers` go out with the answer."""

    headers: Mapping[str, str] = MappingProxyType({})


class SettingsError(ServiceError):
    """The environment does not make valid settings. `message` names the variable; it is for the operator's terminal."""

    message = "The settings are not valid."


class MalformedJson(ServiceError):
    """Not JSON: broken, not UTF-8, with a byte order mark, nested too deeply, or with thousands of digits in a row."""

    code = "malformed_json"
    status = 400
    message = "The body is not JSON in UTF-8."


class MalformedMultipart(ServiceError):
    """Not a multipart form: no boundary or another one, no end, a part without name or with over-long headers."""

    code = "malformed_multipart"
    status = 400
    message = "The body is not a complete multipart form."


class TooManyParts(ServiceError):
    """More fields or files than a form may have."""

    code = "too_many_parts"
    status = 400
    message = "The form has too many fields or files."


class Unauthorized(ServiceError):
    """No API key, or (`invalid`) one that is unknown or expired."""

    code = "unauthorized"
    status = 401
    message = "This path needs a valid API key, as a bearer token or in X-API-Key."

    def __init__(self, *, invalid: bool = False) -> None:
        super().__init__()
        error = ', error="invalid_token"' if invalid else ""
        self.headers = {"WWW-Authenticate": f'Bearer realm="pykuten"{error}'}


class Forbidden(ServiceError):
    """The API key is valid, but not for this path."""

    code = "unauthorized"
    status = 403
    message = "The API key has no right to this path."
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer realm="pykuten", error="insufficient_scope"'})


class NotFound(ServiceError):
    """No such path."""

    code = "not_found"
    status = 404
    message = "There is nothing at this path."


class MethodNotAllowed(ServiceError):
    """The path exists for other methods; the Allow header names them."""

    code = "method_not_allowed"
    status = 405
    message = "This path does not take this method."

    def __init__(self, allow: str) -> None:
        super().__init__()
        self.headers = {"Allow": allow}


class SlowClient(ServiceError):
    """The body did not arrive in time."""

    code = "slow_client"
    status = 408
    message = "The body did not arrive in time."


class BodyTooLarge(ServiceError):
    """The body is over the route's limit, as declared or as counted."""

    code = "body_too_large"
    status = 413
    message = "The body is over this path's limit."


class PartTooLarge(ServiceError):
    """A text part of a form is over its limit."""

    code = "part_too_large"
    status = 413
    message = "A text part of the form is over its limit."


class UnsupportedMediaType(ServiceError):
    """The Content-Type is not one that this path takes, or the body is compressed."""

    code = "unsupported_media_type"
    status = 415
    message = "This path does not take this Content-Type or Content-Encoding."

    def __init__(self, accepted: Iterable[str] = ()) -> None:
        types = ", ".join(accepted)
        super().__init__(f"{self.message} It takes {types}." if types else None)


class InvalidRequest(ServiceError):
    """The request is well-formed but not valid; `faults` say where."""

    code = "invalid_request"
    status = 422
    message = "The request is not valid."

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__()
        self.faults = tuple(faults)

    @classmethod
    def at(cls, pointer: str, message: str) -> Self:
        """One fault."""
        return cls([Fault(pointer, message)])


class InvalidHttp(InvalidRequest):
    """What arrived is no request in HTTP/1.1, has no Host, several, or an invalid one, or a body in tiny chunks. The
    connection is closed: what follows may be read as something that the sender did not mean.
    """

    status = 400
    message = "This is no valid request in HTTP/1.1, with one Host header and without tiny chunks."
    headers = MappingProxyType({"Connection": "close"})


class BatchTooLarge(ServiceError):
    """More listings than a batch may have."""

    code = "batch_too_large"
    status = 422
    message = "The batch has more listings than the limit."

    def __init__(self) -> None:
        super().__init__(pointer="/listings")


class RateLimited(ServiceError):
    """The API key has made more requests than its rate allows."""

    code = "rate_limited"
    status = 429
    message = "The API key is over its rate."

    def __init__(self, retry_seconds: int = 1, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(retry_seconds), **headers}


class ClientGone(ServiceError):
    """The client closed the connection; nobody reads the answer. 499 is what nginx logs."""

    code = "client_gone"
    status = 499
    message = "The client is gone."


class Internal(ServiceError):
    """An unforeseen exception; the log has its trace under the same request id."""


class Overloaded(ServiceError):
    """Too much work waits; more is refused at once."""

    code = "overloaded"
    status = 503
    message = "Too many requests are waiting; try again shortly."
    headers = MappingProxyType({"Retry-After": "1"})


class Draining(ServiceError):
    """The process was asked to stop; it only finishes the requests that it has."""

    code = "draining"
    status = 503
    message = "This instance is shutting down; ask another one."
    headers = MappingProxyType({"Retry-After": "2"})


class CatalogueMissing(ServiceError):
    """There are no labelled listings of the version's categories."""

    code = "catalogue_missing"
    status = 404
    message = (
        "There are no labelled listings to show with this version: set PYKUTEN_CATALOGUE, or train with samples = true."
    )


class CatalogueUnavailable(ServiceError):
    """The labelled catalogue cannot be read; the log says why."""

    code = "catalogue_unavailable"
    status = 503
    message = "The labelled catalogue cannot be read."
    headers = MappingProxyType({"Retry-After": "10"})


class DeadlineExceeded(ServiceError):
    """The deadline passed before the answer was ready; work that had not begun is not begun."""

    code = "deadline_exceeded"
    status = 504
    message = "The deadline passed before the answer was ready."
