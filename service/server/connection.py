"""The HTTP connection: uvicorn's on h11, with a time limit for what the client owes: heads, bodies, reading answers.

uvicorn waits for ever for the rest of a request, and for an answer to be read. Connections whose client takes too long
are closed here; where the application reads the body, its own, shorter limit comes first and answers 408.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.http.context import is_stream
from service.settings import KIB, MIB, Settings

GRACE_SECONDS = 2.0
"""How much later than the application this closes a connection whose body drips; and how long a closed connection has
to take in what was written to it."""
LINGER_BYTES = 64 * MIB
"""How much of a body that was answered early (say, with 413) is read and dropped, so that a client that sends before it
reads gets its answer instead of a reset connection. Beyond it, the connection is closed."""
LINGER_SECONDS = 5.0
"""The longest time for that, where the answer was the connection's last."""
AHEAD_BYTES = 64 * KIB
"""Requests in more bytes than this, sent before an earlier one was answered, stay with the client; uvicorn would read
on whenever the application asks whether the client is still there."""
LAST_CALL_SECONDS = 1.0
"""How long an idle connection is kept when the process stops: its next request may be on its way, and gets an
answer instead of a reset."""

_HOST = re.compile(rb"(?:\[[\da-fA-F:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?")
_ORIGIN = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)


