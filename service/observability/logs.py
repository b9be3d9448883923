"""JSON lines on stdout, never with listing text, file names, query strings, or exceptions' messages (they quote)."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue
from typing import Any, TextIO

LOGGER = logging.getLogger("pykuten")

Line = logging.LogRecord | str
"""What the log's queue holds: a record, or a line that is formatted already."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, event, and the fields given as `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, ASCII only, so that no field can start a line of its own."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage().strip(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line |= trace(record.exc_info[1])
        return json.dumps(line, default=str)


def trace(error: BaseException) -> dict[str, Any]:
    """Type and frames of an exception and of what caused it, without their messages."""
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    fields: dict[str, Any] = {"error": type(error).__qualname__, "trace": frames[-20:]}
    if error.__cause__ is not None:
        fields["cause"] = trace(error.__cause__)
    return fields


def event(level: int, name: str, error: BaseException | None = None, **fields: object) -> None:
    """Log one event of the service."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, name, exc_info=error, extra={"fields": fields})


def configure(level: str) -> None:
    """Send this service's and the server's log lines to stdout. Called by `__main__` only."""
    # A file of its own: at its end Python would wait for a `sys.stdout` that a thread writes to.
    stream = sys.__stdout__ and os.fdopen(os.dup(sys.__stdout__.fileno()), "w", encoding="ascii")
    for descriptor in (1, 2):
        _never_wait(descriptor)
    warnings.showwarning = _log_warning  # type: ignore[assignment]
    logging.raiseExceptions = False  # the logging package would print its own errors
    # What no line shows need not be looked up for each (the logging package's own advice for speed).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    root = logging.getLogger()
    root.handlers = [LogQueue(stream)]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(level.upper())
    for name in ("python_multipart", "uvicorn.error"):  # they warn of every malformed form and request
        logging.getLogger(name).setLevel(logging.ERROR)


def _log_warning(_message: Warning | str, category: type[Warning], filename: str, lineno: int, *_others: Any) -> None:
    """A library's warning, without its message, which may quote."""
    event(logging.WARNING, "warning", kind=category.__name__, place=f"{filename}:{lineno}")


def _never_wait(descriptor: int) -> None:
    """What libraries print does not wait for a reader that stalls: what a full pipe or terminal does not take is lost.

    The file is opened once more, for others may share it as it is. A file on disk never stalls; a socket cannot be
    opened, and stays as it is.
    """
    with suppress(OSError):  # also where /proc is not there, and where nobody reads any more
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
            own = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            os.dup2(own, descriptor)
            os.close(own)


QUEUE_LINES = 1_000
"""Lines that wait for a reader that stalls: about 1 MB, and three seconds of a busy service."""
GATHER_SECONDS = 0.02
"""Lines wait so long for others to be written with; a thread that woke for each would take the interpreter from the
event loop as often."""
CLOSE_SECONDS = 5.0
"""Longest wait at the end for a reader that does not read."""


class LogQueue(QueueHandler):
    """Hands records to a thread that formats and writes them to `stream`. Lines that find `capacity` others waiting are
    dropped, and the line after them says how many. Without a stream nothing is written.
    """

    queue: Queue[Line]
    dropped_in_all = 0
    """Lines dropped since the start."""

    def __init__(self, stream: TextIO | None, capacity: int = QUEUE_LINES) -> None:
        super().__init__(Queue(capacity))
        self.setFormatter(JsonFormatter())
        self._dropped = 0
        _Writer(self.queue, stream, self.format).start()

    def prepare(self, record: logging.LogRecord) -> Line:
        """The record as it is, but an error as its line: the frames of an error can hold a photo."""
        return self.format(record) if record.exc_info else record

    def enqueue(self, record: Line) -> None:
        """Put a line into the queue, or count it as dropped."""
        try:
            if self._dropped:
                fields = {"fields": {"lines": self._dropped}}
                notice = LOGGER.makeRecord(LOGGER.name, logging.WARNING, "", 0, "lines dropped", (), None, extra=fields)
                self.queue.put_nowait(self.prepare(notice))
                self._dropped = 0
            self.queue.put_nowait(record)
        except Full:
            self._drop()

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - the base class' name
        """A line that cannot be written down is dropped, too."""
        self._drop()

    def _drop(self) -> None:
        self._dropped += 1
        self.dropped_in_all += 1

    def close(self) -> None:
        """Wait until what is queued is written, but not for long."""
        with self.queue.all_tasks_done:
            self.queue.all_tasks_done.wait_for(lambda: not self.queue.unfinished_tasks, CLOSE_SECONDS)
        super().close()


class _Writer(QueueListener):
    queue: Queue[Line]

    def __init__(self, queue: Queue[Line], stream: TextIO | None, form: Callable[[logging.LogRecord], str]) -> None:
        super().__init__(queue)
        self._stream, self._format = stream, form

    def handle(self, record: Line) -> None:
        is_last = self.queue.empty()
        with suppress(Exception):  # a full disk, a closed pipe or an odd line must not end the logging for good
            line = record if isinstance(record, str) else self._format(record)
            print(line, file=self._stream, flush=is_last)
        if is_last:
            time.sleep(GATHER_SECONDS)
