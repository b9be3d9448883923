"""The service as people run it: `python -m service` in a process of its own, on a free port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.soak.process import ROOT, ServerProcess

__all__ = ["ROOT", "real_server"]


@contextmanager
def real_server(**settings: object) -> Iterator[str]:
    """The address (`http://127.0.0.1:PORT`) of a service that is ready. It has to end well when it is told to stop."""
    with ServerProcess(**({"drain_seconds": 0, "shutdown_seconds": 3} | settings)) as server:  # type: ignore[arg-type]
        server.wait_until_ready().close()
        yield server.address
        server.stop()
