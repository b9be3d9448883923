"""The OpenAPI document: bodies that the service reads itself, options, and every problem with an example."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema
from pydantic_core import to_json

from service.dispatch.job import DEADLINE_HEADER
from service.http.bodies import NDJSON, URLENCODED
from service.http.problems import MEDIA_TYPE, TITLES, Problem, problem
from service.http.requests import Batch, Choices, FormListing, Options, PhotoListing, TextListing
from service.http.responses import FailedItem, PredictedItem
from service.routes.examples import ERRORS, LISTING, LISTINGS, OPTIONS, TEXT_LISTINGS

REFERENCE = "#/components/schemas/{model}"
REQUEST_ID = "5f0c1a7e9b3d2c48"
"""Of the examples."""

SERVING_PROBLEMS = ("version_unknown", "overloaded", "draining", "model_unavailable", "deadline_exceeded")
_BODY_PROBLEMS = ("slow_client", "body_too_large", "unsupported_media_type", "invalid_request")
_TEXT_PROBLEMS = ("malformed_json", "text_too_long", "text_empty")
_FORM_PROBLEMS = ("malformed_multipart", "too_many_parts", "part_too_large")
_IMAGE_PROBLEMS = ("image_unsupported", "image_empty", "image_blank", "image_too_large", "image_corrupt")
_PHOTO_PROBLEMS = (*_FORM_PROBLEMS, *_IMAGE_PROBLEMS)
TEXT_PROBLEMS = (*SERVING_PROBLEMS, *_BODY_PROBLEMS, *_TEXT_PROBLEMS)
PHOTO_PROBLEMS = (*SERVING_PROBLEMS, *_BODY_PROBLEMS, *_PHOTO_PROBLEMS)
LISTING_PROBLEMS = (*SERVING_PROBLEMS, *_BODY_PROBLEMS, *_TEXT_PROBLEMS, *_PHOTO_PROBLEMS)
BATCH_PROBLEMS = (*SERVING_PROBLEMS, *_BODY_PROBLEMS, "malformed_json", *_FORM_PROBLEMS, "batch_too_large")

UNSENT = {"client_gone"}
"""Codes that are only logged."""

_FILE = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
_PHOTO = _FILE | {
    "description": "JPEG, PNG, WebP or GIF, at most 10 MiB unless the operator set another number. A part whose "
    "`Content-Type` is that of an image needs no file name. Up to four parts of this name are several photos."
}


def _fields(*names: str) -> dict[str, Any]:
    """Text fields of a form, as in JSON. Swagger UI fills forms in with the fields' own examples."""
    fields = TextListing.model_json_schema()["properties"]
    return {
        name: {"type": "string", "description": fields[name]["description"], "example": LISTING[name]} for name in names
    }


PHOTO_FORM = {
    "type": "object",
    "properties": {"image": _PHOTO, **_fields("id")},
    "required": ["image"],
    "additionalProperties": False,
}
LISTING_FORM = {
    "type": "object",
    "properties": {**_fields("designation", "description"), "image": _PHOTO, **_fields("id")},
    "additionalProperties": False,
}
TEXT_FORM = {
    "type": "object",
    "properties": _fields("designation", "description", "id"),
    "additionalProperties": False,
}
_TAGS = [
    {"name": "predictions", "description": "The category of a listing, and whether a person has to look."},
    {"name": "catalogue", "description": "The categories, and the versions of the model with their figures."},
    {"name": "health", "description": "For supervisors and balancers; never needs an API key."},
]
DESCRIPTION = f"""\
Files marketplace listings under the right category, from text, photo or both.

`decision` says whether a listing may be filed without a human, at the `precision` that you ask for: `accept`, or
`review` with the reason. Every answer carries `X-Request-ID`, yours if you sent one. Press **Try it out**, then
**Execute**: the examples work as they are.

With the header `{DEADLINE_HEADER}` a prediction is of no use to you after so many milliseconds: it is not begun then,
and answered with 504 `deadline_exceeded`. The server's own limit still holds.

"""
_ERRORS_TEXT = """\
Errors are [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problems (`application/problem+json`) everywhere. Decide
by their `code`; `errors` says where, as a JSON pointer into the body or the name of an option. Answers 503 and 429
carry `Retry-After`, in seconds.

"""


