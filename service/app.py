"""The application, put together. The lifespan loads the version and starts the engine; nothing happens at import."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from models.versions.store import Store
from service import __version__
from service.errors import SettingsError
from service.http import problems
from service.middleware.api_keys import ApiKeyMiddleware
from service.middleware.keys import ApiKeys
from service.middleware.request import RequestMiddleware
from service.observability.logs import event
from service.observability.telemetry import make_provider, telemetry_config
from service.registry.loading import load_warm
from service.registry.registry import Registry
from service.routes import batch, explain, health, metrics, openapi, page, predict
from service.routes import catalogue as listings
from service.routes import versions as catalogue
from service.routes.metrics import Gauges
from service.settings import MIB, Settings
from service.state import ServiceState

CLOSE_SECONDS = 5.0
"""For the passes of the networks that still run when all requests are finished or given up."""

CORS_MAX_AGE_SECONDS = 600
REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-None-Match",
    "X-API-Key",
    "X-Deadline-Ms",
    "X-Request-ID",
)
RESPONSE_HEADERS = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")


def create_app(settings: Settings, *, registry: Registry | None = None) -> FastAPI:
    """The ASGI application. `registry` replaces the one that the settings describe (for tests). Raises SettingsError
    on keys that cannot be read, and on telemetry that is not installed.

    Order, outermost first: `RequestMiddleware` (request id, log line, metrics, guard, headers), CORS and
    `ApiKeyMiddleware`, each only where it is set up, then the framework's error handlers (which turn errors
    into problem bodies, so that the outermost middleware sees the final status), then the routes. Every limit is
    checked by the route that reads the body, as limits differ by path.
    """
    keys = _keys(settings)
    provider = make_provider() if settings.telemetry else None
    state = ServiceState.of(settings, registry or _registry(settings))
    state.metrics.add(Gauges(state))
    app = FastAPI(
        title="Pykuten",
        version=__version__,
        summary="Product categories from text and photo, with a decision you can act on.",
        description=openapi.description(),
        openapi_tags=openapi.TAGS,
        generate_unique_id_function=_operation_id,
        openapi_url=None,  # routes.page serves the document without writing it anew each time,
        docs_url=None,  # and its page without a CDN
        redoc_url=None,
        redirect_slashes=False,  # a redirect would lose the body of a POST
        lifespan=_lifespan,
        telemetry=telemetry_config(provider),
    )
    app.state.service = state
    app.state.keys = keys
    app.state.tracer_provider = provider
    if provider is None:  # as routes of Starlette's, which take a third of the time of FastAPI's but are not traced
        for route in predict.ROUTES:
            app.add_route(route.path, route.endpoint, methods=["POST"], include_in_schema=False)
    routers = [module.router for module in (predict, batch, explain, catalogue, listings, health, page)]
    if settings.metrics != "off":
        routers.append(metrics.router)
    files = page.file_mounts()
    if keys is not None:
        routes = [*(route for router in routers for route in router.routes), *files]
        app.add_middleware(ApiKeyMiddleware, keys=keys, routes=routes, metrics_open=settings.metrics == "open")
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,  # for keys in headers: cookies are never allowed
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST"),
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
            max_age=CORS_MAX_AGE_SECONDS,
        )
    app.add_middleware(RequestMiddleware, is_draining=lambda: state.draining, metrics=state.metrics)
    problems.install(app)
    for router in routers:
        app.include_router(router)
    app.router.routes.extend(files)
    openapi.install(app, current_version=lambda: state.registry.current_version, with_keys=keys is not None)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: ServiceState = app.state.service
    state.engine.start()
    await state.registry.refresh()  # no version: start all the same, alive but not ready, and look again
    if state.registry.current_version is None:
        event(logging.WARNING, "no version", store=str(state.settings.store), promoted=state.registry.promoted())
    following = [asyncio.create_task(state.registry.follow(state.settings.poll_seconds))]
    if app.state.keys is not None:
        following.append(asyncio.create_task(_follow_keys(app.state.keys, state.settings.poll_seconds)))
    try:
        yield
    finally:
        state.draining = True
        for task in following:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(state.engine.close, CLOSE_SECONDS)
        state.registry.close()
        if app.state.tracer_provider is not None:
            await asyncio.to_thread(app.state.tracer_provider.shutdown)  # sends what is left


async def _follow_keys(keys: ApiKeys, seconds: float) -> None:
    """Take up changes of the file for ever."""
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(keys.refresh)


def _operation_id(route: APIRoute) -> str:
    return route.name  # `predict_text`: generated clients name their functions so


def _keys(settings: Settings) -> ApiKeys | None:
    if settings.api_keys_file is not None:
        return ApiKeys(settings.api_keys_file)
    if settings.metrics == "key":
        raise SettingsError("PYKUTEN_METRICS is key, but PYKUTEN_API_KEYS_FILE is not set")
    return None


def _registry(settings: Settings) -> Registry:
    load = partial(load_warm, runtime=settings.runtime, streams=settings.workers, gather=settings.gather)
    return Registry(
        Store(settings.store),
        load,
        memory_bytes=settings.versions_mb * MIB,
        idle_seconds=settings.version_idle_seconds,
    )
