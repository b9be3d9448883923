"""The Host header, which every request in HTTP/1.1 has once (RFC 9112, section 3.2)."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from starlette.types import Scope

MAX_PORT = 65_535
_NAME = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2}){1,255}+"
_FUTURE_ADDRESS = rb"\[[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+\]"
_HOST = re.compile(rb"(?:%s|\[([0-9A-Fa-f:.]+)\]|%s)(?::([0-9]{0,5}))?" % (_NAME, _FUTURE_ADDRESS))
"""RFC 3986, section 3.2.2: a name, an IPv4 or an IPv6 address, and perhaps a port."""


def has_valid_host(scope: Scope) -> bool:
    """Whether the request has one valid Host; before HTTP/1.1 it may have none. An empty one is not valid: what is
    asked for has an address, so its name is to be told.
    """
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not hosts:
        return scope.get("http_version") != "1.1"
    return len(hosts) == 1 and _is_host(hosts[0])


@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    host = _HOST.fullmatch(value)
    if host is None or int(host[2] or 0) > MAX_PORT:
        return False
    if host[1] is not None:
        try:
            IPv6Address(host[1].decode("ascii"))
        except AddressValueError:
            return False
    return True
