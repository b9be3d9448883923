"""Headers that every answer has: what a browser must not do with it, and the id of its request."""

from __future__ import annotations

import random

Header = tuple[bytes, bytes]

SECURITY_HEADERS: list[Header] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),  # frame-ancestors, for older browsers
]
POLICY = b"content-security-policy"
STRICT_POLICY: Header = (POLICY, b"default-src 'none'; frame-ancestors 'none'")
"""For responses without a policy of their own: JSON, should a browser ever show it as a page."""
_RANDOM = random.Random()  # noqa: S311 - ids are no secrets, and the system's generator is slow


def new_request_id() -> str:
    """An id for a request whose caller gave none."""
    return f"{_RANDOM.getrandbits(64):016x}"
