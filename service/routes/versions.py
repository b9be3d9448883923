"""The categories of a version, and the versions with their figures."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from pydantic import Field
from pydantic_core import from_json, to_json
from typing_extensions import TypedDict

from models.decision.calibration import FILE_NAME as CALIBRATION
from models.errors import PykutenError, VersionRefused, VersionUnknown
from models.taxonomy import FILE_NAME as TAXONOMY
from models.taxonomy import Taxonomy
from models.versions.manifest import Manifest, read_listed, read_manifest
from models.versions.metrics import FILE_NAME as METRICS
from service.http.requests import Language, language
from service.http.responses import cacheable_response, json_response
from service.registry.loading import LoadedVersion
from service.registry.refusals import Refusal, RefusalCode
from service.registry.registry import Registry, State, VersionState
from service.routes.openapi import problems
from service.state import state_of

router = APIRouter(tags=["catalogue"])


class CategoryEntry(TypedDict):
    """A category: `label` and `group` in the caller's language, `labels` and `groups` in all."""

    code: str
    label: str
    group: str
    labels: dict[str, str]
    groups: dict[str, str]


class CategoriesBody(TypedDict):
    """The categories of one version, in the order of its classes."""

    version: str
    categories: list[CategoryEntry]


class VersionEntry(TypedDict):
    """One version. `code` and `reason`, fixed words, say why it was refused. `networks` is by what they read."""

    version: str
    state: State
    code: RefusalCode | None
    reason: str | None
    created: str | None
    name: str | None
    networks: dict[str, dict[str, Any]] | None


class RefusalBody(TypedDict):
    """Why the promoted version does not serve."""

    version: str
    code: RefusalCode
    reason: str


class ModelsBody(TypedDict):
    """`serving` answers requests now; `promoted` is what the store says should. They differ while a version loads, or
    when the promoted one was refused, as `refusal` then says.
    """

    serving: str | None
    promoted: str | None
    refusal: RefusalBody | None
    versions: list[VersionEntry]


class Provenance(TypedDict):
    """How the version came to be."""

    run: dict[str, Any]
    data: dict[str, Any]
    libraries: dict[str, str]
    digest: str


class VersionBody(TypedDict):
    """Everything known about one version. `calibration` holds temperatures and acceptance thresholds by case."""

    version: str
    state: State
    code: RefusalCode | None
    reason: str | None
    created: str
    name: str
    classes: list[str]
    networks: dict[str, dict[str, Any]]
    metrics: dict[str, Any] | None
    calibration: dict[str, Any] | None
    provenance: Provenance


@router.get(
    "/categories",
    summary="The categories",
    responses={
        200: {"model": CategoriesBody, "headers": {"ETag": {"schema": {"type": "string"}}}},
        304: {"description": "Unchanged since `If-None-Match`."},
        **problems("version_unknown", "invalid_request", "overloaded", "model_unavailable"),
    },
)
async def categories(
    request: Request,
    version: Annotated[str | None, Query(description="Default: the version that serves.")] = None,
    lang: Annotated[Language | None, Query(description="Default: `Accept-Language`, then French.")] = None,
    accept_language: Annotated[str, Header(description="Used when `lang` is not given.")] = "",
    if_none_match: Annotated[str, Header(description="The `ETag` of an earlier answer.")] = "",
) -> Response:
    """Codes, labels and groups in French, English and German. Cheap to ask again with the `ETag` of the last answer."""
    loaded = await state_of(request).registry.get(version)
    body = to_json(_categories(loaded, language(lang, accept_language)))
    return cacheable_response(body, "application/json", if_none_match, Vary="Accept-Language")


@router.get("/models", summary="The versions", responses={200: {"model": ModelsBody}})
async def list_models(request: Request) -> Response:
    """Every version of the store, newest first, and what it is to this process."""
    registry = state_of(request).registry
    return json_response(await asyncio.to_thread(_models, registry))


