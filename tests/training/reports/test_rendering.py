from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from training.reports.rendering import markdown_code, markdown_json, markdown_text


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\\")))
def test_escaped_words_read_as_they_were(text: str) -> None:
    escaped = markdown_text(text)
    assert "\n" not in escaped
    assert re.sub(r"\\([^A-Za-z0-9\s])", r"\1", escaped) == re.sub(r"\s+", " ", text)
    assert not re.search(r"(?<!\\)[`*_<|\[\]]", escaped)


@given(st.text("a` \n"))
def test_code_ends_where_it_should(text: str) -> None:
    for code in (markdown_code(text), markdown_json(text)):
        fence = re.match("`+", code)
        assert fence
        inside = code[len(fence[0]) : -len(fence[0])]
        assert code.endswith(fence[0])
        assert fence[0] not in re.findall("`+", inside)
