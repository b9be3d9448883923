"""Errors leave nothing behind: an answer that is an error must not keep photos, bodies or frames alive."""

from __future__ import annotations

import base64
import gc
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image

from models.errors import ImageCorrupt, PykutenError
from models.versions.store import Store
from tests.service.live_server import JSON, head, read_answer, server

pytestmark = [pytest.mark.e2e, pytest.mark.alone]


@contextmanager
def collector_off() -> Iterator[None]:
    """Objects that are freed inside are freed by their last user and not by the collector."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def alive() -> int:
    return sum(isinstance(thing, PykutenError) for thing in gc.get_objects())


def damaged() -> bytes:
    """A PNG whose last rows are damaged: its pixels are in memory when the decoder finds out."""
    stream = io.BytesIO()
    Image.effect_noise((400, 400), 90).save(stream, "PNG")
    content = bytearray(stream.getvalue())
    content[-3000] ^= 0xFF
    return bytes(content)


REQUESTS = {
    "a photo": ("/predict/image", "Content-Type: image/png", damaged()),
    "a photo in JSON": ("/predict", JSON, json.dumps({"image": base64.b64encode(damaged()).decode()}).encode()),
    "a batch": (
        "/predict/batch",
        JSON,
        json.dumps({"listings": [{"image": base64.b64encode(damaged()).decode()}, {}]}).encode(),
    ),
    "a stream": (
        "/predict/batch",
        "Content-Type: application/x-ndjson",
        json.dumps({"image": base64.b64encode(damaged()).decode()}).encode() + b"\n{\n",
    ),
    "broken JSON": ("/predict", JSON, b'{"designation": "' + b"a" * 100_000),
    "a wrong option": ("/predict/text?top_k=99", JSON, b'{"designation": "a"}'),
    "an unknown path": ("/nowhere", JSON, b"{}"),
    "a wrong header": ("/predict/text", JSON + "\r\nX-Deadline-Ms: soon", b'{"designation": "a"}'),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_errors_are_gone_with_their_answer(store: Store, name: str) -> None:
    """An error whose frames hold it is a cycle, which keeps photos in memory until the collector comes."""
    path, content_type, body = REQUESTS[name]
    message = head(path, content_type, f"Content-Length: {len(body)}", "Connection: close") + body
    with server(store) as running, collector_off():
        before = alive()
        for _ in range(3):
            with running.connect() as connection:
                connection.sendall(message)
                received = b""
                while chunk := connection.recv(65536):
                    received += chunk
            assert received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200")), received[:200]
            if received.startswith(b"HTTP/1.1 200"):
                assert b'"error"' in received
        with running.connect() as connection:  # the last request's frames have ended by then
            connection.sendall(head("/health/live", method="GET"))
            assert read_answer(connection)[0] == 200
        assert alive() - before == 0


def test_a_bare_error_keeps_its_words_and_nothing_else() -> None:
    try:
        try:
            raise ValueError("inner")
        except ValueError as inner:
            raise ImageCorrupt(pointer="/image") from inner
    except ImageCorrupt as error:
        bare = error.bare()
    assert (bare.__traceback__, bare.__cause__, bare.__context__) == (None, None, None)
    assert (bare.code, bare.pointer) == ("image_corrupt", "/image")
