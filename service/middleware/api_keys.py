"""The gate in front of every path that needs a key. In place only where the operator has set keys.

Paths are listed that need none; whatever is not listed does, so that a path added later is closed rather than open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Forbidden, RateLimited, ServiceError, Unauthorized
from service.http.context import context_of
from service.http.problems import problem_response
from service.middleware.keys import ApiKeys
from service.middleware.keys import Scope as KeyScope
from service.routes.page import ASSETS, DOCS_ASSETS

OPEN_PATHS = frozenset({"/", "/docs", "/openapi.json", "/health/live", "/health/ready"})
OPEN_FOLDERS = (f"{ASSETS}/", f"{DOCS_ASSETS}/")
METRICS_PATH = "/metrics"
PREDICTING_PATHS = frozenset({"/predict", "/explain", "/catalogue/listings"})
"""And all below `/predict/`."""


class ApiKeyMiddleware:
    """Lets requests with the right key through. `metrics_open`: `/metrics` needs none. Of those that do not get
    through, the one of `routes` that they asked for is noted for metrics and the log.
    """

    def __init__(self, app: ASGIApp, keys: ApiKeys, *, routes: Sequence[BaseRoute], metrics_open: bool) -> None:
        self.app = app
        self._keys = keys
        self._routes = routes
        self._metrics_open = metrics_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            headers = self._check(request)
        except ServiceError as error:
            scope["route"] = next((one for one in self._routes if one.matches(scope)[0] is Match.FULL), None)
            await problem_response(error, request)(scope, receive, send)
            return
        if not headers:
            await self.app(scope, receive, send)
            return

        async def send_with_rate(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self.app(scope, receive, send_with_rate)

    def _is_open(self, path: str) -> bool:
        return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS) or (self._metrics_open and path == METRICS_PATH)

    def _check(self, request: Request) -> Mapping[str, str]:
        """The rate's headers. Raises Unauthorized, Forbidden or RateLimited."""
        presented = _presented(request)
        if presented is None:
            raise Unauthorized
        found = self._keys.find(presented)
        if found is None:
            raise Unauthorized(invalid=True)
        key, bucket = found
        context_of(request).client = key.name
        if _scope_of(request.scope["path"]) not in key.scopes:
            raise Forbidden
        if bucket is None:
            return {}
        if not bucket.take():
            raise RateLimited(bucket.retry_seconds, bucket.headers())
        return bucket.headers()


def _presented(request: Request) -> bytes | None:
    """The key of `Authorization: Bearer` or of `X-API-Key`."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip().encode("latin-1")
    key = request.headers.get("x-api-key", "").strip()
    return key.encode("latin-1") if key else None


def _scope_of(path: str) -> KeyScope:
    if path == METRICS_PATH:
        return KeyScope.METRICS
    predicts = path in PREDICTING_PATHS or path.startswith("/predict/")
    return KeyScope.PREDICT if predicts else KeyScope.READ
