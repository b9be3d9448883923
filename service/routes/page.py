"""What people open in a browser: the start page and the API's documentation. Nothing is fetched from other hosts."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from models.errors import NoVersion
from service.http.responses import is_held
from service.state import state_of

router = APIRouter(tags=["page"], include_in_schema=False)

PAGE = Path(__file__).resolve().parent.parent / "page"
ASSETS = "/assets"
DOCS_ASSETS = "/docs-assets"

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""`blob:` shows the photo that a person has chosen, before it is sent."""
DOCS_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Swagger UI sets style attributes from its script."""


@router.get("/")
async def index(request: Request) -> Response:
    """The start page."""
    state = state_of(request)
    try:
        version = state.registry.current.predictor.version
    except NoVersion:
        version = "none"
    return _page("index.html", PAGE_POLICY, version=version, photo_bytes=str(state.settings.photo_bytes))


@router.get("/docs")
async def docs() -> Response:
    """Swagger UI over `/openapi.json`."""
    return _page("docs.html", DOCS_POLICY)


@router.get("/openapi.json")
async def document(request: Request, if_none_match: Annotated[str, Header()] = "") -> Response:
    """The OpenAPI document."""
    content, etag = await request.app.state.document.read()
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if is_held(if_none_match, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


class FreshFiles(StaticFiles):
    """Files that browsers ask for again each time (and mostly get 304): parts of two releases never mix."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, or 304."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def file_mounts() -> list[Mount]:
    """The pages' scripts and styles, and those of Swagger UI, which the `fastapi-offline` package carries."""
    swagger = Path(str(files("fastapi_offline"))) / "static"
    return [
        Mount(ASSETS, FreshFiles(directory=PAGE / "assets"), name="assets"),
        Mount(DOCS_ASSETS, StaticFiles(directory=swagger), name="docs-assets"),
    ]


def _page(name: str, policy: str, **values: str) -> Response:
    text = Template((PAGE / name).read_text(encoding="utf-8"))
    html = text.safe_substitute({key: escape(value) for key, value in values.items()})
    return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"})
