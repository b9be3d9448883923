"""The tag of an answer's content, by which a caller tells that it has it already."""

from __future__ import annotations

import hashlib


def etag_of(body: bytes) -> str:
    """The `ETag` of a body: the first 64 bits of its SHA-256, in quotes."""
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def is_held(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names the tag. Weak tags compare as strong ones do (RFC 9110, section 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags
