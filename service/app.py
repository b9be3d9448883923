"""The application, put together. The lifespan loads the version and starts the engine; importing starts nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute

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
from service.routes import batch, catalogue, explain, health, metrics, openapi, page, predict, versions
from service.routes.metrics import Gauges
from service.settings import MIB, Settings
from service.state import ServiceState

CLOSE_SECONDS = 5.0
"""For the passes of the networks that still run when all requests have ended."""
CORS_MAX_AGE_SECONDS = 600
REQUEST_HEADERS = ("Authorization", "Content-Type", "If-None-Match", "X-API-Key", "X-Deadline-Ms", "X-Request-ID")
RESPONSE_HEADERS = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")


def create_app(settings: Settings, *, registry: Registry | None = None) -> FastAPI:
    """The ASGI application. `registry` replaces the registry of the settings, for tests. Raises SettingsError on keys
    that cannot be read, and on telemetry that is not installed.

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
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.tags(),
        servers=[{"url": "./"}],  # beside the document, also where a proxy takes a prefix away
        generate_unique_id_function=lambda route: route.name,  # generated clients name their functions so
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
    routers = [module.router for module in (predict, batch, explain, versions, catalogue, health, page)]
    if settings.metrics != "off":
        routers.append(metrics.router)
    files = page.file_mounts()
    _add_middleware(app, settings, state, [*(route for router in routers for route in router.routes), *files])
    problems.install(app)
    if provider is None:
        app.router.routes.extend(predict.PLAIN_ROUTES)  # ahead of FastAPI's, which are traced
    for router in routers:
        app.include_router(router)
    app.router.routes.extend(files)
    openapi.install(app, current_version=lambda: state.registry.current_version, with_keys=keys is not None)
    return app


def _add_middleware(app: FastAPI, settings: Settings, state: ServiceState, routes: Sequence[BaseRoute]) -> None:
    """Innermost first: the middleware that is added last surrounds the others."""
    if app.state.keys is not None:
        metrics_open = settings.metrics == "open"
        app.add_middleware(ApiKeyMiddleware, keys=app.state.keys, routes=routes, metrics_open=metrics_open)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,  # for keys in headers: cookies are never allowed
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST"),
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
            max_age=CORS_MAX_AGE_SECONDS,
        )
    app.add_middleware(
        RequestMiddleware, is_draining=lambda: state.draining, metrics=state.metrics, bodies=state.bodies
    )


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
    """Read the file again whenever it has changed, for ever."""
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(keys.refresh)


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
