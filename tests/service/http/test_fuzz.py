"""Whatever the bytes: the readers answer with an error of theirs or a value, and the app never with a 5xx."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.versions.store import Store
from service.app import create_app
from service.errors import Fault, ServiceError
from service.http.bodies import parse_json
from service.http.forms import FormLimits, parse_form
from service.http.problems import MAX_BYTES, MAX_POINTER_CHARACTERS, pointer, problem
from service.http.requests import Options, PhotoListing, check, language
from service.registry.registry import Registry
from service.settings import Settings
from tests.hostile.forms import form
from tests.hostile.images import image
from tests.hostile.json import json_body
from tests.hostile.texts import text
from tests.service.fake_predictor import load_fake, seal_version
from tests.service.http.test_bad_input import problem_of

LIMITS = FormLimits(fields=16, files=2, text_bytes=1000)
FRAGMENTS = st.sampled_from(
    [
        b"--B",
        b"--B--",
        b"\r\n",
        b"\n",
        b"Content-Disposition: form-data",
        b'; name="image"',
        b'; name="designation"',
        b"; name*=utf-8''%ff",
        b'; filename="x"',
        b'; filename="',
        b"Content-Type: text/plain",
        b": ",
        b"\x00\xff",
        b"--",
        b"a" * 300,
    ]
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=50)  # lone surrogates included
LATIN = st.text(st.characters(max_codepoint=255), max_size=80)  # what a header can hold
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "designation", "description", "image", "listings"]) | ANY_TEXT, inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.lists(FRAGMENTS | st.binary(max_size=20), max_size=30).map(b"".join), LATIN)
def test_forms(body: bytes, boundary: str) -> None:
    for content_type in ("multipart/form-data; boundary=B", "multipart/form-data; boundary=" + boundary):
        with suppress(ServiceError):
            parse_form(body, content_type, LIMITS)


@given(st.binary(max_size=200))
def test_json_bytes(body: bytes) -> None:
    with suppress(ServiceError):
        check(PhotoListing, parse_json(body))


@given(ANY_JSON)
def test_json_values_that_pass_can_be_encoded(value: object) -> None:
    with suppress(ServiceError):
        listing = check(PhotoListing, parse_json(json.dumps(value).encode())).listing()
        f"{listing.id}{listing.designation}{listing.description}".encode()


@given(st.binary(max_size=100), ANY_TEXT)
def test_options_and_language(query: bytes, header: str) -> None:
    assert language(None, header) in ("fr", "en", "de")
    with suppress(ServiceError):
        Options.read(query)


@given(st.lists(ANY_TEXT | st.integers(), max_size=5))
def test_pointers_are_short_printable_ascii(parts: list[str | int]) -> None:
    found = pointer(parts)
    assert found.isascii()
    assert found.isprintable()
    assert len(found) <= MAX_POINTER_CHARACTERS


@given(
    st.lists(st.builds(Fault, ANY_TEXT.map(lambda text: pointer([text])), st.just("m" * 80)), min_size=1, max_size=30)
)
def test_problems_are_short(faults: list[Fault]) -> None:
    from service.errors import InvalidRequest

    body = problem(InvalidRequest(faults), "r" * 64, below="/listings/99")
    assert len(json.dumps(body)) <= MAX_BYTES
    assert body["errors"]


@pytest.fixture(scope="module")
def shared_client() -> Iterator[TestClient]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        store.promote(seal_version(store, 25))
        app = create_app(Settings(store=store.root), registry=Registry(store, load_fake))
        with TestClient(app) as client:
            yield client


PATHS = st.sampled_from(["/predict", "/predict/text", "/predict/image", "/predict/batch"])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["/predict", "/predict/image", "/predict/batch"]), st.randoms(use_true_random=False))
def test_mutated_forms(shared_client: TestClient, path: str, chance: random.Random) -> None:
    """Forms that are right but for their content, and then cut, filled with stray boundaries and headers, and bent."""
    content_type, body = form(chance, path)
    _allowed(shared_client.post(path, content=body, headers={"Content-Type": content_type.encode("latin-1")}))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PATHS, st.randoms(use_true_random=False))
def test_hostile_json(shared_client: TestClient, path: str, chance: random.Random) -> None:
    body = json_body(chance, path)
    _allowed(shared_client.post(path, content=body, headers={"Content-Type": "application/json"}))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300) | st.builds(text, st.randoms(use_true_random=False)))
def test_texts(shared_client: TestClient, found: str) -> None:
    response = shared_client.post("/predict/text", json={"designation": found, "description": found})
    _allowed(response)
    if response.status_code == 200:
        assert response.json()["modalities"] == ["text"]
    else:
        assert response.json()["code"] in ("text_empty", "text_too_long", "invalid_request")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.builds(image, st.randoms(use_true_random=False)) | st.binary(max_size=300))
def test_images(shared_client: TestClient, content: bytes) -> None:
    response = shared_client.post("/predict/image", content=content, headers={"Content-Type": "image/jpeg"})
    _allowed(response)
    if response.status_code != 200:
        assert response.json()["code"].startswith("image_")


def _allowed(response: Response) -> None:
    """Never a 5xx; and what is refused is refused with a problem."""
    assert response.status_code < 500
    if response.status_code >= 400:
        problem_of(response)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["/predict", "/predict/text", "/predict/image", "/predict/batch"]),
    st.sampled_from(["application/json", "multipart/form-data; boundary=B", "image/jpeg", "text/plain"]),
    ANY_JSON.map(lambda value: json.dumps(value).encode())
    | st.lists(FRAGMENTS, max_size=20).map(b"".join)
    | st.binary(max_size=100),
)
def test_the_app(shared_client: TestClient, path: str, content_type: str, body: bytes) -> None:
    response = shared_client.post(path, content=body, headers={"Content-Type": content_type})
    assert response.status_code < 500
    if response.status_code >= 400:
        problem_of(response)
