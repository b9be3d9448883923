"""JSON in request bodies: keys are given once, and no body costs more than a little time for each of its bytes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from service.errors import BodyTooLarge, InvalidRequest, MalformedJson
from service.http.problems import pointer

MAX_TOKENS = 128
"""Most strings, brackets, commas and colons in the JSON of one listing, which has five fields."""
MAX_DEPTH = 32
"""Deepest nesting of long JSON; short JSON may be as deep as Python's parser allows."""
SMALL_BYTES = 64 * 1024
"""Shorter JSON is parsed without counting its values: it becomes 2 MB at most."""
STEP_BYTES = 1024 * 1024
"""Bytes that are looked over at once: the interpreter's lock is held meanwhile."""
_STRUCTURE = re.compile(rb"[\[\]{},:]")


def parse_json(body: bytes) -> object:
    """The body's JSON value. Raises MalformedJson, or InvalidRequest on a key given twice or too many values.

    The values of a long body are counted first: 10 MB of `[],[],[],...` would become 200 MB of lists, and hold the
    event loop for seconds. It is then parsed by a fast parser, which takes the last of two equal keys: so its keys are
    counted as well. Python's parser takes the rest. It is lenient about NaN, Infinity and lone surrogates: the schema
    then refuses these with a pointer to *where* they are.
    """
    if len(body) > SMALL_BYTES:
        colons = sum(mark == b":" for _, mark in _structure(body, MAX_TOKENS))
        try:
            value = from_json(body)
        except ValueError:
            pass
        else:
            if _keys(value) == colons:
                return value
    try:
        value = _DECODER.decode(body.decode("utf-8"))
        place = _place_of_twice(value)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise MalformedJson from None
    if place is not None:
        raise InvalidRequest.at(pointer(place), "This is given twice.")
    return value


def parse_elements(body: bytes, *, most: int, element_bytes: int) -> object:
    """The body's JSON value, a list of objects or an object with such a list. They are parsed one by one, so that none
    fails the others: in its place stands its InvalidRequest, or BodyTooLarge when it is longer than `element_bytes`.

    Raises MalformedJson, wherever it is, and InvalidRequest on more values than `most` listings can have.
    """
    skeleton, elements = _cut(body, most * MAX_TOKENS)
    if len(skeleton) > element_bytes:
        raise InvalidRequest.at("", "The body holds too much besides listings.")
    document = parse_json(skeleton)
    values = next(iter(document.values()), None) if isinstance(document, dict) else document
    if isinstance(values, list):
        parsed = (_element(element, element_bytes) for element in elements)
        values[:] = [next(parsed) if value == {} else value for value in values]
    return document


def _element(element: bytes, element_bytes: int) -> object:
    if len(element) > element_bytes:
        return BodyTooLarge("The listing is over the limit of one listing.")
    try:
        return parse_json(element)
    except InvalidRequest as error:
        return error.bare()


def _cut(body: bytes, most: int) -> tuple[bytes, list[bytes]]:
    """The document with `{}` for each object in its outermost list, and these objects."""
    skeleton: list[bytes] = []
    elements: list[bytes] = []
    depth = position = start = 0
    depth_of_elements = 1 if body.lstrip()[:1] == b"[" else 2
    for at, mark in _structure(body, most):
        if mark in b"[{":
            if depth == depth_of_elements and mark == b"{":
                start = at
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if depth == depth_of_elements and start:
                skeleton += body[position:start], b"{}"
                position = at + 1
                elements.append(body[start:position])
                start = 0
    return b"".join((*skeleton, body[position:])), elements


def _structure(body: bytes, most: int) -> Iterator[tuple[int, bytes]]:
    """The brackets, commas and colons outside of strings, with their positions. Raises InvalidRequest when these and
    the strings are more than `most`, and MalformedJson on deep nesting.
    """
    count = depth = 0
    for start, text in _outside(body, most):
        for mark in _STRUCTURE.finditer(text):
            depth += (mark[0] in b"[{") - (mark[0] in b"]}")
            if depth > MAX_DEPTH:
                raise MalformedJson
            yield start + mark.start(), mark[0]
            count += 1
            if count > most:
                break
        count += 1
        if count > most:
            raise InvalidRequest.at("", "The body holds too many values.")


def _outside(body: bytes, most: int) -> Iterator[tuple[int, bytes]]:
    """What stands outside of strings, with its positions, up to more than `most` strings."""
    start = 0
    in_string = False
    while start < len(body):
        piece = body[start : start + STEP_BYTES]
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2:  # cut within an escape
            piece = body[start : start + STEP_BYTES + 1]
        position = start
        start += len(piece)
        if b"\\" in piece:
            piece = piece.replace(rb"\\", b"__").replace(rb"\"", b"__")
        for text in piece.split(b'"', 2 * most + 2):
            if not in_string:
                yield position, text
            position += len(text) + 1
            in_string = not in_string
        in_string = not in_string  # no quote behind the last


class _Twice(dict[str, Any]):
    """An object with a key that was given twice."""

    key = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    twice = _Twice(value)
    twice.key = Counter(key for key, _ in pairs).most_common(1)[0][0]
    return twice


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def _place_of_twice(value: object) -> tuple[str | int, ...] | None:
    """Where a key was given twice."""
    if isinstance(value, _Twice):
        return (value.key,)
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(inner, dict | list) and (place := _place_of_twice(inner)) is not None:
                return (key, *place)
    return None


def _keys(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_keys, value.values()))
    return sum(map(_keys, value)) if isinstance(value, list) else 0
