"""Publishing that is killed at any moment leaves a store of whole versions, and the next one works (RELIABILITY F4).

A process of its own forks publishers and kills them: one before each of its file operations in turn, then others after
a random time. Meanwhile this process reads the store, as a service does.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from models.errors import NoVersion
from models.predictor import Predictor
from models.versions.manifest import read_manifest, verify_files
from models.versions.store import Store
from tests.soak.swapping import seal_again

ROOT = Path(__file__).parents[2]
LONGEST = 0.1
"""Seconds until a random kill; a publication takes about half as long."""
FILE_EVENTS = frozenset({"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir", "shutil.copyfile"})
"""Audit events before file operations."""


def publish(store: Store, source: Path, number: int) -> None:
    """Publish and promote a version as a training run does: files of `source` under a manifest of their own."""
    store.promote(seal_again(store, source, {"number": number}))


def die_before_operation(number: int, root: Path) -> None:
    """Kill this process before its operation of this number on a file of the store."""
    operations = 0

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal operations
        if event in FILE_EVENTS and any(str(argument).startswith(str(root)) for argument in arguments):
            operations += 1
            if operations == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)


def fork(work: Callable[[], None]) -> int:
    """Do the work in a forked process; returns its number."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    return child


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def publish_and_die(root: Path, source: Path, random_kills: int) -> Iterator[int]:
    """Publishers that die at every operation, then at random; yields their exit codes. Ends with one that may live."""
    store, numbers = Store(root), count()

    def dying(operation: int) -> None:
        die_before_operation(operation, root)
        publish(store, source, next(numbers))

    def endless(first: int) -> None:
        for number in count(first):
            publish(store, source, number)

    for operation in count(1):
        next(numbers)
        yield (code := exit_code(fork(lambda: dying(operation))))  # noqa: B023 - called before the next turn
        if code != -signal.SIGKILL:
            break
    chance = random.Random(0)
    for attempt in range(1, random_kills + 1):
        child = fork(lambda: endless(attempt * 1_000_000))  # noqa: B023
        time.sleep(chance.uniform(0, LONGEST))
        os.kill(child, signal.SIGKILL)
        yield exit_code(child)
    yield exit_code(fork(lambda: publish(store, source, -1)))


@dataclass
class Reader:
    """Reads the store over and over, as a service does; `wrong` says what was out of order."""

    store: Store
    verified: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    rounds: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.read()
            except Exception as error:  # noqa: BLE001 - any error is a finding
                self.wrong.append(repr(error))
            self.rounds += 1
            time.sleep(0.002)

    def read(self) -> None:
        try:
            promoted = self.store.current()
        except NoVersion:
            promoted = None
        versions = self.store.versions()
        if promoted is not None and promoted not in versions:
            self.wrong.append(f"{promoted} is promoted but not there")
        for version in set(versions) - self.verified:
            folder = self.store.folder(version)
            verify_files(folder, read_manifest(folder))
            self.verified.add(version)
        if gone := self.verified - set(versions):
            self.wrong.append(f"{gone} disappeared")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
@pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_publication_is_never_seen(tiny_version: Path, tmp_path: Path, kills: int) -> None:
    store = Store(tmp_path / "store")
    reader = Reader(store)
    thread = threading.Thread(target=reader.run)
    thread.start()
    try:
        run = subprocess.run(
            [sys.executable, "-m", "tests.e2e.test_killed_publish", store.root, tiny_version, str(kills)],
            cwd=ROOT,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # a process with threads should not be forked
            capture_output=True,
            text=True,
            timeout=120 + kills,
            check=False,
        )
    finally:
        reader.stop.set()
        thread.join()
    assert run.returncode == 0, run.stderr
    codes = json.loads(run.stdout)
    reader.read()

    assert reader.wrong == []
    assert reader.rounds > 10
    at_operations, at_random, last = codes[: -kills - 1], codes[-kills - 1 : -1], codes[-1]
    assert len(at_operations) > 50
    assert set(at_operations[:-1]) == {-signal.SIGKILL}
    assert at_operations[-1] == 0, run.stderr
    assert set(at_random) == {-signal.SIGKILL}
    assert last == 0, run.stderr
    hidden = [path.name for path in store.root.iterdir() if path.name.startswith(".")]
    assert hidden == []
    assert {path.name for path in store.root.iterdir()} == {*store.versions(), "current", "history"}
    newest = Predictor.load(store.folder(store.current()))
    assert newest.manifest.run == {"number": -1}
    assert store.rollback() in reader.verified


if __name__ == "__main__":
    print(json.dumps(list(publish_and_die(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))))
