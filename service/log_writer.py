"""Log lines written by a thread of their own, many in one go.

A write lets go of the interpreter's lock, and the event loop would then wait for its turn behind the threads that
predict: once for every request. So the loop only puts records on a queue.
"""

from __future__ import annotations

import logging
import threading
import time
from queue import Empty, SimpleQueue
from typing import TextIO

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
