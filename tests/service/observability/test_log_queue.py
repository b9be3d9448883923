"""Log lines reach the stream in their order, and a reader that stalls or is gone harms nothing."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading

import pytest

from service.observability.logs import LogQueue


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "x", 1, text, None, None)


def events(text: str) -> list[str]:
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_lines_keep_their_order_and_are_all_there_at_the_end() -> None:
    stream = io.StringIO()
    queue = LogQueue(stream, capacity=3000)
    for number in range(3000):
        queue.handle(record(f"line {number}"))
    queue.close()
    assert events(stream.getvalue()) == [f"line {number}" for number in range(3000)]


def test_while_the_reader_stalls_lines_are_dropped_and_counted() -> None:
    reads = threading.Event()
    begun = threading.Event()

    class Stalled(io.StringIO):
        def write(self, text: str) -> int:
            begun.set()
            assert reads.wait(10)
            return super().write(text)

    stream = Stalled()
    queue = LogQueue(stream, capacity=10)
    queue.handle(record("0"))
    assert begun.wait(10)
    for number in range(1, 1001):
        queue.handle(record(str(number)))
    assert queue.queue.qsize() == 10
    reads.set()
    queue.close()
    queue.handle(record("after"))
    queue.close()
    assert events(stream.getvalue()) == [*map(str, range(11)), "lines dropped", "after"]
    assert json.loads(stream.getvalue().splitlines()[11])["lines"] == 990


@pytest.mark.parametrize("error", [OSError("no space left"), ValueError("closed")])
def test_a_stream_that_fails_once_is_used_again(error: Exception) -> None:
    class Stream(io.StringIO):
        errors = [error]

        def write(self, text: str) -> int:
            if self.errors:
                raise self.errors.pop()
            return super().write(text)

    stream = Stream()
    queue = LogQueue(stream)
    queue.handle(record("lost"))
    queue.handle(record("written"))
    queue.close()
    assert events(stream.getvalue()) == ["written"]


@pytest.mark.parametrize("stdout", ["closed", "stalled"])
def test_a_program_whose_log_nobody_reads_ends(stdout: str) -> None:
    """Its stdout closed by the shell, or a pipe that is full; with lines, warnings, and what libraries print."""
    code = (
        "import logging, os, warnings; from contextlib import suppress\n"
        "from service.observability import logs; logs.CLOSE_SECONDS = 0.5; logs.configure('info')\n"
        "for number in range(2000):\n"
        "    logs.event(logging.INFO, 'x' * 100); warnings.warn_explicit('x', UserWarning, 'x', number)\n"
        "    logging.getLogger('x').warning('%s %s', 'too few')\n"
        "    with suppress(BlockingIOError): os.write(2, b'.' * 100)"
    )
    read, write = os.pipe()
    try:
        program = [sys.executable, "-c", code]
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *program] if stdout == "closed" else program
        stderr = subprocess.PIPE if stdout == "closed" else write
        result = subprocess.run(command, stdout=write, stderr=stderr, text=True, timeout=20)
    finally:
        os.close(read)
        os.close(write)
    assert result.returncode == 0
    assert set(result.stderr or "") <= {"."}


def test_a_warning_is_a_line_without_its_text() -> None:
    code = "import warnings; from service.observability import logs; logs.configure('info'); warnings.warn('secret')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    line = json.loads(result.stdout)
    assert (line["event"], line["kind"], line["place"]) == ("warning", "UserWarning", "<string>:1")
    assert result.stderr == ""
    assert "secret" not in result.stdout


def test_a_record_that_cannot_be_written_down_is_dropped_and_counted() -> None:
    stream = io.StringIO()
    queue = LogQueue(stream)
    queue.handle(logging.LogRecord("x", logging.ERROR, "x", 1, "%s %s", ("too few",), (ValueError, ValueError(), None)))
    queue.handle(record("next"))
    queue.close()
    assert events(stream.getvalue()) == ["lines dropped", "next"]
    assert queue.dropped_in_all == 1
