"""A memory limit as a container has it: a control group of the kernel (version 1 or 2). Needs root."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
BYTES_PER_MB = 1_000_000


class MemoryGroup:
    """A control group whose processes may have so much memory together; what they need beyond it ends one of them."""

    def __init__(self, folder: Path, limit_mb: int) -> None:
        self._folder = folder
        limit = folder / ("memory.limit_in_bytes" if self._is_v1 else "memory.max")
        limit.write_text(str(limit_mb * BYTES_PER_MB))

    @property
    def prepare(self) -> Callable[[], None]:
        """To be called in a process that is to be limited."""
        place = self._folder / "cgroup.procs"

        def join() -> None:
            place.write_text(str(os.getpid()))

        return join

    @property
    def killed(self) -> int:
        """Processes that the kernel ended for lack of memory."""
        events = (self._folder / ("memory.oom_control" if self._is_v1 else "memory.events")).read_text()
        match = re.search(r"^oom_kill (\d+)$", events, re.MULTILINE)
        return int(match[1]) if match else 0

    @property
    def _is_v1(self) -> bool:
        return (self._folder / "memory.limit_in_bytes").exists()


@contextlib.contextmanager
def memory_group(limit_mb: int) -> Iterator[MemoryGroup]:
    """A group for as long as the block runs. Raises OSError where groups cannot be made."""
    parent = CONTROL_GROUPS / "memory" if (CONTROL_GROUPS / "memory").is_dir() else CONTROL_GROUPS
    folder = parent / f"pykuten-soak-{os.getpid()}"
    folder.mkdir()
    try:
        yield MemoryGroup(folder, limit_mb)
    finally:
        with contextlib.suppress(OSError):  # a process of it is still there
            folder.rmdir()
