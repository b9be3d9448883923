"""Limits of JSON: its values are counted as a tokenizer would count them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidRequest
from service.http import bodies as limits
from service.http.bodies import parse_json

TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|,', re.DOTALL)
ODD_TEXT = st.text('a,"\\\n', max_size=8)


@given(
    st.recursive(
        st.integers() | ODD_TEXT, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(ODD_TEXT, inner)
    ),
    st.integers(0, 12),
)
def test_strings_and_commas_are_counted(value: object, limit: int) -> None:
    body = json.dumps(value).encode()
    assert limits._has_more_tokens_than(body, limit) == (body.count(b",") > limit and len(TOKEN.findall(body)) > limit)


def test_long_bodies_with_more_values_than_listings_can_have_are_refused() -> None:
    body = json.dumps([0] * 40_000).encode()
    with pytest.raises(InvalidRequest):
        parse_json(body, listings=100)
    assert parse_json(body, listings=1000) == [0] * 40_000
