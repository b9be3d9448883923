"""JSON: keys given once, values counted, and the listings of a batch apart from each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BodyTooLarge, InvalidRequest, MalformedJson
from service.http import json as reader
from service.http.json import SMALL_BYTES, parse_elements, parse_json

LONG = " " * SMALL_BYTES
"""Makes a body be parsed as long ones are."""
ODD_TEXT = st.text('a,:"\\[]{}\n', max_size=8)
VALUES = st.recursive(
    st.integers() | ODD_TEXT | st.none(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(ODD_TEXT, inner, max_size=6),
)


@given(VALUES, st.integers(1, 9), st.sampled_from(["", LONG]))
def test_any_value_comes_out_as_pythons_parser_reads_it(value: object, step: int, padding: str) -> None:
    body = (json.dumps(value) + padding).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "STEP_BYTES", step if not padding else 10_000 + step)
        patch.setattr(reader, "MAX_TOKENS", 10_000)
        patch.setattr(reader, "MAX_DEPTH", 100)
        assert parse_json(body) == value
        for document in ({"listings": [value, {}, value]}, [value, {"a": value}]):
            body = (json.dumps(document) + padding).encode()
            assert parse_elements(body, most=1, element_bytes=10**6) == document


@pytest.mark.parametrize("padding", ["", LONG])
@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"designation": "a", "designation": "b"}', "/designation"),
        ('{"designation": "a", "designation" : "a"}', "/designation"),
        (r'{"designation": "a", "\u0064esignation": "a"}', "/designation"),
        ('{"id": ":", "a": {"b": [0, {"c": 1, "c/": 2, "c": {}}]}}', "/a/b/1/c"),
        ('{"a": {"b": 1}, "a": NaN}', "/a"),
        ('{"": 1, "": 2}', "/"),
    ],
)
def test_a_key_given_twice_is_pointed_to(text: str, pointer: str, padding: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_json((text + padding).encode())
    assert [(fault.pointer, fault.message) for fault in refused.value.faults] == [(pointer, "This is given twice.")]


@pytest.mark.parametrize("padding", ["", LONG])
def test_a_listing_fails_alone(padding: str) -> None:
    twice, long = '{"id": "1", "id": "2"}', '{"id": "%s"}' % ("3" * 2000)
    body = f'{{"listings": [{{"id": "0"}}, {twice}, 7, {long}, {{}}]}}{padding}'.encode()
    document: Any = parse_elements(body, most=9, element_bytes=len(padding) + 1000)
    first, second, *others = document["listings"]
    assert (first, others[0], others[2]) == ({"id": "0"}, 7, {})
    assert isinstance(second, InvalidRequest)
    assert second.faults[0].pointer == "/id"
    assert isinstance(others[1], BodyTooLarge) or padding


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"listings": [{"a": }]}', MalformedJson),
        (b'{"listings": [{"a": 1]}', MalformedJson),
        (b'{"listings": [{"a": "}]}', MalformedJson),
        (b'{"listings": [{}]}}', MalformedJson),
        (b'[{"a": 1}', MalformedJson),
        (b'{"listings": [], "listings": [{}]}', InvalidRequest),
        (b'{"listings": [' + b"[]," * 900 + b"[]]}", InvalidRequest),
        (b'{"listings": [{"id": ' + b"[" * 900 + b"]" * 900 + b"}]}", MalformedJson),
        (b'{"listings": [' + b" " * 2000 + b"]}", InvalidRequest),
    ],
)
def test_what_is_wrong_with_all_of_it_fails_all(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_elements(body, most=2, element_bytes=1000)


def test_long_bodies_with_more_values_than_a_listing_can_have_are_refused() -> None:
    body = json.dumps([0] * 40_000).encode()
    with pytest.raises(InvalidRequest):
        parse_json(body)
