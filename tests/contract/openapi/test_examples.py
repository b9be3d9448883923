"""Every example of `/openapi.json` is sent to a real service with the shipped version, and does what it promises."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
PHOTO = (ROOT / "examples" / "pool.jpg").read_bytes()
NDJSON = "application/x-ndjson"
MULTIPART = "multipart/form-data"
TEXT = {"designation": "Matelas de piscine gonflable"}


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def examples(one: Mapping[str, Any]) -> list[Any]:
    """The values of the examples of a parameter or a body; of its schema, where it has none of its own."""
    found = [example["value"] for example in one.get("examples", {}).values()]
    return found or one.get("schema", {}).get("examples", [])


def url(path: str, operation: Mapping[str, Any]) -> str:
    """The path with the first example in each of its places."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            values = examples(parameter)
            assert values, f"{path}: {parameter['name']} has no example to try"
            path = path.replace(f"{{{parameter['name']}}}", quote(str(values[0]), safe=""))
    return path


def options(operation: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Queries and headers: none, each example alone, and the first of each together, as Swagger UI sends them."""
    found: list[tuple[dict[str, Any], dict[str, str]]] = [({}, {})]
    together: tuple[dict[str, Any], dict[str, str]] = ({}, {})
    for parameter in operation.get("parameters", []):
        place = {"query": 0, "header": 1}.get(parameter["in"])
        if place is None:
            continue
        for number, value in enumerate(examples(parameter)):
            alone: tuple[dict[str, Any], dict[str, str]] = ({}, {})
            alone[place][parameter["name"]] = str(value)
            found.append(alone)
            if number == 0:
                together[place][parameter["name"]] = str(value)
    return [*found, together]


def photo(kind: str) -> bytes:
    """The photo as a file of that kind, `jpeg` or another."""
    stream = io.BytesIO()
    Image.open(io.BytesIO(PHOTO)).save(stream, kind.upper())
    return stream.getvalue()


def form(content: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """A form's parts: texts and JSON as they are, photos from their base64."""
    encoding = content.get("encoding", {})
    fields = content["schema"]["properties"]
    parts: dict[str, Any] = {}
    for name, one in value.items():
        if encoding.get(name, {}).get("contentType") == "application/json":
            parts[name] = (None, json.dumps(one), "application/json")
        elif fields.get(name, {"format": "binary"}).get("format") == "binary":
            parts[name] = (f"{name}.jpg", base64.b64decode(one), "image/jpeg")
        else:
            parts[name] = (None, one)
    return parts


def bodies(operation: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A name, and what httpx sends, for each example of each media type; for a bare photo the project's own."""
    for kind, content in operation.get("requestBody", {"content": {}})["content"].items():
        if kind.startswith("image/"):
            yield kind, {"content": photo(kind.removeprefix("image/")), "headers": {"Content-Type": kind}}
            continue
        named = {name: one["value"] for name, one in content.get("examples", {}).items()}
        if kind == MULTIPART:
            named["fields"] = _field_examples(content["schema"]["properties"])
        assert named, f"{kind} has no example"
        for name, value in named.items():
            if kind == MULTIPART:
                yield f"{kind} {name}", {"files": form(content, value)}
            elif kind == NDJSON:
                yield f"{kind} {name}", {"content": value.encode(), "headers": {"Content-Type": kind}}
            else:
                yield f"{kind} {name}", {"json": value}


def _field_examples(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a form is filled in with, and a photo for each file."""
    photo = base64.b64encode(PHOTO).decode()
    return {name: photo if one.get("format") == "binary" else one["example"] for name, one in fields.items()}


def check_items(path: str, response: httpx.Response) -> None:
    """Of many listings, all but those that are there to fail (their title is blank) are predicted."""
    if response.headers["content-type"].startswith(NDJSON):
        items = [json.loads(line) for line in response.text.splitlines()]
    else:
        items = response.json()["results"]
    for item in items:
        assert item["status"] == (422 if item["id"] == "SKU-4" else 200), path


def test_every_path_that_takes_nothing_but_options(client: httpx.Client, document: dict[str, Any]) -> None:
    asked = 0
    for path, method, operation in operations(document):
        if method == "GET":
            for query, headers in options(operation):
                response = client.get(url(path, operation), params=query, headers=headers)
                assert response.status_code == 200, (path, query, response.text)
                asked += 1
    assert asked >= 5


def test_every_body_is_answered(client: httpx.Client, document: dict[str, Any]) -> None:
    sent = []
    for path, method, operation in operations(document):
        for name, body in bodies(operation):
            response = client.request(method, url(path, operation), **body)
            assert response.status_code == 200, (path, name, response.text)
            sent.append((path, name))
            if path == "/predict/batch":
                check_items(path, response)
    assert {path for path, _ in sent} == {path for path, method, _ in operations(document) if method == "POST"}
    assert len(sent) >= 18


def test_every_option_is_taken(client: httpx.Client, document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if method == "POST":
            _, body = next(bodies(operation))
            for query, headers in options(operation):
                sent = {**body, "headers": {**body.get("headers", {}), **headers}}
                response = client.request(method, url(path, operation), params=query, **sent)
                assert response.status_code == 200, (path, query, headers, response.text)


def test_the_text_examples_are_filed_rightly(client: httpx.Client, document: dict[str, Any]) -> None:
    content = document["paths"]["/predict/text"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    expected = {"french": "2583", "german": "2522", "english": "1280"}
    assert content.keys() == expected.keys()
    for name, code in expected.items():
        assert client.post("/predict/text", json=content[name]["value"]).json()["category"]["code"] == code


JPEG = {"Content-Type": "image/jpeg"}
FORM = f"{MULTIPART}; boundary=x"
FAULTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "malformed_json": ("POST", "/predict/text", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    "malformed_multipart": ("POST", "/predict", {"content": b"-", "headers": {"Content-Type": FORM}}),
    "too_many_parts": ("POST", "/predict", {"files": {name: (name, b"a") for name in "abc"}}),
    "version_unknown": ("POST", "/predict/text?version=none", {"json": TEXT}),
    "not_found": ("GET", "/nothing", {}),
    "method_not_allowed": ("GET", "/predict", {}),
    "body_too_large": ("POST", "/predict/text", {"json": {"designation": "a" * 3_000_000}}),
    "part_too_large": ("POST", "/predict", {"files": {"designation": (None, "a" * 300_000)}}),
    "unsupported_media_type": ("POST", "/predict/text", {"content": b"a", "headers": {"Content-Type": "text/plain"}}),
    "invalid_request": ("POST", "/predict/text", {"json": {"designation": 3}}),
    "batch_too_large": ("POST", "/predict/batch", {"json": {"listings": [TEXT] * 101}}),
    "text_empty": ("POST", "/predict/text", {"json": {"designation": "<p></p>"}}),
    "text_too_long": ("POST", "/predict/text", {"json": {**TEXT, "description": "a" * 20_001}}),
    "image_empty": ("POST", "/predict", {"json": {"image": ""}}),
    "image_unsupported": ("POST", "/predict/image", {"content": b"%PDF-1.7", "headers": JPEG}),
    "image_corrupt": ("POST", "/predict/image", {"content": PHOTO[: len(PHOTO) // 2], "headers": JPEG}),
}
"""A request for each error that one request can bring about."""


@pytest.mark.parametrize("code", FAULTS)
def test_errors_look_as_documented(client: httpx.Client, document: dict[str, Any], code: str) -> None:
    method, path, body = FAULTS[code]
    response = client.request(method, path, **body)
    given = response.json()
    assert given["code"] == code
    assert f"| `{code}` | {response.status_code} |" in document["tags"][-1]["description"]
    shown = [
        answer["content"][response.headers["content-type"]]["examples"][code]["value"]
        for _, _, operation in operations(document)
        for status, answer in operation["responses"].items()
        if status == str(response.status_code)
        and code in answer["content"].get(response.headers["content-type"], {}).get("examples", {})
    ]
    for example in shown:
        assert given.keys() == example.keys()
        assert [given[key] for key in ("type", "title", "status", "detail")] == [
            example[key] for key in ("type", "title", "status", "detail")
        ]
    assert shown or code in ("not_found", "method_not_allowed")  # which are no path's own
