"""The Host header: one, and valid (RFC 9112, section 3.2; RFC 3986, section 3.2)."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from service.http.host import has_valid_host
from tests.service.http.test_bad_input import problem_of

VALID = (
    "shop.example", "shop.example:8443", "SHOP.example.", "localhost:", "127.0.0.1:8000", "[::1]", "[::ffff:1.2.3.4]:8",
    "[v1.a:b]", "pykuten_service", "xn--bcher-kva.example", "%C3%A9.example", "a-b~c!$&'()*+,;=", "x:0", "x" * 255,
)  # fmt: skip
INVALID = (
    "", "a b", "a\tb", "shop.example/", "user@shop.example", "http://shop.example", "a\\b", "a?b", "a#b", "a\"b", "<a>",
    "x:65536", "x:99999999", "x:8a", "x:-1", "x: 80", "x:80:81", ":80", "[::1", "::1", "[::1]80", "[1::2::3]", "[]",
    "[g]", "[fe80::1%25eth0]", "[::1.2.3]", "%", "%4", "%zz", "\xe9", "a, b", "x" * 256, "a|b", "a^b", "a{b}",
)  # fmt: skip


def scope(*hosts: str, version: str = "1.1") -> dict[str, object]:
    headers = [(b"accept", b"*/*"), *((b"host", host.encode("latin-1")) for host in hosts)]
    return {"headers": headers, "http_version": version}


@pytest.mark.parametrize("host", VALID)
def test_valid(host: str) -> None:
    assert has_valid_host(scope(host))
    assert not has_valid_host(scope(host, host))


@pytest.mark.parametrize("host", INVALID)
def test_invalid(host: str) -> None:
    assert not has_valid_host(scope(host))
    assert not has_valid_host(scope(host, version="1.0"))


def test_only_http_1_0_may_be_without() -> None:
    assert has_valid_host(scope(version="1.0"))
    assert not has_valid_host(scope())


@pytest.mark.parametrize("path", ["/health/live", "/predict/text", "/nowhere"])
def test_the_problem(shared_client: TestClient, path: str) -> None:
    response = shared_client.post(path, json={"designation": "a"}, headers={"Host": "a/b"})
    body = problem_of(response)
    assert (body["status"], body["code"], body["errors"][0]["pointer"]) == (400, "invalid_request", "/Host")
    assert response.headers["connection"] == "close"
