"""Versions that change under the server: promoted in turn; now and then a harmed one, which must be refused."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from random import Random

from models.versions.manifest import read_manifest, write_manifest
from models.versions.store import CURRENT, Store
from tests.contract.test_refused_versions import CONTENT, spoil_content
from tests.models.tiny_version import make_version
from tests.soak.report import Watch
from tests.soak.wire import Broken, Client

HARM_EVERY = 4
TAKE_UP_SECONDS = 60.0


def swapping(port: int, store: Store, watch: Watch, seed: int, *, seconds: float) -> None:
    """Swap every so many seconds until it is time to stop."""
    chance, client = Random(seed), Client(port, seconds=30)
    versions = store.versions()
    number = 0
    while not watch.stop.wait(seconds) and not watch.draining.is_set():
        number += 1
        if number % HARM_EVERY == 0:
            _harm(store, client, watch, chance)
            continue
        version = versions[number % len(versions)]
        store.promote(version)
        if _until(client, watch, lambda body, wanted=version: body["serving"] == wanted):  # type: ignore[misc]
            watch.swaps += 1
        elif watch.goes_on and not watch.draining.is_set():
            watch.count("swap", f"{version} does not serve after {TAKE_UP_SECONDS:.0f} s")
    client.close()


def _harm(store: Store, client: Client, watch: Watch, chance: Random) -> None:
    """Promote a version that is damaged; it must be refused, and the old one must go on."""
    before = store.current()
    harmed = seal_again(store, store.folder(before), {"soak": chance.randrange(10**9)})
    folder = store.folder(harmed)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    spoil_content(chance.choice(files), chance.choice(sorted(CONTENT)))
    _point(store, harmed)
    if _until(client, watch, lambda body: (body["refusal"] or {}).get("version") == harmed):
        watch.harms += 1
        answer = client.ask("GET", "/health/ready")
        if answer.status == 200 and answer.json()["version"] != before:
            watch.count("harm", "a harmed version serves")
    elif watch.goes_on and not watch.draining.is_set():
        watch.count("harm", f"{harmed} is not refused after {TAKE_UP_SECONDS:.0f} s")
    _point(store, before)
    shutil.rmtree(folder)


def seal_again(store: Store, source: Path, run: dict[str, object]) -> str:
    """Seal the files of a version once more, under a manifest with another run; returns the new name."""
    fields = dict(read_manifest(source))
    for name in ("format_version", "version", "digest", "files"):
        del fields[name]
    with store.draft() as draft:
        shutil.copytree(source, draft, dirs_exist_ok=True)
        manifest = write_manifest(draft, **(fields | {"run": run}))
        store.seal(draft, manifest.version)
    return manifest.version


def soak_store(root: Path, source: Path | None) -> Store:
    """A store of two or more versions, the oldest promoted: tiny ones with other answers each, or real ones."""
    store = Store(root)
    if source is None:
        for number, classes in enumerate((4, 6, 3)):
            make_version(root, day=20 + number, seed=number, classes=classes)
    else:
        root.mkdir()
        for version in Store(source).versions():
            shutil.copytree(source / version, root / version)
        if len(store.versions()) == 1:
            seal_again(store, store.folder(store.versions()[0]), {"twin": True})
    store.promote(store.versions()[-1])
    return store


def _point(store: Store, version: str) -> None:
    hand = store.root / ".hand"
    hand.write_text(version + "\n")
    hand.replace(store.root / CURRENT)


def _until(client: Client, watch: Watch, enough: object) -> bool:
    end = time.monotonic() + TAKE_UP_SECONDS
    while time.monotonic() < end and watch.goes_on and not watch.draining.is_set():
        try:
            if enough(client.ask("GET", "/models").json()):  # type: ignore[operator]
                return True
        except (Broken, OSError) as error:
            if not watch.draining.is_set():
                watch.count("swap", f"no answer: {error}")
        time.sleep(0.2)
    return False
