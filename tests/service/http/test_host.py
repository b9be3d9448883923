"""Values of the Host header."""

from __future__ import annotations

import pytest

from service.http.host import is_host

VALID = (
    "", "shop.example", "shop.example:8443", "SHOP.example.", "localhost:", "127.0.0.1:8000", "[::1]",
    "[::ffff:1.2.3.4]:80", "[v1.a:b]", "pykuten_service", "xn--bcher-kva.example", "%C3%A9.example",
    "a-b~c!$&'()*+,;=", "x:0", "x" * 255,
)  # fmt: skip
INVALID = (
    "a b", "a\tb", "shop.example/", "user@shop.example", "http://shop.example", "a\\b", "a?b", "a#b", "a\"b", "<a>",
    "x:65536", "x:99999999", "x:8a", "x:-1", "x: 80", "x:80:81", "[::1", "::1", "[::1]80", "[1::2::3]", "[]",
    "[g]", "[fe80::1%25eth0]", "[::1.2.3]", "%", "%4", "%zz", "\xe9", "a, b", "x" * 256, "a|b", "a^b", "a{b}",
)  # fmt: skip


@pytest.mark.parametrize("host", VALID)
def test_valid(host: str) -> None:
    assert is_host(host.encode())


@pytest.mark.parametrize("host", INVALID)
def test_invalid(host: str) -> None:
    assert not is_host(host.encode("latin-1"))
