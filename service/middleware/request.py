"""The outermost middleware: request id, log line, metrics, headers, and a guard for unforeseen exceptions.

One pure ASGI middleware, because each layer costs every request a call and a wrapped `send`. Its steps, outermost
first:
1. request id, so that everything after it can name the request;
2. log line and metrics, written whatever happens inside;
3. guard: an exception that no handler took becomes the one 500 problem, and its trace goes to the log;
4. headers, on every response, the guard's included.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Draining, Internal, Overloaded, ServiceError
from service.http.bodies import BodyReader
from service.http.context import KEY, RequestContext
from service.http.problems import problem_response
from service.observability.logs import LOGGER, event
from service.observability.metrics import Metrics

Header = tuple[bytes, bytes]
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""A caller's own id is taken only in this form: it goes into headers and logs."""

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),  # frame-ancestors, for older browsers
]
POLICY = b"content-security-policy"
STRICT_POLICY = (POLICY, b"default-src 'none'; frame-ancestors 'none'")
"""For responses without a policy of their own: JSON, should a browser ever show it as a page."""
_RANDOM = random.Random()  # noqa: S311 - ids are no secrets, and the system's generator is slow
CLOSE = (b"connection", b"close")


class RequestMiddleware:
    """Surrounds every request with the steps above. `is_draining`: connections are closed after their response."""

    def __init__(self, app: ASGIApp, is_draining: Callable[[], bool], metrics: Metrics, bodies: BodyReader) -> None:
        self.app = app
        self._is_draining = is_draining
        self._metrics = metrics
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        context = RequestContext(_request_id(scope))
        scope.setdefault("state", {})[KEY] = context
        # HEAD is allowed wherever GET is (RFC 9110, section 9.1).
        is_head = scope["method"] == "HEAD"
        inner_scope = {**scope, "method": "GET"} if is_head else scope
        status, bytes_out = 0, 0
        self._metrics.in_progress += 1

        async def send_with_headers(message: Message) -> None:
            nonlocal status, bytes_out
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._add_headers(message["headers"], context)
                self._give_up_body(context)
            elif is_head:
                message = {**message, "body": b""}
            else:
                bytes_out += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(inner_scope, receive, send_with_headers)
        except asyncio.CancelledError:  # the server gives up on what is in flight, at the end of its shutdown
            if status == 0:
                await problem_response(Draining(), Request(scope))(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - the last guard
            problem = _unforeseen(error, context)
            if status == 0:
                await problem_response(problem, Request(scope))(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - start
            route: str | None = getattr(inner_scope.get("route"), "path", None)  # a template, never the client's words
            self._give_up_body(context)  # also where no answer could be sent
            self._metrics.in_progress -= 1
            self._metrics.request(route, status, context.code, seconds)
            if LOGGER.isEnabledFor(logging.INFO):
                _log(scope, route, context, status, bytes_out, seconds)

    def _give_up_body(self, context: RequestContext) -> None:
        self._bodies.free += context.bytes_held
        context.bytes_held = 0

    def _add_headers(self, headers: Iterable[Header], context: RequestContext) -> list[Header]:
        response_headers = [*headers, (b"x-request-id", context.request_id.encode("ascii")), *SECURITY_HEADERS]
        if not any(name == POLICY for name, _ in response_headers):
            response_headers.append(STRICT_POLICY)
        if self._is_draining():
            response_headers.append(CLOSE)
        return response_headers


def _unforeseen(error: Exception, context: RequestContext) -> ServiceError:
    """The error to answer with; a lack of memory is an overload of this machine."""
    if isinstance(error, MemoryError):
        event(logging.WARNING, "out of memory", error, request_id=context.request_id)
        return Overloaded()
    event(logging.ERROR, "unforeseen", error, request_id=context.request_id)
    return Internal()


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return f"{_RANDOM.getrandbits(64):016x}"


def _log(scope: Scope, route: str | None, context: RequestContext, status: int, bytes_out: int, seconds: float) -> None:
    fields: dict[str, Any] = {
        "request_id": context.request_id,
        "method": scope["method"],
        "route": route,
        "status": status,
        "code": context.code,
        "ms": round(seconds * 1000, 2),
        "version": context.version,
        "bytes_in": context.bytes_in,
        "bytes_out": bytes_out,
    }
    photo = context.photo and f"{context.photo.format} {context.photo.width}x{context.photo.height}"
    optional = {"client": context.client, "photo_sha256": context.photo_sha256, "photo": photo}
    fields |= {name: value for name, value in optional.items() if value is not None}
    event(logging.INFO, "request", **fields)
