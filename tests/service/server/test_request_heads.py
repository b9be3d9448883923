"""Requests as a real server takes them from a socket: what is HTTP, the host, the target, and the chunks of a body."""

from __future__ import annotations

import json
import threading
from contextlib import suppress

import pytest

from models.versions.store import Store
from tests.service.live_server import JSON, head, read_all, read_answer, server

pytestmark = [pytest.mark.e2e, pytest.mark.alone]


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /\xff\xfe HTTP/1.1",
        b"nonsense",
        b"GET  HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
def test_what_is_not_http_gets_400_and_is_closed(store: Store, request_line: bytes) -> None:
    with server(store, head_seconds=1) as running:
        with running.connect() as connection:
            connection.sendall(request_line + b"\r\nHost: x\r\n\r\n")
            received = read_all(connection)
            assert received == b"" or received.startswith(b"HTTP/1.1 400 "), received
        with running.connect() as connection:
            connection.sendall(head("/health/live", method="GET"))
            assert read_answer(connection)[0] == 200


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize("chunk", [b"1\r\n \r\n", b"1\r\n\n\r\n", b"64\r\n" + b" " * 100 + b"\r\n"])
@pytest.mark.parametrize("path", ["/predict/text", "/predict/batch"])
def test_a_body_in_tiny_chunks_is_refused(store: Store, path: str, chunk: bytes) -> None:
    """Each takes as long as a kilobyte: millions of them would take minutes of the event loop."""
    with server(store) as running, running.connect() as connection:
        kind = JSON if path == "/predict/text" else "Content-Type: application/x-ndjson"
        connection.sendall(head(path, kind, CHUNKED))
        with suppress(OSError):
            connection.sendall(chunk * 20_000)
        assert read_answer(connection)[0] == 400
        with running.connect() as good:
            good.sendall(head("/health/live", method="GET"))
            assert read_answer(good)[0] == 200


def test_chunks_of_some_size_and_lines_of_a_stream_are_taken(store: Store) -> None:
    line = b'{"designation":"Piscine"}\n'
    with server(store, streams=1) as running, running.connect() as connection:
        connection.sendall(head("/predict/text", JSON, CHUNKED))
        connection.sendall((b"200\r\n" + b" " * 512 + b"\r\n") * 4000 + b"%x\r\n%s\r\n0\r\n\r\n" % (len(line), line))
        assert read_answer(connection)[0] == 200
        connection.sendall(head("/predict/batch", "Content-Type: application/x-ndjson", CHUNKED, "Connection: close"))
        sending = threading.Thread(
            target=connection.sendall, args=((b"%x\r\n%s\r\n" % (len(line), line)) * 6000 + b"0\r\n\r\n",)
        )
        sending.start()
        received = read_all(connection)
        sending.join()
    assert received.count(b'"status":200') == 6000


@pytest.mark.parametrize(
    "host", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a/b\r\n", b"Host: x:65536\r\n", b"Host : a\r\n"]
)
def test_a_request_without_one_valid_host_gets_a_problem_and_is_closed(store: Store, host: bytes) -> None:
    with server(store) as running, running.connect() as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\n" + host + b"\r\n")
        status, headers, body = read_answer(connection)
        problem = json.loads(body)
        assert (status, problem["status"], problem["code"]) == (400, 400, "invalid_request")
        assert headers["content-type"] == "application/problem+json"
        assert headers["x-request-id"] == problem["request_id"]
        assert read_all(connection) == b""


def test_white_space_behind_a_header_is_no_part_of_it(store: Store) -> None:
    with server(store) as running, running.connect() as connection:
        body = b'{"designation": "a"}'
        spaced = ("X-Deadline-Ms: 5000 ", "X-Request-ID: mine \t", f"Content-Length: {len(body)} ")
        connection.sendall(head("/predict/text", JSON + " ", *spaced) + body)
        status, headers, _ = read_answer(connection)
        assert (status, headers["x-request-id"]) == (200, "mine")


@pytest.mark.parametrize(
    ("request_line", "hosts", "status"),
    [
        ("GET /health/live HTTP/1.1", ["x"], 200),
        ("GET /health/live HTTP/1.1", ["[::1]:8000"], 200),
        ("GET /health/live HTTP/1.1", [""], 200),  # of an address without a host
        ("GET /health/live HTTP/1.0", [], 200),
        ("GET /health/live HTTP/1.1", [], 400),
        ("GET /health/live HTTP/1.1", ["x", "x"], 400),
        ("GET /health/live HTTP/1.1", ["a b"], 400),
        ("GET /health/live HTTP/1.1", ["a/b"], 400),
        ("GET /health/live HTTP/1.1", ["a:port"], 400),
        ("POST /predict/text HTTP/1.1", ["a/b"], 400),
        ("GET http://x:80/health/live?a=b HTTP/1.1", ["x"], 200),
        ("GET HTTPS://other HTTP/1.1", ["x"], 200),
        ("GET http://x/nowhere HTTP/1.1", ["x"], 404),
    ],
)
def test_the_host_and_the_form_of_the_target(store: Store, request_line: str, hosts: list[str], status: int) -> None:
    """RFC 9112, section 3.2: one valid Host, and the absolute form that is meant for proxies."""
    with server(store) as running, running.connect() as connection:
        fields = [*(f"Host: {host}" for host in hosts), "Connection: close", "Content-Length: 0", "", ""]
        connection.sendall("\r\n".join([request_line, *fields]).encode())
        assert read_all(connection).startswith(b"HTTP/1.1 %d " % status)
