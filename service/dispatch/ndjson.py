"""NDJSON: the lines of a body that arrives in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BREAK = re.compile(rb"\n\s*+")
"""A newline with the blanks that begin the next line, and so all blank lines at once: there may be millions."""


class LineSplitter:
    """Splits at newlines and holds no more than one unfinished line of at most `limit` bytes.

    A longer line becomes None as soon as it is over the limit, and the rest of it is dropped. Blank lines are dropped
    too, and the blanks before a line.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = bytearray()
        self._dropping = False

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """The lines that end in this piece of the body."""
        first, *others = _BREAK.split(piece)
        yield from self._extend(first)
        for other in others:
            yield from self.end()
            self._dropping = False
            yield from self._extend(other)

    def end(self) -> Iterator[bytes]:
        """The last line, where the body does not end in a newline."""
        if self._line:
            yield bytes(self._line)
        self._line.clear()

    def _extend(self, more: bytes) -> Iterator[None]:
        if self._dropping:
            return
        if not self._line:
            more = more.lstrip()
        if len(self._line) + len(more) > self._limit:
            self._line.clear()
            self._dropping = True
            yield None
        else:
            self._line += more
