"""The folder where a run keeps finished work: a sub-folder for each stage, named by the hash of its inputs.

An interrupted run goes on where it stopped, since stages whose inputs are the same are found finished; a changed
config, or another with the same catalogue, makes anew only what depends on the difference. Where two runs at the same
time need one stage, the second waits for the first.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
"""Part of every stage's key: raised when code changes what a stage with the same inputs produces."""
DONE = "done.json"


@dataclass(frozen=True, slots=True)
class Stage:
    """A finished stage: its folder, its key (part of the keys of stages built on it) and the seconds it once took."""

    folder: Path
    key: str
    seconds: float


class Workspace:
    """Finished stages below `root`; `say` prints one line for people."""

    def __init__(self, root: Path, say: Callable[[str], None] = print) -> None:
        self.root = root
        self.say = say

    def folder(self, name: str) -> Path:
        """A folder that is kept across runs whatever their inputs are, for photo hashes and the like."""
        path = self.root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def stage(self, name: str, inputs: Mapping[str, Any], make: Callable[[Path], None]) -> Stage:
        """Do a stage, or find it done. `inputs` (JSON types) are all that its result depends on.

        `make` writes into the folder that it is given. The folder of an interrupted stage is kept and given again, so
        that `make` may go on from what it finds there; a failed one leaves no mark of being finished.
        """
        key = hashlib.sha256(json.dumps([FORMAT, name, inputs], sort_keys=True).encode()).hexdigest()[:16]
        folder = self.root / f"{name}-{key}"
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / DONE
        if not done.exists():
            with self._alone(name, folder):
                if not done.exists():
                    return self._made(name, key, folder, inputs, make)
        self.say(f"[{name}] done before, kept ({key})")
        return Stage(folder, key, float(json.loads(done.read_text())["seconds"]))

    def _made(
        self, name: str, key: str, folder: Path, inputs: Mapping[str, Any], make: Callable[[Path], None]
    ) -> Stage:
        self.say(f"[{name}] starting ({key})")
        start = time.monotonic()
        make(folder)
        seconds = round(time.monotonic() - start, 1)
        partial = folder / f".{DONE}"
        partial.write_text(json.dumps({"seconds": seconds, "inputs": inputs}, sort_keys=True))
        partial.replace(folder / DONE)
        self.say(f"[{name}] finished in {seconds} s")
        return Stage(folder, key, seconds)

    @contextmanager
    def _alone(self, name: str, folder: Path) -> Iterator[None]:
        """Hold the stage's folder against other processes, which ends with this one however it ends."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say(f"[{name}] another run makes it: waiting")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