def tags() -> list[dict[str, str]]:
    """The groups of operations, and at the end one without any: every error with its code."""
    errors = sorted(ERRORS.values(), key=lambda error: (error.status, error.code))
    sent = TITLES.keys() - UNSENT
    rows = [f"| `{error.code}` | {error.status} | {error.message} |" for error in errors if error.code in sent]
    table = "\n".join(["| code | status | what it says |", "|---|---|---|", *rows])
    example = json.dumps(problem(ERRORS["invalid_request"], REQUEST_ID), indent=1)
    text = f"{_ERRORS_TEXT}{table}\n\n```json\n{example}\n```"
    return [*_TAGS, {"name": "errors", "description": text}]


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: one entry for each status, with the codes it can carry as examples."""
    responses: dict[int | str, dict[str, Any]] = {}
    for name in codes:
        error = ERRORS[name]
        code = error.code
        entry = responses.setdefault(error.status, {"description": "", "content": {MEDIA_TYPE: {"examples": {}}}})
        content = entry["content"][MEDIA_TYPE]
        content["schema"] = {"$ref": REFERENCE.format(model=Problem.__name__)}
        content["examples"][code] = {"summary": error.message, "value": problem(error, REQUEST_ID)}
        entry["description"] = ", ".join(f"`{code}`" for code in content["examples"])
        if error.status in (429, 503):
            entry["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return responses


def json_body(model: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    """`content` of a JSON request body of that schema."""
    return {"application/json": {"schema": {"$ref": REFERENCE.format(model=model)}, "examples": dict(examples)}}


def form_body(schema: Mapping[str, Any], examples: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`content` of a multipart request body."""
    extra = {"examples": dict(examples)} if examples else {}
    return {"multipart/form-data": {"schema": dict(schema), **extra}}


def urlencoded_body() -> dict[str, Any]:
    """`content` of the body that a form without a file is sent as."""
    return {URLENCODED: {"schema": TEXT_FORM, "examples": dict(TEXT_LISTINGS)}}


def batch_form_body(examples: Mapping[str, Any]) -> dict[str, Any]:
    """`content` of a form with the listings in a JSON part and each photo in a part of its own."""
    listings = {
        "type": "array",
        "minItems": 1,
        "items": {"$ref": REFERENCE.format(model=FormListing.__name__)},
        "description": "`image` of a listing names the part with its photo, `images` those of several. "
        '`{"listings": [...]}` is taken, too.',
        "example": list(LISTINGS),
    }
    front = _PHOTO | {"description": "The photo of those listings whose `image` is `front`. Parts may have any name."}
    schema = {
        "type": "object",
        "properties": {"listings": listings, "front": front},
        "required": ["listings"],
        "additionalProperties": _FILE,
    }
    encoding = {"listings": {"contentType": "application/json"}}
    return {"multipart/form-data": {"schema": schema, "encoding": encoding, "examples": dict(examples)}}


def stream_body(examples: Mapping[str, Any]) -> dict[str, Any]:
    """`content` of a request body with a listing a line."""
    text = f"One `{PhotoListing.__name__}` a line, in UTF-8. Blank lines are skipped."
    first = next(iter(examples.values()))["value"]
    schema = {"type": "string", "description": text, "example": first}
    return {NDJSON: {"schema": schema, "examples": dict(examples)}}


def stream_response(example: str) -> dict[str, Any]:
    """`content` of an answer with a result a line."""
    text = f"One `{PredictedItem.__name__}` or `{FailedItem.__name__}` a line, in the order of the listings."
    return {NDJSON: {"schema": {"type": "string", "description": text}, "example": example}}


