"""Hypothesis: whatever the bytes, the readers raise an error of theirs or return a value, and the app sends no 5xx."""

from __future__ import annotations

import json
import time
from contextlib import suppress

from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.errors import Fault, InvalidRequest, ServiceError
from service.http.forms import FormFields, FormLimits, parse_form, parse_urlencoded
from service.http.json import parse_json
from service.http.problems import MAX_BYTES, MAX_POINTER_CHARACTERS, pointer, problem
from service.http.requests import Options, PhotoListing, check, language
from tests.hostile.corpus import MAKERS, request_of
from tests.hostile.judge import fault_of_hostile
from tests.hostile.texts import text
from tests.service.http.test_bad_input import problem_of
from tests.soak.wire import Answer

LIMITS = FormLimits(fields=16, files=2, text_bytes=1000)
FIELDS = FormFields(frozenset({"designation"}))
FRAGMENTS = st.sampled_from([
    b"--B", b"--B--", b"\r\n", b"\n", b"Content-Disposition: form-data", b'; name="image"', b'; name="designation"',
    b"; name*=utf-8''%ff", b'; filename="x"', b'; filename="', b"Content-Type: text/plain", b": ", b"\x00\xff", b"--",
    b"a" * 300,
])  # fmt: skip
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
            parse_form(body, content_type, LIMITS, FIELDS)
    with suppress(ServiceError):
        parse_urlencoded(body, LIMITS, FIELDS)


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
    written = pointer(parts)
    assert written.isascii()
    assert written.isprintable()
    assert len(written) <= MAX_POINTER_CHARACTERS


@given(
    st.lists(st.builds(Fault, ANY_TEXT.map(lambda text: pointer([text])), st.just("m" * 80)), min_size=1, max_size=30)
)
def test_problems_are_short(faults: list[Fault]) -> None:
    body = problem(InvalidRequest(faults), "r" * 64, below="/listings/99")
    assert len(json.dumps(body)) <= MAX_BYTES
    assert body["errors"]


IN_PROCESS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(IN_PROCESS, max_examples=200)
@given(st.sampled_from(sorted(MAKERS.keys() - {"elsewhere"})), st.integers(0, 2**32))
def test_mutated_requests(shared_client: TestClient, group: str, seed: int) -> None:
    """The corpus: forms, JSON, lines, texts and photos that are right but for their content, then cut and bent."""
    hostile = request_of(group, seed)
    headers = [(name, value.encode("latin-1")) for name, value in hostile.headers]
    start = time.monotonic()
    response = shared_client.request(hostile.method, hostile.target, content=hostile.body, headers=headers)  # type: ignore[arg-type]
    answer = Answer(response.status_code, dict(response.headers), response.content, time.monotonic() - start)
    assert fault_of_hostile(hostile, answer, longest=60) is None


@IN_PROCESS
@given(st.text(max_size=300) | st.builds(text, st.randoms(use_true_random=False)))
def test_texts(shared_client: TestClient, content: str) -> None:
    response = shared_client.post("/predict/text", json={"designation": content, "description": content})
    if response.status_code == 200:
        assert response.json()["modalities"] == ["text"]
    else:
        assert problem_of(response)["code"] in ("text_empty", "text_too_long", "invalid_request")


@IN_PROCESS
@given(
    st.sampled_from(["/predict", "/predict/text", "/predict/image", "/predict/batch"]),
    st.sampled_from(["application/json", "multipart/form-data; boundary=B", "image/jpeg", "text/plain"]),
    ANY_JSON.map(lambda value: json.dumps(value).encode())
    | st.lists(FRAGMENTS, max_size=20).map(b"".join)
    | st.binary(max_size=300),
)
def test_any_body(shared_client: TestClient, path: str, content_type: str, body: bytes) -> None:
    response = shared_client.post(path, content=body, headers={"Content-Type": content_type})
    assert response.status_code < 500
    if response.status_code >= 400:
        problem_of(response)
    if response.status_code != 200 and path == "/predict/image" and content_type == "image/jpeg":
        assert response.json()["code"].startswith("image_")
