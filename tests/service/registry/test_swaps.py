"""Versions that change under a running service: real ones, tiny. See RELIABILITY F5 to F8."""

from __future__ import annotations

import gc
import http.client
import json
import shutil
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.predictor import Predictor
from models.versions.store import CURRENT, Store
from service.app import create_app
from service.registry.loading import load_warm
from service.registry.registry import Registry, State
from service.settings import Settings
from tests.contract.test_refused_versions import CONTENT, FILES, PLACE, spoil_content
from tests.models.tiny_version import listing, make_version
from tests.service.live_server import server

pytestmark = pytest.mark.alone

HARMS: dict[str, Callable[[Path], None]] = {
    **{kind: lambda path, kind=kind: spoil_content(path, kind) for kind in CONTENT},  # type: ignore[misc]
    **{kind: harm for kind, harm in PLACE.items() if kind != "a file more"},
}
"""The eleven of F5; what a file more does is in tests/contract/test_refused_versions.py."""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three versions, of 4, 6 and 3 categories and other weights, the oldest promoted. Shared: not to be changed."""
    store = Store(tmp_path_factory.mktemp("swaps") / "store")
    versions = [make_version(store.root, day=20 + n, seed=n, classes=classes) for n, classes in enumerate((4, 6, 3))]
    store.promote(versions[0])
    return store


@pytest.fixture
def store(pristine: Store, tmp_path: Path) -> Store:
    return Store(Path(shutil.copytree(pristine.root, tmp_path / "store")))


def point(store: Store, version: str) -> None:
    """Promote without looking at the version, as a hand or another tool may."""
    draft = store.root / ".hand"
    draft.write_text(version + "\n")
    draft.replace(store.root / CURRENT)


def answers_of(predictor: Predictor) -> list[object]:
    """Everything about some answers, bit for bit."""
    listings = [listing(0), listing(1, description=2), listing(photo_of=1), listing(2, photo_of=0)]
    answers: list[object] = []
    for content in listings:
        prepared = predictor.prepare(content)
        answers.append(predictor.score([prepared])[0].fused.tobytes())
        answers.append(predictor.predict(content, top_k=3))
    return answers


def test_the_harms_are_the_eleven_of_the_contract() -> None:
    assert len(HARMS) == 11


@pytest.mark.parametrize("kind", HARMS)
@pytest.mark.anyio
async def test_a_harmed_version_never_replaces_the_one_that_serves(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hot: the old one goes on, and the reason is visible. Cold: the last good one is taken. Nothing is executed."""
    monkeypatch.chdir(store.root.parent)
    good, harmed = store.versions()[-1], store.versions()[1]
    kept = store.root.parent / "kept"
    shutil.copytree(store.folder(harmed), kept)

    hot = Registry(store, load_warm)
    await hot.refresh()
    before = hot.current
    for number, name in enumerate(FILES, 1):
        folder = store.root / harmed
        HARMS[kind](folder / name)
        point(store, harmed)
        cold = Registry(store, load_warm)
        for registry in (hot, cold):
            await registry.refresh()
            await registry.refresh()
            assert registry.current.version == good, name
            assert registry.is_degraded
            assert registry.refusal is not None, name
            assert registry.refusal.version == harmed
            assert registry.refusal.code in ("version_missing", "manifest_invalid", "files_changed"), name
        assert hot.current is before
        assert hot.outcomes.total() == 1 + number  # each harm was looked at once
        cold.close()
        shutil.rmtree(folder)
        (store.root / "outside").unlink(missing_ok=True)
        shutil.copytree(kept, folder)
    await hot.refresh()
    assert hot.current.version == harmed  # repaired, and taken up by itself
    hot.close()
    assert not (store.root.parent / "executed").exists()


def test_the_reason_is_told_in_fixed_words_and_counted(store: Store) -> None:
    from fastapi.testclient import TestClient

    good, harmed = store.versions()[-1], store.versions()[0]
    with TestClient(create_app(Settings(store=store.root, poll_seconds=0.05))) as client:
        spoil_content(store.folder(harmed) / "text.bin", "bit flip")
        point(store, harmed)
        models = wait_for(lambda: client.get("/models").json(), lambda body: body["refusal"] is not None)
        assert (models["serving"], models["promoted"]) == (good, harmed)
        assert models["refusal"]["code"] == "files_changed"
        assert models["versions"][0]["code"] == "files_changed"
        for word in ("text.bin", str(store.root), "Traceback"):
            assert word not in json.dumps(models)
        assert client.get("/health/ready").json() == {"status": "ready", "version": good}
        assert client.post(f"/predict/text?version={harmed}", json={"designation": "a"}).status_code == 503
        figures = client.get("/metrics").text
        assert 'pykuten_version_loads_total{outcome="files_changed"} 1.0' in figures
        assert "pykuten_degraded 1.0" in figures
        point(store, good)
        wait_for(lambda: client.get("/metrics").text, lambda text: "pykuten_degraded 0.0" in text)


def wait_for(ask: Callable[[], object], enough: Callable[[object], bool], seconds: float = 10) -> object:
    end = time.monotonic() + seconds
    while not enough(value := ask()):
        assert time.monotonic() < end, value
        time.sleep(0.02)
    return value


