"""The HTTP connection: uvicorn's, with time limits for heads, bodies and the reading of answers, and a size limit for
heads.

uvicorn waits for ever for the rest of a request, and for an answer to be read. Connections whose client takes too long
are closed here; where the application is reading the body, its own, shorter limit comes first and answers 408.

An offer to go on in another protocol (`Upgrade: h2c`, which Java's client makes with its first request) is ignored, as
RFC 9110, section 7.8, allows. uvicorn's parser takes what follows such a head for the other protocol: the body would be
lost, or be taken for the next request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.http.context import is_stream
from service.settings import MIB, Settings

NOT_HTTP = "Invalid HTTP request received."
"""uvicorn's own words for what never reaches the application."""
GRACE_SECONDS = 2.0
"""How much later than the application this closes a connection whose body drips."""
LINGER_BYTES = 64 * MIB
"""How much of a body that was answered early (say, with 413) is read and dropped, so that a client that sends before it
reads gets its answer instead of a reset connection. Beyond it, the connection is closed."""
LINGER_SECONDS = 5.0
"""The same in time, where the answer was the connection's last."""
MOST_AHEAD = 16
"""Requests that are read before the first of them is answered. A client can send thousands in one piece: 80,000 of 200
connections kept the loop from everybody else for 14 seconds."""
HEAD_END = b"\r\n\r\n"
LAST_CALL_SECONDS = 1.0
"""How long an idle connection is kept when the process stops: its next request may be on its way, and gets an
answer instead of a reset."""


class _Writer:
    """The transport as requests see it. To close it is to end the answer, not to cut off what the client still sends:
    the system would answer that with a reset, which takes the answer from the client before it has read it.
    """

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close