class Connection(H11Protocol):
    """One connection of a client. `limits` is set by `connection_class`."""

    limits: Settings

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _Exchange(h11.SERVER, self.limits.head_bytes)
        self._client_timer: asyncio.TimerHandle | None = None
        self._timed: object = None  # the head or the request that the timer runs for
        self._unread_timer: asyncio.TimerHandle | None = None
        self._dropped_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that never says anything is closed too."""
        self._socket = transport
        super().connection_made(_Transport(transport, self._close))  # type: ignore[arg-type]
        self.flow: _Flow = _Flow(transport)
        self._time_client()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        super().connection_lost(exc)  # which closes the transport once more
        self._stop_client_timer()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take in bytes; those that nobody waits for any more are dropped."""
        self._unset_keepalive_if_required()
        step = len(data)
        if self.conn.their_state is h11.IDLE:
            step = self.limits.head_bytes  # h11 takes a head of any length that is there as a whole
            if not self.conn.trailing_data[0]:
                data = data.lstrip(b"\r\n")  # allowed before a request (RFC 9112, section 2.2), and refused by h11
                if not data:
                    self._time_client()
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            is_over = self.transport.is_closing() or self.conn.their_state in (h11.MUST_CLOSE, h11.ERROR)
            if is_over or (self.conn.their_state is h11.SEND_BODY and not self._is_answering):
                self._dropped_bytes += len(piece)
                if self._dropped_bytes > LINGER_BYTES:
                    self._close_now()
            if not is_over:
                super().data_received(piece)

    def handle_events(self) -> None:
        """Take in requests; the clock runs for what is missing of them."""
        super().handle_events()
        self._time_client()
        is_complete = self.conn.their_state not in (h11.IDLE, h11.SEND_BODY)
        self.flow.is_held = is_complete and len(self.conn.trailing_data[0]) > AHEAD_BYTES

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, unless an answer has begun; an application that waits for the rest is told."""
        is_answering = self._is_answering
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()
        if is_answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """An answer is out, or at least in the buffer. A stream that ended early is not read for longer."""
        super().on_response_complete()
        ended_early = self.conn.their_state is h11.SEND_BODY and is_stream(self.cycle.scope)
        if ended_early and not self.transport.is_closing():
            self._start_client_timer(GRACE_SECONDS)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to: it has a time to catch up."""
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self.limits.read_seconds, self._socket.abort)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also one whose client never reads its last answer."""
        self._close_now()

    def shutdown(self) -> None:
        """The process stops: end the connection with its next answer, or soon if no request comes."""
        if self._is_answering:
            super().shutdown()
        else:
            self.loop.call_later(LAST_CALL_SECONDS, self._shut_down)

    def _shut_down(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    @property
    def _is_answering(self) -> bool:
        return self.conn.our_state in (h11.SEND_RESPONSE, h11.SEND_BODY)

    def _time_client(self) -> None:
        """Start the clock with each head and each body that the client has begun, and stop it when it is complete."""
        awaited: object = None
        seconds = self.limits.head_seconds
        if self.conn.their_state is h11.SEND_BODY:
            awaited, seconds = self.cycle, self.limits.body_seconds + GRACE_SECONDS
        elif self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None:
            awaited = h11.IDLE
        if awaited is not self._timed and not self.transport.is_closing():
            self._timed = awaited
            self._dropped_bytes = 0
            self._stop_client_timer()
            if awaited is not None:
                self._start_client_timer(seconds)

    def _start_client_timer(self, seconds: float) -> None:
        self._stop_client_timer()
        self._client_timer = self.loop.call_later(seconds, self._close_slow)

    def _stop_client_timer(self) -> None:
        if self._client_timer is not None:
            self._client_timer.cancel()
            self._client_timer = None

    def _close_slow(self) -> None:
        reads_body = self.conn.their_state is h11.SEND_BODY and self._is_answering
        if not (reads_body and is_stream(self.cycle.scope)):  # a stream keeps the time itself, until its answer ends
            self._close_now()

    def _close(self) -> None:
        """Close the connection behind its last answer. While a body still arrives, read and drop it for a moment:
        the system resets a connection that is closed over unread bytes, which takes the answer from the client.
        """
        if self.conn.their_state in (h11.SEND_BODY, h11.ERROR):
            self._socket.write_eof()
            self.flow.resume_reading()
            self._start_client_timer(LINGER_SECONDS)
        else:
            self._close_now(self.limits.read_seconds)

    def _close_now(self, seconds: float = GRACE_SECONDS) -> None:
        """Close the connection; its client has that many seconds to read what was written to it."""
        self._stop_client_timer()
        self._socket.close()
        self._client_timer = self.loop.call_later(seconds, self._socket.abort)


class _Exchange(h11.Connection):
    """h11's; with what HTTP asks of a server beyond the grammar (RFC 9112, section 3.2). The head of an answer of known
    length is sent with the start of its body, in one packet instead of two.
    """

    _head = b""

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        event = super().next_event()
        if isinstance(event, h11.Request):
            if not all(_HOST.fullmatch(value) for name, value in event.headers if name == b"host"):
                raise h11.RemoteProtocolError("a host that cannot be")
            if absolute := _ORIGIN.match(event.target):  # what is sent to a proxy has to be taken here, too
                path = b"/" + event.target[absolute.end() :].removeprefix(b"/")
                version = event.http_version
                return h11.Request(method=event.method, target=path, headers=event.headers, http_version=version)
        return event

    def send(self, event: h11.Event) -> bytes | None:  # type: ignore[override]
        output = super().send(event)
        if isinstance(event, h11.Response) and any(name == b"content-length" for name, _ in event.headers):
            self._head, output = output or b"", b""
        elif self._head and output is not None:
            output, self._head = self._head + output, b""
        return output


class _Transport:
    """The transport as uvicorn sees it: the first `close` calls the function given."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._transport = transport
        self._close = close
        self._is_closing = False
        self.write = transport.write  # what each answer uses is not looked up in vain first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        return self._is_closing or self._transport.is_closing()

    def close(self) -> None:
        if not self.is_closing():
            self._is_closing = True
            self._close()


class _Flow(FlowControl):
    """uvicorn's; while it `is_held`, nobody starts the reading again."""

    is_held = False

    def resume_reading(self) -> None:
        if not self.is_held:
            super().resume_reading()


def connection_class(settings: Settings) -> type[Connection]:
    """The class that uvicorn is to make connections of."""
    return type("Connection", (Connection,), {"limits": settings})
