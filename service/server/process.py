"""The process in its first moments. Imports nothing that takes time, for what it sets up must be there first."""

from __future__ import annotations

import os
import signal
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def begin() -> None:
    """Have signals that stop the process end it, and the standard descriptors belong to nobody else.

    Until the server serves and takes the signals over, the first one ends the process with 128 + its number. It needs a
    handler from the start: the first process of a container gets no signal that it does not handle. A supervisor may
    hold the signals back until here (`env --block-signal`).
    """
    for number in STOP_SIGNALS:
        signal.signal(number, exit_at_once)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    # A socket or file would get the number of a standard stream that is closed, and what is printed with it.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def exit_at_once(number: int, _frame: FrameType | None = None) -> None:
    """End with the exit code that shells give to the signal. Nothing is in flight; no lock or thread is waited for."""
    os._exit(128 + number)
