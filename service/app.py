"""The application, put together. The lifespan loads the version and starts the engine; nothing happens at import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from fastapi import FastAPI

from models.predictor import Predictor
from models.store import Store
from service import __version__, openapi, problems
from service.middleware import Envelope
from service.registry import Registry
from service.routes import batch, catalogue, health, page, predict
from service.serving import Serving
from service.settings import Settings

CLOSE_SECONDS = 5.0
"""For the passes of the networks that still run when all requests are finished or given up."""


def create_app(settings: Settings, *, registry: Registry | None = None) -> FastAPI:
    """The ASGI application. `registry` replaces the one that the settings describe (for tests).

    Order, outermost first: `Envelope` (request id, log line, guard, headers), then the framework's error handlers
    (which turn errors into problem bodies, so that the envelope sees the final status), then the routes. Every limit
    is checked by the route that reads the body, as limits differ by path.
    """
    serving = Serving.of(settings, registry or _registry(settings))
    app = FastAPI(
        title="Pykuten",
        version=__version__,
        summary="Product categories from text and photo, with a decision you can act on.",
        description=openapi.DESCRIPTION,
        docs_url=None,  # routes.page serves it without a CDN
        redoc_url=None,
        redirect_slashes=False,  # a redirect would lose the body of a POST
        lifespan=_lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.serving = serving
    app.add_middleware(Envelope, is_draining=lambda: serving.draining)
    problems.install(app)
    for routes in (predict, batch, catalogue, health, page):
        app.include_router(routes.router)
    page.mount_assets(app)
    openapi.install(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    serving: Serving = app.state.serving
    serving.engine.start()
    await serving.registry.refresh()  # no version: start all the same, alive but not ready, and look again
    following = asyncio.create_task(serving.registry.follow(serving.settings.poll_seconds))
    try:
        yield
    finally:
        serving.draining = True
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await asyncio.to_thread(serving.engine.close, CLOSE_SECONDS)
        serving.registry.close()


def _registry(settings: Settings) -> Registry:
    load = partial(Predictor.load, runtime=settings.runtime, streams=settings.workers)
    return Registry(Store(settings.store), load, capacity=settings.loaded_versions)
