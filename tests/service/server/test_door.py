"""The door: who is in the line for the port when it closes is taken in, and nobody new gets into it."""

from __future__ import annotations

import errno
import select
import socket
import sys
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from service.server import server as door

linux = pytest.mark.skipif(sys.platform != "linux", reason="the filter and the line's length are Linux's")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with door.listen("127.0.0.1", 0) as listener:
        yield listener


def connect(listener: socket.socket, seconds: float = 5) -> socket.socket:
    return socket.create_connection(listener.getsockname(), timeout=seconds)


@linux
def test_it_says_how_many_are_in_line(listener: socket.socket) -> None:
    assert door.in_line(listener) == 0
    clients = [connect(listener) for _ in range(3)]
    assert door.in_line(listener) == 3
    listener.accept()[0].close()
    assert door.in_line(listener) == 2
    for client in clients:
        client.close()


@pytest.mark.parametrize("info", [OSError(), b"short"])
def test_a_system_that_does_not_say_has_nobody_in_line(info: OSError | bytes) -> None:
    silent = Mock(spec=socket.socket)
    silent.getsockopt.side_effect = [info]
    assert door.in_line(silent) == 0


@linux
def test_who_is_in_line_is_taken_in_and_nobody_new_gets_into_it(listener: socket.socket) -> None:
    clients = [connect(listener) for _ in range(3)]
    door.admit_nobody_new(listener)
    with pytest.raises(TimeoutError):  # its system asks again, and again
        connect(listener, seconds=0.3)
    taken = [listener.accept()[0] for _ in clients]
    assert door.in_line(listener) == 0
    listener.close()
    for server, client in zip(taken, clients, strict=True):  # a filter that clients inherit lets them go on
        client.sendall(b"ask")
        assert server.recv(10) == b"ask"
        server.sendall(b"answer")
        server.close()
        assert client.recv(10) == b"answer"
        assert client.recv(10) == b""
        client.close()


@linux
def test_who_asked_while_the_door_closed_is_told_that_it_is_closed() -> None:
    listener = door.listen("127.0.0.1", 0)
    address = listener.getsockname()
    door.admit_nobody_new(listener)
    with socket.socket() as client:
        client.setblocking(False)
        assert client.connect_ex(address) == errno.EINPROGRESS
        listener.close()
        select.select([], [client], [], 10)
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


@linux
@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_without_the_filter_the_line_is_short(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(door, "SO_ATTACH_FILTER", 12345)  # as on a system that has none
    door.admit_nobody_new(listener)
    with connect(listener), pytest.raises(TimeoutError):
        connect(listener, seconds=0.3)


def test_a_port_that_is_taken_is_an_error(listener: socket.socket) -> None:
    with pytest.raises(OSError, match="in use"):
        door.listen("127.0.0.1", listener.getsockname()[1])
