"""API keys in front of the routes. In place only where the operator has set keys.

A route's tag says which scope a key needs for it. A path without a route needs a key that may read, and so does a route
whose tag is not listed: what is added later is closed rather than open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Forbidden, RateLimited, ServiceError, Unauthorized
from service.http.context import context_of
from service.http.problems import problem_response
from service.middleware.keys import ApiKeys
from service.middleware.keys import Scope as KeyScope

SCOPES: dict[str, KeyScope | None] = {
    "predictions": KeyScope.PREDICT,
    "catalogue": KeyScope.READ,
    "metrics": KeyScope.METRICS,
    "health": None,
    "page": None,
}
"""The scope that the routes of each tag need; None: no key."""
PREDICTING_NAMES = frozenset({"drawn_listings"})
"""Routes with another tag that predict."""


class ApiKeyMiddleware:
    """Lets requests with the right key through to `routes`. `metrics_open`: `/metrics` needs none.

    The route of a refused request is put into its scope, for metrics and the log.
    """

    def __init__(self, app: ASGIApp, keys: ApiKeys, *, routes: Sequence[BaseRoute], metrics_open: bool) -> None:
        self.app = app
        self._keys = keys
        scopes = SCOPES | {"metrics": None} if metrics_open else SCOPES
        self._scopes = [(route, _scope_of(route, scopes)) for route in routes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, needed = self._match(scope) if scope["type"] == "http" else (None, None)
        if needed is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            headers = self._check(request, needed)
        except ServiceError as error:
            scope["route"] = route
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

    def _match(self, scope: Scope) -> tuple[BaseRoute | None, KeyScope | None]:
        """The route of the request, and the scope that it needs: also where only the method is another."""
        partly: KeyScope | None = KeyScope.READ
        for route, needed in self._scopes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return route, needed
            if match is Match.PARTIAL:
                partly = needed
        return None, partly

    def _check(self, request: Request, needed: KeyScope) -> Mapping[str, str]:
        """The rate's headers. Raises Unauthorized, Forbidden or RateLimited."""
        presented = _presented(request)
        if presented is None:
            raise Unauthorized
        entry = self._keys.find(presented)
        if entry is None:
            raise Unauthorized(invalid=True)
        key, bucket = entry
        context_of(request).client = key.name
        if needed not in key.scopes:
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


def _scope_of(route: BaseRoute, scopes: Mapping[str, KeyScope | None]) -> KeyScope | None:
    if isinstance(route, Mount):  # the files of the pages
        return None
    if getattr(route, "name", None) in PREDICTING_NAMES:
        return KeyScope.PREDICT
    tags = getattr(route, "tags", None) or [""]
    return scopes.get(tags[0], KeyScope.READ)
