"""Lines come out the same however the body is cut into pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.dispatch.ndjson import LineSplitter

PIECES = st.lists(st.text("ab \r\v\n", max_size=12).map(str.encode), max_size=12)


def split(pieces: list[bytes], limit: int = 1000) -> list[bytes | None]:
    lines = LineSplitter(limit)
    split = [line for piece in pieces for line in lines.feed(piece)]
    return [*split, *lines.end()]


@given(PIECES)
def test_the_cuts_do_not_matter_and_blanks_before_a_line_are_dropped(pieces: list[bytes]) -> None:
    assert split(pieces) == [line.lstrip() for line in b"".join(pieces).split(b"\n") if line.strip()]


@given(PIECES, st.integers(1, 8))
def test_a_line_over_the_limit_is_told_in_its_place(pieces: list[bytes], limit: int) -> None:
    whole = [line.lstrip() for line in b"".join(pieces).split(b"\n") if line.strip()]
    assert split(pieces, limit) == [line if len(line) <= limit else None for line in whole]


def test_a_long_line_is_told_at_once_and_not_kept() -> None:
    lines = LineSplitter(10)
    assert list(lines.feed(b"123456789")) == []
    assert list(lines.feed(b"01")) == [None]
    assert list(lines.feed(b"x" * 1000)) == []
    assert lines._line == b""
    assert list(lines.feed(b"\nnext\n")) == [b"next"]
