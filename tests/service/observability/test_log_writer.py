from __future__ import annotations

import io
import logging
import threading
import time

import pytest

from service.observability.logs import LogWriter


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "x", 1, text, None, None)


def test_lines_keep_their_order_and_are_all_there_at_the_end() -> None:
    stream = io.StringIO()
    writer = LogWriter(stream)
    for number in range(3000):
        writer.handle(record(f"line {number}"))
    writer.close()
    assert stream.getvalue().splitlines() == [f"line {number}" for number in range(3000)]
    writer.close()


def test_a_line_is_written_soon_and_by_another_thread() -> None:
    threads: list[str] = []

    class Stream(io.StringIO):
        def write(self, text: str) -> int:
            threads.append(threading.current_thread().name)
            return super().write(text)

    stream = Stream()
    writer = LogWriter(stream)
    writer.handle(record("here"))
    end = time.monotonic() + 5
    while not stream.getvalue() and time.monotonic() < end:
        time.sleep(0.005)
    assert stream.getvalue() == "here\n"
    assert threads == ["log-writer"]
    writer.close()


def test_a_stream_that_fails_once_is_used_again(capsys: object) -> None:
    class Stream(io.StringIO):
        broken = True

        def flush(self) -> None:
            if self.broken:
                self.broken = False
                raise OSError("no space left")

    stream = Stream()
    writer = LogWriter(stream)
    writer.handle(record("one"))
    time.sleep(0.2)
    writer.handle(record("two"))
    writer.close()
    assert stream.getvalue().splitlines() == ["one", "two"]


def test_what_is_filtered_is_not_written() -> None:
    stream = io.StringIO()
    writer = LogWriter(stream)
    writer.addFilter(lambda one: "secret" not in one.msg)
    writer.handle(record("secret"))
    writer.handle(record("open"))
    writer.close()
    assert stream.getvalue() == "open\n"


def test_a_stream_that_was_closed_is_not_written_to(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    writer = LogWriter(stream)
    stream.close()
    writer.handle(record("late"))
    writer.close()
    assert capsys.readouterr() == ("", "")
