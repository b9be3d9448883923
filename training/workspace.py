"""The folder where a run keeps finished work: a sub-folder for each stage, named by the hash of its inputs.

An interrupted run goes on where it stopped, since stages whose inputs are the same are found finished; a changed
config makes anew only what depends on the change.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
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
        done = folder / DONE
        if done.exists():
            self.say(f"[{name}] done before, kept ({key})")
            return Stage(folder, key, float(json.loads(done.read_text())["seconds"]))
        self.say(f"[{name}] starting ({key})")
        folder.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        make(folder)
        seconds = round(time.monotonic() - start, 1)
        partial = folder / f".{DONE}"
        partial.write_text(json.dumps({"seconds": seconds, "inputs": inputs}, sort_keys=True))
        partial.replace(done)
        self.say(f"[{name}] finished in {seconds} s")
        return Stage(folder, key, seconds)