def photo_body() -> dict[str, Any]:
    """`content` of a request body that is a photo and nothing else."""
    return {
        f"image/{name}": {"schema": {"type": "string", "format": "binary"}} for name in ("jpeg", "png", "webp", "gif")
    }


def described(content: Mapping[str, Any], options: type[Choices] = Options) -> dict[str, Any]:
    """`openapi_extra` of a prediction route: its body and the options."""
    return {"requestBody": {"required": True, "content": dict(content)}, **parameters(options)}


def parameters(options: type[Choices]) -> dict[str, Any]:
    """`openapi_extra` of a route without a body that predicts: the options.

    The deadline header stands in the document's text and not among the parameters: a value of 1 is valid and is
    answered with 504, which a tool that makes requests from the document would take for a fault of the service.
    """
    return {"parameters": _option_parameters(options)}


def install(app: FastAPI, *, current_version: Callable[[], str | None], with_keys: bool = False) -> None:
    """Add to the app's document the schemas that its routes refer to by name, the current version as an example and,
    where the app needs them, API keys. `app.state.written_document()` is the document as
    JSON, written once for each version.
    """
    original = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            contents = original()
            schemas = contents.setdefault("components", {}).setdefault("schemas", {})
            _remove_framework_errors(contents["paths"], schemas)
            _add_internal_error(contents["paths"])
            requests = [(model, "validation") for model in (TextListing, PhotoListing, FormListing, Batch)]
            schemas.update(models_json_schema(requests, ref_template=REFERENCE)[1]["$defs"])  # type: ignore[arg-type]
            problem_schema = TypeAdapter(Problem).json_schema(ref_template=REFERENCE)
            schemas.update(problem_schema.pop("$defs", {}))
            schemas[Problem.__name__] = problem_schema
            if with_keys:
                _add_keys(contents)
            app.openapi_schema = contents
        _name_version(app.openapi_schema["paths"], current_version())
        return app.openapi_schema

    @lru_cache(maxsize=1)
    def written(version: str | None) -> bytes:
        return to_json(document())

    app.openapi = document  # type: ignore[method-assign]
    app.state.written_document = lambda: written(current_version())


def _name_version(paths: Mapping[str, Any], version: str | None) -> None:
    for parameter in paths["/models/{version}"]["get"]["parameters"]:
        if parameter["name"] == "version":
            example = {"serving": {"summary": "The one that serves", "value": version}}
            parameter["examples"] = {} if version is None else example


def _add_keys(document: dict[str, Any]) -> None:
    """The responses of the API-key middleware; health needs no key."""
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same, for what sets it."},
    }
    answers = {str(status): answer for status, answer in problems("unauthorized", "forbidden", "rate_limited").items()}
    for path, operations in document["paths"].items():
        if not path.startswith("/health/"):
            for operation in operations.values():
                operation["security"] = [{"bearer": []}, {"header": []}]
                operation["responses"] |= answers


def _add_internal_error(paths: Mapping[str, Any]) -> None:
    answers = {str(status): answer for status, answer in problems("internal").items()}
    for operations in paths.values():
        for operation in operations.values():
            operation["responses"] |= answers


def _remove_framework_errors(paths: Mapping[str, Any], schemas: dict[str, Any]) -> None:
    """The framework documents a 422 of its own for every route with a parameter; the service never sends it."""
    for path in paths.values():
        for operation in path.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)


def _option_parameters(options: type[Choices]) -> list[dict[str, Any]]:
    parameters = []
    schemas = options.model_json_schema()["properties"]
    for name in sorted(schemas, key=lambda name: name in Choices.model_fields):  # the path's own options first
        schema = schemas[name]
        choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
        text = schema.pop("description")
        schema = {key: value for key, value in schema.items() if key != "title" and value is not None}
        schema |= choices[0] if choices else {}
        parameter = {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
        parameters.append(parameter | ({"examples": OPTIONS[name]} if name in OPTIONS else {}))
    return parameters
