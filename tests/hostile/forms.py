"""Hostile multipart forms: right ones with hostile content, and a mutator of their structure."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from tests.hostile.images import image
from tests.hostile.json import listing
from tests.hostile.texts import text

NAMES = (
    b"designation", b"description", b"image", b"id", b"listings", b"", b"a" * 3000, b"\xff", b'a"b', b"image[]",
    b"url",
)  # fmt: skip
FILE_NAMES = (
    b"a.jpg", b"", b"../../x", b"\0", b"a" * 5000, b"a\r\nX: 1", b"\xff\xfe", b'a"; name="designation', b"con.png",
)  # fmt: skip
HEADERS = (
    b"Content-Type: image/jpeg", b"Content-Type: text/html; charset=utf-7", b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: binary", b"Content-Length: 99999999999", b"X: " + b"a" * 9000, b"\xff\xfe: \xff",
    b": ", b"Content-Disposition: form-data; name=image", b"no colon", b"",
)  # fmt: skip
TYPES = (
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=B; boundary=C",
    'multipart/form-data; boundary="B"', "multipart/form-data; boundary=C",
    "multipart/form-data; boundary=" + "B" * 71, "multipart/form-data; boundary=\xe9", "multipart/mixed; boundary=B",
    "MULTIPART/FORM-DATA; BOUNDARY=B", "multipart/form-data; charset=utf-16; boundary=B",
    "multipart/form-data;boundary=B;;;=;",
)  # fmt: skip


def part(head: bytes, content: bytes = b"a") -> bytes:
    """One part, behind its boundary."""
    return b"--B\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


FORM_TYPE = "multipart/form-data; boundary=B"
TITLE = b'Content-Disposition: form-data; name="designation"'
END = b"--B--\r\n"
MALFORMED_FORMS: dict[str, tuple[str, bytes]] = {
    "no boundary": ("multipart/form-data", part(TITLE) + END),
    "empty boundary": ("multipart/form-data; boundary=", part(TITLE) + END),
    "another boundary": ("multipart/form-data; boundary=C", part(TITLE) + END),
    "long boundary": ("multipart/form-data; boundary=" + "B" * 71, part(TITLE) + END),
    "no end": (FORM_TYPE, part(TITLE)),
    "cut in the head": (FORM_TYPE, b"--B\r\nContent-Dispo"),
    "cut in the body": (FORM_TYPE, b"--B\r\n" + TITLE + b"\r\n\r\nabc"),
    "empty": (FORM_TYPE, b""),
    "long header": (FORM_TYPE, part(TITLE + b"\r\nX: " + b"x" * 70_000) + END),
    "many headers": (FORM_TYPE, part(TITLE + b"\r\nX: x" * 1000) + END),
    "no name": (FORM_TYPE, part(b"Content-Disposition: form-data") + END),
    "no disposition": (FORM_TYPE, part(b"Content-Type: text/plain") + END),
    "base64": (FORM_TYPE, part(TITLE + b"\r\nContent-Transfer-Encoding: base64", b"YQ") + END),
    "junk": (FORM_TYPE, b"\x00\xff" * 1000),
}
"""Content types with bodies that are answered with 400 `malformed_multipart`."""


def form(chance: Random, path: str) -> tuple[str, bytes]:
    """A content type and a body for a path."""
    content_type = chance.choice(TYPES) if chance.random() < 0.15 else FORM_TYPE
    return content_type, chance.choice(KINDS)(chance, path)


def _named(name: bytes, content: bytes, file_name: bytes | None = None, *headers: bytes) -> bytes:
    disposition = b'Content-Disposition: form-data; name="' + name + b'"'
    if file_name is not None:
        disposition += b'; filename="' + file_name + b'"'
    return b"\r\n".join((disposition, *headers, b"", content))


def _whole(*parts: bytes) -> bytes:
    return b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + b"--B--\r\n"


def _right(chance: Random, path: str) -> bytes:
    """The right parts with hostile content."""
    if path == "/predict/batch":
        listings = [listing(chance, with_image=False) for _ in range(chance.randrange(1, 5))]
        for number, fields in enumerate(listings):
            if chance.random() < 0.6:
                fields["image"] = chance.choice((f"f{number}", "nowhere", "listings", ""))
        photos = [_named(b"f%d" % number, image(chance), chance.choice(FILE_NAMES)) for number in range(len(listings))]
        return _whole(_named(b"listings", json.dumps(listings).encode()), *photos)
    parts = []
    if path != "/predict/image":
        parts = [
            _named(name, text(chance).encode()) for name in (b"designation", b"description") if chance.random() < 0.6
        ]
    if chance.random() < 0.8:
        parts.append(_named(b"image", image(chance), chance.choice(FILE_NAMES)))
    return _whole(*parts)


def _odd_parts(chance: Random, path: str) -> bytes:
    parts = []
    for _ in range(chance.choice((0, 1, 2, 3, 17, 200))):
        content = chance.choice((b"", b"a", text(chance).encode(), image(chance)[:2000], b"a" * 263_000))
        file_name = chance.choice((None, *FILE_NAMES))
        headers = [chance.choice(HEADERS) for _ in range(chance.choice((0, 0, 1, 3, 40)))]
        parts.append(_named(chance.choice(NAMES), content[: 300_000 // (len(parts) + 1)], file_name, *headers))
    return _whole(*parts)


def _mutated(chance: Random, path: str) -> bytes:
    body = bytearray(_right(chance, path))
    for _ in range(chance.randrange(1, 6)):
        position = chance.randrange(len(body) + 1)
        change = chance.randrange(4)
        if change == 0:
            body[position:position] = chance.choice(
                (b"\r\n--B\r\n", b"\r\n--B--", b"--B", b"\r\n", b"\n", b"\r", b"\0", b"--", b'"', b";")
            )
        elif change == 1:
            del body[position : position + chance.choice((1, 2, 10, 1000))]
        elif change == 2:
            body[position:position] = chance.choice(HEADERS) + b"\r\n"
        else:
            body[position : position + 1] = bytes((chance.randrange(256),))
    return bytes(body)


def _cut(chance: Random, path: str) -> bytes:
    body = _right(chance, path)
    return body[: chance.randrange(len(body))]


def _boundaries(chance: Random, path: str) -> bytes:
    return chance.choice(
        (b"--B\r\n" * 50_000, b"\r\n--B" * 3000, b"--B--" * 1000, b"-" * 100_000, b"\r\n" * 50_000, b"--B\r\n\r\n--B--")
    )


KINDS: tuple[Callable[[Random, str], bytes], ...] = (
    *[_right] * 4, *[_odd_parts] * 2, *[_mutated] * 3, _cut, _boundaries,
)  # fmt: skip