class Callers:
    """Threads that ask the same few things for ever, each over a connection that is kept."""

    def __init__(self, port: int, bodies: list[bytes], count: int = 4) -> None:
        self.answers: Counter[tuple[int, bytes]] = Counter()
        self.errors: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(port, bodies)) for _ in range(count)]

    def _call(self, port: int, bodies: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            while not self._stop.is_set():
                for number, body in enumerate(bodies):
                    connection.request("POST", "/predict?top_k=2", body, {"Content-Type": "application/json"})
                    response = connection.getresponse()
                    content = response.read()
                    self.answers[number if response.status == 200 else -response.status, content] += 1
        except Exception as error:  # noqa: BLE001 - the test looks at them
            self.errors.append(error)
        finally:
            connection.close()

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(20)


def bodies() -> list[bytes]:
    import base64

    photo = listing(photo_of=2).image
    assert photo is not None
    return [
        json.dumps({"designation": "Belle table neuve", "id": "a"}).encode(),
        json.dumps({"designation": "Lampe", "image": base64.b64encode(photo).decode(), "id": "b"}).encode(),
    ]


@pytest.mark.e2e
def test_swaps_under_load_make_no_error_and_no_mixed_answer(store: Store) -> None:
    """Every answer is, byte for byte, what one of the versions says by itself."""
    versions = store.versions()
    wanted: dict[int, set[bytes]] = {0: set(), 1: set()}
    with server(store, load=load_warm, poll_seconds=0.02) as running:
        for version in versions:  # by name: the same answer as when it serves
            for number, body in enumerate(bodies()):
                connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
                path = f"/predict?top_k=2&version={version}"
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                wanted[number].add(connection.getresponse().read())
                connection.close()
        assert [len(answers) for answers in wanted.values()] == [3, 3]
        registry = running.state.registry
        registry._cache._used_at.clear()  # so that swaps load anew
        registry._cache._others.clear()
        callers = Callers(running.port, bodies())
        with callers.running():
            for number in range(12):
                version = versions[number % len(versions)]
                store.promote(version)
                wait_for(lambda: registry.current_version, lambda current, version=version: current == version)  # type: ignore[misc]
                time.sleep(0.03)
    assert callers.errors == []
    assert {content for number, content in callers.answers if number == 0} == wanted[0]
    assert {content for number, content in callers.answers if number == 1} == wanted[1]
    assert all(number >= 0 for number, _ in callers.answers), callers.answers.keys()
    assert registry.swaps == 13
    assert registry.outcomes["loaded"] >= 12


@pytest.mark.e2e
def test_a_store_that_is_removed_while_serving_is_not_missed(store: Store) -> None:
    with server(store, load=load_warm, poll_seconds=0.02) as running:
        callers = Callers(running.port, bodies())
        with callers.running():
            wait_for(lambda: callers.answers.total(), lambda count: count >= 20)  # type: ignore[operator]
            shutil.rmtree(store.root)
            wait_for(lambda: running.state.registry.is_degraded, bool)
            before = callers.answers.total()
            wait_for(lambda: callers.answers.total(), lambda count: count >= before + 20)  # type: ignore[operator]
    assert callers.errors == []
    assert {number for number, _ in callers.answers} == {0, 1}
    assert len(callers.answers) == 2


@pytest.mark.anyio
async def test_a_rollback_takes_one_command_and_gives_the_same_bits(store: Store) -> None:
    from models.__main__ import main as models_command

    registry = Registry(store, load_warm)
    await registry.refresh()
    before, version = answers_of(registry.current.predictor), registry.current.version
    store.promote(store.versions()[0])
    await registry.refresh()
    assert answers_of(registry.current.predictor) != before
    start = time.monotonic()
    assert models_command(["--store", str(store.root), "rollback"]) == 0
    await registry.refresh()
    assert time.monotonic() - start < 5
    assert registry.current.version == version
    assert answers_of(registry.current.predictor) == before
    registry.close()


def resident_mib() -> float:
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(text.split("Rss:")[1].split()[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
@pytest.mark.anyio
async def test_twenty_swaps_release_what_they_replace(store: Store) -> None:

    registry = Registry(store, load_warm)
    gone: list[weakref.ref[Predictor]] = []
    sizes = []
    gc.disable()  # released, not found by the collector
    try:
        for number in range(24):
            version = store.versions()[number % 3]
            store.promote(version)
            await registry.refresh()
            assert registry.current_version == version
            answers_of(registry.current.predictor)
            assert [ref() for ref in gone] == [None] * number
            gone.append(weakref.ref(registry.current.predictor))
            sizes.append(resident_mib())
    finally:
        gc.enable()
    assert sizes[-1] - sizes[3] < 10, sizes
    assert [entry.state for entry in registry.states()].count(State.SERVING) == 1
    assert len(registry.loaded) == 1
    registry.close()


def test_an_idle_engine_keeps_no_version(store: Store) -> None:
    """A thread that waits for work held the version of its last."""
    from fastapi.testclient import TestClient

    with TestClient(create_app(Settings(store=store.root, poll_seconds=0.02))) as client:
        registry = client.app.state.service.registry  # type: ignore[attr-defined]
        for _ in range(8):
            assert client.post("/predict/text", json={"designation": "Belle table"}).status_code == 200
        old = weakref.ref(registry.current.predictor)
        store.promote(store.versions()[0])
        wait_for(lambda: registry.current_version, lambda current: current == store.versions()[0])
        wait_for(old, lambda predictor: predictor is None)
