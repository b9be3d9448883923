"""One real server for all tests of a run that ask one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.real_server import real_server


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a running service with the shipped version."""
    with real_server() as address:
        yield address
