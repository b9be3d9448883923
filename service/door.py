"""The listening socket: opened before anything is loaded, and closed without resetting anybody.

The system answers whoever is still in the line for a port when it is closed with a reset, although to that client it
is connected and has sent its request. So nobody new is let into the line first; who is in it is taken in meanwhile.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from contextlib import suppress

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
