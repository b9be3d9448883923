"""NDJSON: the lines of a body that arrives in pieces."""

from __future__ import annotations

from collections.abc import Iterator


class LineSplitter:
    """Splits at newlines and holds no more than one unfinished line of at most `limit` bytes.

    A longer line becomes None as soon as it is over the limit, and the rest of it is dropped. Blank lines are dropped
    too.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = bytearray()
        self._dropping = False

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """The lines that end in this piece of the body."""
        first, *others = piece.split(b"\n")
        yield from self._extend(first)
        for other in others:
            if self._line:
                yield from self.end()
            self._dropping = False
            if other:
                yield from self._extend(other)

    def end(self) -> Iterator[bytes | None]:
        """The last line, where the body does not end in a newline."""
        line = bytes(self._line)
        self._line.clear()
        if line and not line.isspace():
            yield line

    def _extend(self, more: bytes) -> Iterator[None]:
        if self._dropping:
            return
        if len(self._line) + len(more) > self._limit:
            self._line.clear()
            self._dropping = True
            yield None
        else:
            self._line += more
