"""The short way to the paths that predict, past the framework's routing.

Matching routes, resolving dependencies and opening exit stacks take the framework 0.3 ms of every request, about as
long as all the rest of the service, and these paths need none of it: a fixed path, one method, an answer that is built
by hand. The routes themselves stay with the framework, which documents them, and answers whatever is not a POST.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from models.errors import PykutenError
from service.problems import problem_response

Endpoint = Callable[[Request], Awaitable[Response]]


class Direct:
    """Answers POST requests to `routes`, whose endpoints take the request alone; all others go on to `app`."""

    def __init__(self, app: ASGIApp, routes: Iterable[APIRoute]) -> None:
        self.app = app
        self._routes = {route.path: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = route
        request = Request(scope, receive, send)
        try:
            response = await route.endpoint(request)
        except PykutenError as error:
            response = problem_response(error, request)
        await response(scope, receive, send)
