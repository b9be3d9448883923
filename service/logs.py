"""JSON lines on stdout, never with listing text, file names, query strings, or exceptions' messages (they quote)."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

from service.log_writer import LogWriter

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
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of every malformed form