class Connection(HttpToolsProtocol):
    """One connection of a client. `limits` is set by `connection_class`."""

    limits: Settings

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watch: asyncio.TimerHandle | None = None
        self._in_head = True
        self._complete = False
        self._reader: asyncio.TimerHandle | None = None
        self._read_bytes = 0
        self._head_bytes = 0
        self._dropped_bytes = 0
        self._answering: RequestResponseCycle | None = None
        self._ending = False
        self._offers_upgrade = False
        self._unread = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that never says anything is closed too."""
        super().connection_made(transport)
        self.flow: Flow = Flow(transport)
        self._writer = _Writer(transport, self._end)
        self._arm(self.limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks, and tell the request that is being answered: uvicorn tells only the one that came last."""
        self._disarm()
        self.resume_writing()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in bytes, or put them behind those that wait for answers to requests before them."""
        if self._unread:
            self._unread += data
        else:
            self._take_requests(data)

    def _take_requests(self, data: bytes) -> None:
        """Take in bytes until as many requests wait as may be read ahead; the others are kept for later."""
        start = 0
        while start < len(data) and len(self.pipeline) < MOST_AHEAD:
            if self.transport.is_closing():  # what came before was no HTTP, or the last request
                return
            end = _end_of_heads(data, start)
            self._take(data[start:end])
            start = end
        if start < len(data):
            self._unread = data[start:]
            self._disarm()
            self.flow.pause_reading()
            self.flow.held = True

    def _take(self, data: bytes) -> None:
        """Parse bytes; while a request is incomplete, the clock runs."""
        was_in_head = self._in_head
        self._read_bytes = len(data)
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.send_400_response(NOT_HTTP)
        if self._in_head:
            # A head that began in these bytes may follow a body: only its complete lines are known.
            self._head_bytes += len(data) if was_in_head else self._length_of_head()
            if self._head_bytes > self.limits.head_bytes:
                self.send_400_response(NOT_HTTP)
        if self._watch is None and not self._unread and self._is_waiting():
            self._arm(self.limits.head_seconds if self._in_head else self.limits.body_seconds + GRACE_SECONDS)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; the parser leaves the white space behind a value, which is no part of it."""
        super().on_header(name, value.rstrip(b" \t"))

    def on_message_begin(self) -> None:
        """A request's first byte."""
        if self._ending:  # the answer before it was the last
            self.transport.close()
        super().on_message_begin()
        self._in_head, self._complete = True, False
        self._dropped_bytes = 0

    def on_headers_complete(self) -> None:
        """The head is there; the body gets its own time. Raises on a long head, which the caller answers with 400."""
        # A head shorter than what was read last needs no counting, and that is all of them but one in a million.
        if self._read_bytes > self.limits.head_bytes and self._length_of_head() > self.limits.head_bytes:
            raise ValueError(NOT_HTTP)
        # CONNECT is no offer: the parser has no body for it, and its answer ends the connection.
        self._offers_upgrade = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if self._offers_upgrade:
            return
        super().on_headers_complete()
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False
        self._in_head = False
        self._head_bytes = 0
        self._disarm()

    def on_body(self, body: bytes) -> None:
        """A piece of the body; dropped when the answer is out already."""
        super().on_body(body)
        if self.cycle.response_complete:
            self._dropped_bytes += len(body)
            if self._dropped_bytes > LINGER_BYTES:
                self.transport.close()

    def on_message_complete(self) -> None:
        """The whole request is there; from here on the application's deadline rules."""
        if self._offers_upgrade:  # it is read again
            return
        super().on_message_complete()
        self._complete = True
        self._disarm()
        if self._ending:
            self.transport.close()

    def on_response_complete(self) -> None:
        """An answer is out, or at least in the buffer. A stream that ended early is not read for longer."""
        if self._ending and not self.transport.is_closing():
            self.server_state.total_requests += 1
            return
        super().on_response_complete()
        if self._unread:
            self.loop.call_soon(self._go_on)
        if not self._complete and is_stream(self.cycle.scope):
            self._disarm()
            self._arm(GRACE_SECONDS)
        if self.transport.is_closing():
            self._abort_later(self.limits.read_seconds)

    def _go_on(self) -> None:
        """Take what waited for the requests before it."""
        data, self._unread = self._unread, b""
        self.flow.held = False
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self._take_requests(data)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to: it has a time to make up for it."""
        super().pause_writing()
        self._reader = self.loop.call_later(self.limits.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has made up."""
        super().resume_writing()
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also one that never reads its last answer."""
        super().timeout_keep_alive_handler()
        self._abort_later(GRACE_SECONDS)

    def shutdown(self) -> None:
        """The process stops: end the connection with its next answer, or soon if none is asked for."""
        if self._answering is None or self.cycle.response_complete:
            self.loop.call_later(LAST_CALL_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        cycle.transport = self._writer  # type: ignore[assignment]
        super()._start_asgi_task(cycle, app)

    def _end(self) -> None:
        """Close the connection behind its last answer; while a body still arrives, read and drop it for a moment."""
        if self._complete or self.transport.is_closing():
            self.transport.close()
            return
        self._ending = True
        self.transport.write_eof()
        self.flow.resume_reading()
        self._disarm()
        self._arm(LINGER_SECONDS)

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as paused:
            if self._offers_upgrade:
                head = self._head_without_offer()
                # The old one takes in nothing more where the head says that the connection ends with this request.
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
                self._parse(head + data[paused.args[0] :])

    def _head_without_offer(self) -> bytes:
        """The head that was read last, to be read again."""
        line = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode("ascii"))
        headers = [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join([line, *headers, b"", b""])

    def _length_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _is_waiting(self) -> bool:
        """Whether the client owes us bytes: an incomplete request, or stray ones between requests (which stop uvicorn's
        keep-alive clock).
        """
        if not self._complete:
            return True
        return self.cycle.response_complete and self.timeout_keep_alive_task is None

    def _arm(self, seconds: float) -> None:
        self._watch = self.loop.call_later(seconds, self._too_slow)

    def _disarm(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _too_slow(self) -> None:
        self._watch = None
        if not self._in_head and not self.cycle.response_complete and is_stream(self.cycle.scope):
            return  # the application has the clock, and gives it back with the end of its answer
        self.transport.close()
        self._abort_later(GRACE_SECONDS)

    def _abort_later(self, seconds: float) -> None:
        """End a closed connection that waits for its client to read."""
        self.loop.call_later(seconds, self.transport.abort)


def _end_of_heads(data: bytes, start: int) -> int:
    """Where so many heads from `start` on end as may be read ahead; the heads of a form's parts look like them."""
    if data.count(HEAD_END, start) <= MOST_AHEAD:
        return len(data)
    end = start
    for _ in range(MOST_AHEAD):
        end = data.index(HEAD_END, end) + len(HEAD_END)
    return end


def connection_class(settings: Settings) -> type[Connection]:
    """The class that uvicorn is to make connections of."""
    return type("Connection", (Connection,), {"limits": settings})


class Flow(FlowControl):
    """uvicorn's. While it is `held`, the reading is not started again by requests, which do so whenever they wait for
    their body or for news of their client.
    """

    held = False

    def resume_reading(self) -> None:
        """Read on, unless it is held."""
        if not self.held:
            super().resume_reading()
