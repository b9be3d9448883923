"""Hostile JSON: broken, deep, long, of wrong types, not UTF-8, with hostile texts and photos inside."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from random import Random

from tests.hostile.images import image
from tests.hostile.texts import text

KEYS = ("id", "designation", "description", "image", "listings", "", "__proto__", "\0", "~/", "a" * 300, "top_k", "url")
MALFORMED = {
    "empty": b"",
    "broken": b'{"designation": ',
    "trailing": b'{"designation": "a"}}',
    "trailing comma": b'{"designation": "a",}',
    "two values": b'{"designation": "a"} {}',
    "single quotes": b"{'designation': 'a'}",
    "no value": b'{"designation"}',
    "odd escape": b'{"designation": "\\x"}',
    "short escape": b'{"designation": "\\u12"}',
    "deep": b"[" * 100_000,
    "deep objects": b'{"designation":' * 100_000,
    "long number": b'{"designation": ' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"designation": "\xff\xfe"}',
    "UTF-16": '{"designation": "a"}'.encode("utf-16"),
    "UTF-32": '{"designation": "a"}'.encode("utf-32"),
    "BOM": b'\xef\xbb\xbf{"designation": "a"}',
    "raw control character": b'{"designation": "a\x00b"}',
}
"""Bodies that are answered with 400 `malformed_json`."""
INVALID: dict[str, tuple[bytes, str | None]] = {
    "NaN": (b'{"designation": NaN}', "/designation"),
    "Infinity": (b'{"designation": Infinity}', "/designation"),
    "1e999": (b'{"designation": 1e999}', "/designation"),
    "lone surrogate": (b'{"designation": "\\ud800"}', "/designation"),
    "lone surrogate in an id": (b'{"id": "\\udfff", "designation": "a"}', "/id"),
    "lone surrogate in a key": (b'{"\\ud800": "a"}', None),
    "wrong type": (b'{"designation": ["a"]}', "/designation"),
    "number": (b'{"designation": 7}', "/designation"),
    "extra field": (b'{"designation": "a", "titel": "b"}', "/titel"),
    "hostile key": (b'{"designation": "a", "a/b~\\u0000\\u00e9<": 1}', "/a~1b~0\\x00\\xe9<"),
    "long id": (b'{"designation": "a", "id": "' + b"i" * 201 + b'"}', "/id"),
    "not an object": (b"[]", ""),
    "null": (b"null", ""),
    "string": (b'"designation"', ""),
    "nothing": (b"{}", ""),
    "blank": (b'{"designation": " \\n\\t"}', ""),
}
"""Bodies of one listing that are answered with 422 `invalid_request`, and the pointer of the first error."""
LARGE = (
    b'{"a":' * 20_000, b"[" * 199 + b"]" * 199, b'{"designation": -' + b"9" * 400 + b"." + b"9" * 400 + b"}",
    b"\0" * 1000, b" " * 100_000, b"[" + b"[]," * 20_000 + b"[]]", b'{"designation": "' + b"\\u0000" * 15_000 + b'"}',
    b'{"designation": "' + b"\\ud83d\\ude00" * 9_000 + b'"}', b'{"listings": [' + b"{}," * 99 + b"{}]}",
    b'{"listings": [' + b"{}," * 100 + b"{}]}", b'{"listings": [' + b"null," * 3000 + b"null]}",
    b'{"listings": []}', b'{"listings": {}}', b"true", b"0",
)  # fmt: skip
BROKEN = (*MALFORMED.values(), *(body for body, _ in INVALID.values()), *LARGE)


def json_body(chance: Random, path: str) -> bytes:
    """One body for a path."""
    return chance.choice(KINDS)(chance, path)


def _broken(chance: Random, path: str) -> bytes:
    return chance.choice(BROKEN)


def _value(chance: Random, depth: int = 0) -> object:
    kind = chance.randrange(9 if depth < 4 else 6)
    if kind == 0:
        return chance.choice((None, True, False, 0, -1, 1.5, 1e308, 2**63, 2**64, 10**30))
    if kind <= 4:
        return text(chance)[:2000]
    if kind == 5:
        return base64.b64encode(image(chance)[:200_000]).decode()
    if kind == 6:
        return [_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(KEYS): _value(chance, depth + 1) for _ in range(chance.randrange(5))}


def _any_value(chance: Random, path: str) -> bytes:
    value = _value(chance)
    if chance.random() < 0.3:
        value = {"listings": value if isinstance(value, list) else [value]}
    return json.dumps(value, ensure_ascii=chance.random() < 0.5).encode()


def listing(chance: Random, *, with_image: bool) -> dict[str, object]:
    """A listing of the right fields with hostile content."""
    fields: dict[str, object] = {}
    if chance.random() < 0.9:
        fields["designation"] = text(chance)
    if chance.random() < 0.6:
        fields["description"] = text(chance)
    if with_image and chance.random() < 0.6:
        content = base64.b64encode(image(chance)).decode()
        harmed = (content[:-1], content + "\n", "data:image/png;base64," + content)
        fields["image"] = chance.choice((*harmed, *[content] * 5))
    if chance.random() < 0.2:
        fields["id"] = text(chance)
    return fields


def _listing(chance: Random, path: str) -> bytes:
    if path == "/predict/batch":
        count = chance.choice((1, 3, 8))
        return json.dumps(
            {"listings": [listing(chance, with_image=chance.random() < 0.3) for _ in range(count)]}
        ).encode()
    return json.dumps(listing(chance, with_image=path != "/predict/text")).encode()


def _mutated(chance: Random, path: str) -> bytes:
    body = bytearray(_listing(chance, path))
    for _ in range(chance.randrange(1, 5)):
        position = chance.randrange(len(body))
        body[position : position + chance.randrange(3)] = chance.choice(
            (b"", b"\\", b'"', b"{", b"}", b"\\ud800", b"\xff", b"\xed\xa0\x80", b"\0", b",", b":", b"1e999", b"NaN")
        )
        if not body:
            break
    return bytes(body)


def _many_keys(chance: Random, path: str) -> bytes:
    count = chance.choice((17, 1000, 60_000))
    return json.dumps({f"k{number}": number for number in range(count)}).encode()


def lines(chance: Random) -> bytes:
    """A body of lines."""
    rows = []
    for _ in range(chance.choice((0, 1, 3, 20))):
        kind = chance.randrange(5)
        rows.append(
            chance.choice(BROKEN).replace(b"\n", b"")
            if kind == 0
            else json.dumps(listing(chance, with_image=kind == 1)).encode()
        )
    return chance.choice((b"\n", b"\r\n", b"\n\n", b"\n \t\n")).join(rows) + chance.choice((b"", b"\n", b"{"))


KINDS: tuple[Callable[[Random, str], bytes], ...] = (
    *[_broken] * 2, _any_value, *[_listing] * 4, *[_mutated] * 2, _many_keys,
)  # fmt: skip
