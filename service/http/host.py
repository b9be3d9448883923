"""The value of the Host header (RFC 9112, section 3.2; RFC 3986, section 3.2)."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

MAX_PORT = 65_535
_NAME = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2}){0,255}+"
_FUTURE_ADDRESS = rb"\[[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+\]"
_HOST = re.compile(rb"(?:%s|\[([0-9A-Fa-f:.]+)\]|%s)(?::([0-9]{0,5}))?" % (_NAME, _FUTURE_ADDRESS))


@lru_cache(maxsize=256)
def is_host(value: bytes) -> bool:
    """Whether it is a valid value: a name, an IPv4 or an IPv6 address, and perhaps a port, or nothing, which is said of
    an address without a host.
    """
    host = _HOST.fullmatch(value)
    if host is None or int(host[2] or 0) > MAX_PORT:
        return False
    if host[1] is not None:
        try:
            IPv6Address(host[1].decode("ascii"))
        except AddressValueError:
            return False
    return True
