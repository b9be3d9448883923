from __future__ import annotations

import pytest

from models.comparison.report import safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+33 1", "-5", "@sum", "\tx", "\r=x", "\n=x", "＝x"])
def test_no_text_is_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Piscine = eau", "", "a-b", -5, 0.25, -0.5])
def test_what_is_none_stays_as_it_is(value: object) -> None:
    assert safe_cell(value) == str(value)
