"""The server process: one port, one event loop, an orderly end.

On SIGTERM readiness turns to 503 and new predictions are refused at once, while the port stays open for
`drain_seconds`, so that balancers notice; then what is in flight is finished, for at most `shutdown_seconds`. Batches
and streams have half of that: listings that were not begun by then get `draining` in their place. Ctrl-C does the same
without the wait.
"""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI

from service.server.connection import connection_class
from service.settings import Settings
from service.state import ServiceState

DOORS = 16
"""Descriptors of the one listening socket. libuv takes in one connection at each turn of the loop for each of them: by
a single one, a loop that needs 50 ms for a turn on a busy machine takes in 20 a second, and whoever connects while 30 a
second come waits for half a minute (seen in a soak)."""
LAST_CALL_SECONDS = 0.2
"""Between taking nobody new into the line for the port and closing it, at least: connections that were promised to
clients far away are completed meanwhile."""
LINE_SECONDS = 2.0
"""The same at most: on a machine so busy that it has not taken in the line by then, the rest of it is reset."""


class Server(uvicorn.Server):
    """uvicorn's server, ending as described above."""

    def __init__(self, config: uvicorn.Config, state: ServiceState) -> None:
        super().__init__(config)
        self._state = state
        self._exit_at: float | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on the sockets until told to stop."""
        doors = [one.dup() for one in sockets or [] for _ in range(DOORS - 1)]
        await super().serve([*(sockets or []), *doors])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: drain. Second: exit now. The signal is not raised again, so that a clean end is exit code 0."""
        self._state.draining = True
        if self._exit_at is not None:
            self.should_exit = self.force_exit = True
            return
        wait = self._state.settings.drain_seconds if sig == signal.SIGTERM else 0.0
        self._exit_at = time.monotonic() + wait

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop."""
        if self._exit_at is not None and time.monotonic() >= self._exit_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port and finish what is in flight."""
        for one in sockets or []:
            admit_nobody_new(one)
        end = time.monotonic() + LINE_SECONDS
        await asyncio.sleep(LAST_CALL_SECONDS)
        while any(in_line(one) for one in sockets or []) and time.monotonic() < end:  # noqa: ASYNC110 - the system's
            await asyncio.sleep(0.01)
        seconds = self._state.settings.shutdown_seconds / 2
        stop = asyncio.get_running_loop().call_later(seconds, self._state.stopping.set)
        await super().shutdown(sockets)
        stop.cancel()


def make_server(app: FastAPI, settings: Settings) -> Server:
    """A server for the app; `run(sockets=[...])` serves until it is told to stop."""
    config = uvicorn.Config(
        app,
        http=connection_class(settings),
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=settings.head_bytes,
        proxy_headers=False,  # nothing here looks at the client's address
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    return Server(config, app.state.service)


BACKLOG = 2048
SO_ATTACH_FILTER = 26
"""Linux's name for "run this program on each packet that arrives"; it is the same on all its machines but sparc and
parisc, and Python has no constant for it."""
INFO_UNACKED_OFFSET = 24
"""Of `tcpi_unacked` in Linux's `struct tcp_info` (linux/tcp.h), 4 bytes; for a listening socket it says how many are
in its line."""
FLAGS_OFFSET = 13
SYN, ACK = 0x02, 0x10
"""The byte of flags in a TCP header and two of its bits (RFC 9293, section 3.1)."""
LOAD_BYTE, AND, JUMP_IF_EQUAL, RETURN = 0x30, 0x54, 0x15, 0x06
"""Codes of instructions (linux/bpf_common.h): BPF_LD | BPF_B | BPF_ABS, BPF_ALU | BPF_AND, BPF_JMP | BPF_JEQ,
BPF_RET."""
WHOLE = 0xFFFF_FFFF
"""So many bytes of a packet are kept: all."""
NO_NEWCOMERS = (
    (LOAD_BYTE, 0, 0, FLAGS_OFFSET),
    (AND, 0, 0, SYN | ACK),
    (JUMP_IF_EQUAL, 0, 1, SYN),
    (RETURN, 0, 0, 0),
    (RETURN, 0, 0, WHOLE),
)
"""A classic BPF program (Linux, Documentation/networking/filter.rst): drop a packet that asks for a connection, keep
the one that completes a connection which was promised before. Each instruction: code, jump if true, jump if false,
operand."""


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A listening socket, on a port that other processes may share. Raises OSError, before anything is loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=shared)


def admit_nobody_new(listener: socket.socket) -> None:
    """Keep newcomers out of the line for the port: their system asks again after a second, and is told by then that
    the port is closed, or gets another process' port. Where the system has no such filter, the line gets as short as
    it can be.
    """
    if sys.platform != "linux" or not _drop(listener):
        listener.listen(0)


def in_line(listener: socket.socket) -> int:
    """How many connections wait to be taken in; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    with suppress(OSError, struct.error):  # systems that stand in for Linux, such as sandboxes
        info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_UNACKED_OFFSET + 4)
        return int(struct.unpack_from("=I", info, INFO_UNACKED_OFFSET)[0])
    return 0


def _drop(listener: socket.socket) -> bool:
    instructions = (_Instruction * len(NO_NEWCOMERS))(*(_Instruction(*line) for line in NO_NEWCOMERS))
    program = _Program(len(instructions), instructions)
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(program))
        return True
    return False
