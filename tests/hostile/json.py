"""Hostile JSON: broken, deep, long, of wrong types, not UTF-8, with hostile texts and photos inside."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from random import Random

from tests.hostile.images import image
from tests.hostile.texts import text

KEYS = ("id", "designation", "description", "image", "listings", "", "__proto__", "\0", "~/", "a" * 300, "top_k", "url")
BROKEN = (
    b"",
    b"{",
    b"[",
    b"nul",
    b"{}}",
    b'{"designation"}',
    b"{'designation': 'a'}",
    b'{"designation": "\\x"}',
    b'{"designation": "\\u12"}',
    b'{"designation": "a",}',
    b'{"designation": "a"} {}',
    b'{"designation": NaN}',
    b'{"designation": 1e999}',
    b'{"designation": "\\ud800"}',
    b'{"\\udfff": "a"}',
    b'{"designation": "\xff"}',
    b'\xef\xbb\xbf{"designation": "a"}',
    '{"designation": "a"}'.encode("utf-16"),
    '{"designation": "a"}'.encode("utf-32"),
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b"[" * 199 + b"]" * 199,
    b'{"designation": ' + b"1" * 5000 + b"}",
    b'{"designation": -' + b"9" * 400 + b"." + b"9" * 400 + b"}",
    b"\0" * 1000,
    b" " * 100_000,
    b"[" + b"[]," * 20_000 + b"[]]",
    b'{"designation": "' + b"\\u0000" * 15_000 + b'"}',
    b'{"designation": "' + b"\\ud83d\\ude00" * 9_000 + b'"}',
    b'{"listings": [' + b"{}," * 99 + b"{}]}",
    b'{"listings": [' + b"{}," * 100 + b"{}]}",
    b'{"listings": [' + b"null," * 3000 + b"null]}",
    b'{"listings": []}',
    b'{"listings": {}}',
    b'"a"',
    b"true",
    b"0",
)


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
    found: dict[str, object] = {}
    if chance.random() < 0.9:
        found["designation"] = text(chance)
    if chance.random() < 0.6:
        found["description"] = text(chance)
    if with_image and chance.random() < 0.6:
        content = base64.b64encode(image(chance)).decode()
        harm = chance.randrange(8)
        found["image"] = (
            content[:-1],
            content + "\n",
            "data:image/png;base64," + content,
            content,
            content,
            content,
            content,
            content,
        )[harm]
    if chance.random() < 0.2:
        found["id"] = text(chance)
    return found


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
    found = []
    for _ in range(chance.choice((0, 1, 3, 20))):
        kind = chance.randrange(5)
        found.append(
            chance.choice(BROKEN).replace(b"\n", b"")
            if kind == 0
            else json.dumps(listing(chance, with_image=kind == 1)).encode()
        )
    return chance.choice((b"\n", b"\r\n", b"\n\n", b"\n \t\n")).join(found) + chance.choice((b"", b"\n", b"{"))


KINDS: tuple[Callable[[Random, str], bytes], ...] = (
    _broken,
    _broken,
    _any_value,
    *[_listing] * 4,
    *[_mutated] * 2,
    _many_keys,
)
