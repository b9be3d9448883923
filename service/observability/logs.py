"""JSON lines on stdout, never with listing text, file names, query strings, or exceptions' messages (they quote)."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any, TextIO

LOGGER = logging.getLogger("pykuten")


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
    found: dict[str, Any] = {"error": type(error).__qualname__, "trace": frames[-20:]}
    if error.__cause__ is not None:
        found["cause"] = trace(error.__cause__)
    return found


def event(level: int, name: str, error: BaseException | None = None, **fields: object) -> None:
    """Log one event of the service."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, name, exc_info=error, extra={"fields": fields})


def configure(level: str) -> None:
    """Send this service's and the server's log lines to stdout. Called by `__main__` only."""
    handler = LogWriter(sys.stdout)
    handler.setFormatter(JsonFormatter())
    # What no line shows need not be looked up for each (the logging package's own advice for speed).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(level.upper())
    for name in ("python_multipart", "uvicorn.error"):  # they warn of every malformed form and request
        logging.getLogger(name).setLevel(logging.ERROR)


GATHER_SECONDS = 0.02
"""Lines wait so long for others to be written with."""
MAX_LINES = 1000
"""Lines that are written in one go."""
CLOSE_SECONDS = 5.0
"""Longest wait at the end for a reader that does not read."""


class LogWriter(logging.Handler):
    """A handler whose lines reach `stream` in their order, a moment later; `close` writes what is left."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._records: SimpleQueue[logging.LogRecord | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="log-writer", daemon=True)
        self._thread.start()

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record, without the lock that handlers have for their streams."""
        if not self.filter(record):
            return False
        self._records.put(record)
        return True

    def close(self) -> None:
        """Write what is left, and stop."""
        if self._thread.is_alive():
            self._records.put(None)
            self._thread.join(CLOSE_SECONDS)
        super().close()

    def _work(self) -> None:
        going_on = True
        while going_on:
            records = [self._records.get()]
            time.sleep(GATHER_SECONDS)
            while len(records) < MAX_LINES:
                try:
                    records.append(self._records.get_nowait())
                except Empty:
                    break
            if None in records:
                going_on = False
            self._write([record for record in records if record is not None])

    def _write(self, records: list[logging.LogRecord]) -> None:
        if self._stream.closed:
            return  # nobody is left to read it, nor to be told
        try:
            self._stream.write("".join(f"{self.format(record)}\n" for record in records))
            self._stream.flush()
        except Exception:  # noqa: BLE001 - a full disk or a closed pipe must not end the logging for good
            for record in records[:1]:
                self.handleError(record)
