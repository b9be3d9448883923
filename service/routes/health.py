"""Liveness and readiness, for supervisors and balancers."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from typing_extensions import TypedDict

from service.errors import Draining
from service.http.responses import json_response
from service.routes.openapi import problems
from service.state import state_of

router = APIRouter(tags=["health"])


class LiveBody(TypedDict):
    """The process answers."""

    status: Literal["live"]


class ReadyBody(TypedDict):
    """Predictions are answered, by `version`."""

    status: Literal["ready"]
    version: str


@router.get("/health/live", summary="Is the process alive?", responses={200: {"model": LiveBody}})
async def live() -> Response:
    """Always 200, also without a model and while shutting down: restart the process only when this does not answer."""
    return json_response(LiveBody(status="live"))


@router.get(
    "/health/ready",
    summary="Can it answer predictions?",
    responses={200: {"model": ReadyBody}, **problems("model_unavailable", "draining")},
)
async def ready(request: Request) -> Response:
    """200 when a version is loaded; 503 `model_unavailable` until then, `draining` once the process is to stop."""
    state = state_of(request)
    if state.draining:
        raise Draining
    return json_response(ReadyBody(status="ready", version=state.registry.current.predictor.version))
