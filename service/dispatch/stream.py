"""Streams: a listing a line in, a result a line out, in the same order, while the client still sends.

However long the stream, it holds a window of lines and the one that is arriving: when the window is full the body is
not read on, and the answers leave it as fast as the client reads them. Lines that are answered in time have a result
each, and the stream ends with the last of them. A stream that has to end earlier says so in one more line, an error
with the index of the first listing that was not read: whoever sends again from there loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import closing, suppress
from typing import Literal, NamedTuple

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from models.decision.prediction import Answer
from models.errors import PykutenError
from service.dispatch.items import LineItem
from service.dispatch.job import PredictionJob
from service.dispatch.ndjson import LineSplitter
from service.dispatch.scheduler import CHUNK_LISTINGS, ChunkScheduler
from service.engine.waiting import ASSEMBLY_SECONDS, disconnection
from service.errors import ClientGone, DeadlineExceeded, Draining, Internal, InvalidRequest, Overloaded, SlowClient
from service.http.bodies import NDJSON
from service.http.context import context_of
from service.http.responses import FailedItem, PredictedItem, result_body
from service.observability.logs import event

CHUNKS_HELD = 2
"""Chunks of each worker that the window has room for: one at work and one to follow."""


class _Held(NamedTuple):
    item: LineItem
    bytes: int
    deadline: float
    answer: asyncio.Future[Answer]


class Intake:
    """The lines of a body on their way to their answers: read as there is room for them, taken out in order."""

    def __init__(self, job: PredictionJob, receive: Receive) -> None:
        self._state = job.state
        self._settings = job.state.settings
        self._chunks = ChunkScheduler(job)
        self._receive = receive
        self._seconds = job.seconds
        self._limit = self._settings.json_photo_body_bytes
        self._most = CHUNK_LISTINGS * CHUNKS_HELD * job.state.engine.workers
        self._held: deque[_Held] = deque()
        self._bytes = 0
        self._ahead: asyncio.Future[Message] | None = None
        self._room = asyncio.Event()
        self._news = asyncio.Event()
        self.lines = 0
        """Listings read so far."""
        self.received = 0
        """Bytes read so far."""
        self.has_ended = False
        self.error: PykutenError | None = None
        """Why the body was not read to its end."""

    async def read(self) -> None:
        """Read the body, then watch the connection; returns when the client is gone."""
        try:
            await self._read()
        except PykutenError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - unforeseen; what was read is answered
            event(logging.ERROR, "stream", error)
            self.error = Internal()
        self.has_ended = True
        self._news.set()
        if not isinstance(self.error, ClientGone):
            await disconnection(self._receive)

    async def first(self) -> _Held | None:
        """The oldest line that was not taken out, waiting for one if need be; None after the last."""
        while not self._held:
            if self.has_ended:
                return None
            self._news.clear()
            await self._news.wait()
        return self._held[0]

    @property
    def answered(self) -> bool:
        """Whether the oldest line has its answer."""
        return bool(self._held) and self._held[0].answer.done()

    def take(self) -> _Held:
        """Take the oldest line out, which makes room for others."""
        held = self._held.popleft()
        self._bytes -= held.bytes
        self._state.bodies.release(held.bytes)
        self._room.set()
        return held

    def close(self) -> None:
        """Drop what was not taken out."""
        self._chunks.close()
        if self._ahead is not None:
            self._ahead.cancel()
        while self._held:
            self.take()

    async def _read(self) -> None:
        lines = LineSplitter(self._limit)
        end = time.monotonic() + self._settings.stream_seconds
        due = self._next_due()
        stopping = asyncio.ensure_future(self._state.stopping.wait())
        try:
            more = True
            while more:
                piece, more = await self._piece(min(due, end), stopping)
                before = self.lines
                for line in lines.feed(piece):
                    await self._add(line)
                if self.lines > before:  # blank lines and parts of lines do not keep a stream open
                    due = self._next_due()
            for line in lines.end():
                await self._add(line)
        except SlowClient:
            raise DeadlineExceeded if time.monotonic() >= end else SlowClient from None
        finally:
            stopping.cancel()

    def _next_due(self) -> float:
        return time.monotonic() + self._settings.stream_line_seconds

    async def _piece(self, due: float, stopping: asyncio.Future[Literal[True]]) -> tuple[bytes, bool]:
        """The next piece of the body, and whether there are more. Raises ClientGone, SlowClient or Draining."""
        if time.monotonic() >= due:
            raise SlowClient
        message = self._ahead or asyncio.ensure_future(self._receive())
        self._ahead = None
        try:
            left = due - time.monotonic()
            await asyncio.wait((message, stopping), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not message.done():
                raise Draining if stopping.done() else SlowClient
        finally:
            message.cancel()
        found = _present(message)
        piece = found.get("body", b"")
        self.received += len(piece)
        return piece, found.get("more_body", False)

    async def _add(self, line: bytes | None) -> None:
        size = len(line or b"")
        if len(self._held) >= self._most:
            while len(self._held) > self._most * 3 // 4:  # not woken for each
                await self._make_room()
        while self._held and self._bytes + size > self._limit:
            await self._make_room()
        while True:
            try:
                self._state.bodies.hold(size)
                break
            except Overloaded:
                if not self._held:
                    raise
                await self._make_room()
        self._bytes += size
        item = LineItem(self.lines, self._settings, line=line)
        deadline = time.monotonic() + self._seconds
        self._held.append(_Held(item, size, deadline, self._chunks.add(item, deadline)))
        self.lines += 1
        self._news.set()

    async def _make_room(self) -> None:
        """Wait until a line was taken out. Raises ClientGone: one piece of the body is read ahead, to notice that."""
        self._room.clear()
        room = asyncio.ensure_future(self._room.wait())
        try:
            if self._ahead is None:
                self._ahead = asyncio.ensure_future(self._receive())
            if not self._ahead.done():
                await asyncio.wait((room, self._ahead), return_when=asyncio.FIRST_COMPLETED)
            if self._ahead.done():
                _present(self._ahead)
                await room
        finally:
            room.cancel()


def _present(message: asyncio.Future[Message]) -> Message:
    """The message. Raises ClientGone where it says so."""
    if message.result()["type"] == "http.disconnect":
        raise ClientGone
    return message.result()


class LineStream(Response):
    """The answer to a stream: reads the request's body itself, while it is sent.

    Errors before the first line are raised, and answered as everywhere; the status of what follows is in each line.
    """

    media_type = NDJSON

    def __init__(self, job: PredictionJob) -> None:
        self._job = job
        self._record = context_of(job.request)
        self._started = False
        self.status_code = 200
        self.background = None
        # A proxy that collects the answer first would defeat it; nginx reads this header.
        self.init_headers({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        state = self._job.state
        self._record.streams = True
        with state.streams.take(), closing(Intake(self._job, receive)) as intake:
            reading = asyncio.ensure_future(intake.read())
            writing = asyncio.ensure_future(self._write(intake, send))
            try:
                await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
                if writing.done():
                    writing.result()
                elif not self._started:
                    raise ClientGone
                else:
                    self._record.code = ClientGone.code
            finally:
                self._record.bytes_in = intake.received
                for task in (reading, writing):
                    task.cancel()
                    with suppress(asyncio.CancelledError, Exception):
                        await task

    async def _write(self, intake: Intake, send: Send) -> None:
        if await intake.first() is None:
            raise intake.error or InvalidRequest.at("", "The body holds no listing.")
        self._started = True
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while held := await intake.first():
            await asyncio.wait((held.answer,), timeout=max(0.0, held.deadline + ASSEMBLY_SECONDS - time.monotonic()))
            written = [self._line(intake.take())]
            while intake.answered:
                written.append(self._line(intake.take()))
            await send({"type": "http.response.body", "body": b"".join(written), "more_body": True})
        last = b""
        if intake.error is not None:
            self._record.code = intake.error.code
            last = _encode(result_body(intake.lines, None, intake.error, self._job.labels, self._record.request_id))
        await send({"type": "http.response.body", "body": last, "more_body": False})

    def _line(self, held: _Held) -> bytes:
        answer = held.answer.result() if held.answer.done() else DeadlineExceeded()
        return _encode(result_body(held.item.index, held.item.id, answer, self._job.labels, self._record.request_id))


def _encode(result: PredictedItem | FailedItem) -> bytes:
    return to_json(result, inf_nan_mode="null") + b"\n"