@router.get(
    "/models/{version}",
    summary="One version",
    responses={200: {"model": VersionBody}, **problems("version_unknown", "model_unavailable")},
)
async def show_model(
    request: Request, version: Annotated[str, Field(description="A name of `GET /models`.")]
) -> Response:
    """Quality figures by kind of evidence, calibration and thresholds, categories, and where the version comes from."""
    registry = state_of(request).registry
    return json_response(await asyncio.to_thread(_show, registry, version))


def _categories(loaded: LoadedVersion, lang: str) -> CategoriesBody:
    labels = loaded.labels[lang]
    entries = [
        CategoryEntry(
            code=category.code,
            label=labels[category.code][0],
            group=labels[category.code][1],
            labels=category.labels,
            groups=category.groups,
        )
        for category in loaded.predictor.taxonomy.categories
    ]
    return {"version": loaded.predictor.version, "categories": entries}


def _models(registry: Registry) -> ModelsBody:
    promoted, refusal = registry.promoted(), registry.refusal
    states = registry.states()  # read last, so that the version that `refusal` names is refused here too
    entries = [_entry(registry.store.root, state) for state in states]
    entries.sort(key=lambda entry: (entry["version"][:10], entry["created"] or ""), reverse=True)  # by the name's day
    return {
        "serving": registry.current_version,
        "promoted": promoted,
        "refusal": None if refusal is None else _refusal(refusal),
        "versions": entries,
    }


def _refusal(refusal: Refusal) -> RefusalBody:
    return {"version": refusal.version, "code": refusal.code, "reason": refusal.code.reason}


def _entry(store: Path, state: VersionState) -> VersionEntry:
    try:
        manifest: Manifest | None = read_manifest(store / state.version)
    except PykutenError:  # damaged, whether or not anybody tried to load it
        manifest = None
    return {
        "version": state.version,
        "state": state.state,
        "code": state.refusal,
        "reason": state.refusal and state.refusal.reason,
        "created": None if manifest is None else manifest.created.isoformat(),
        "name": None if manifest is None else manifest.name,
        "networks": None if manifest is None else _networks(manifest),
    }


def _show(registry: Registry, version: str) -> VersionBody:
    """Raises VersionUnknown, also when the version is removed meanwhile, or VersionRefused."""
    folder = registry.store.folder(version)
    try:
        for state in registry.states():
            if state.version == version:
                return _version(folder, state)
    except VersionRefused:
        if folder.exists():
            raise
    raise VersionUnknown(pointer="/version")


def _version(folder: Path, state: VersionState) -> VersionBody:
    """Raises VersionRefused when its manifest cannot be read."""
    manifest = read_manifest(folder)
    return {
        "version": manifest.version,
        "state": state.state,
        "code": state.refusal,
        "reason": state.refusal and state.refusal.reason,
        "created": manifest.created.isoformat(),
        "name": manifest.name,
        "classes": _codes(folder, manifest),
        "networks": _networks(manifest),
        "metrics": _json(folder, manifest, METRICS),
        "calibration": _json(folder, manifest, CALIBRATION),
        "provenance": {
            "run": manifest.run,
            "data": manifest.data,
            "libraries": manifest.libraries,
            "digest": manifest.digest,
        },
    }


def _networks(manifest: Manifest) -> dict[str, dict[str, Any]]:
    return {modality.value: entry.model_dump() for modality, entry in manifest.networks.items()}


def _codes(folder: Path, manifest: Manifest) -> list[str]:
    try:
        return list(Taxonomy.of_json(read_listed(folder, manifest, TAXONOMY)).codes)
    except VersionRefused:
        return []


def _json(folder: Path, manifest: Manifest, name: str) -> dict[str, Any] | None:
    """A JSON object in a file of a version that may not have been verified; None when it is damaged or no object."""
    try:
        document = from_json(read_listed(folder, manifest, name), allow_inf_nan=False)
    except (VersionRefused, ValueError):
        return None
    return document if isinstance(document, dict) else None
