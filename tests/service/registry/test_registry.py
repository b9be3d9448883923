"""Which version serves: loading, swapping, refusing, falling back."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import Counter
from pathlib import Path

import pytest

from models.errors import NoVersion, VersionRefused, VersionUnknown
from models.listing import Listing
from models.predictor import Predictor
from models.versions.store import Store
from service.errors import Overloaded
from service.registry.refusals import RETRY_SECONDS
from service.registry.registry import Registry
from tests.service.conftest import Start
from tests.service.fake_predictor import FakePredictor, seal_version
from tests.service.live_server import wait_until

IDLE_SECONDS = 600.0


class Loader:
    """Counts loads; refuses the versions in `bad`, and fails on those in `broken` as a library would."""

    def __init__(self) -> None:
        self.loads: Counter[str] = Counter()
        self.bad: set[str] = set()
        self.broken: set[str] = set()

    def __call__(self, folder: Path) -> Predictor:
        self.loads[folder.name] += 1
        if folder.name in self.bad:
            raise VersionRefused("image.bin has another checksum than the manifest says")
        if folder.name in self.broken:
            raise RuntimeError("the library says something")
        return FakePredictor(folder.name)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def states(registry: Registry) -> dict[str, str]:
    return {entry.version: entry.state.value for entry in registry.states()}


def test_nothing_is_loaded_before_it_is_asked(store: Store) -> None:
    with pytest.raises(NoVersion):
        _ = Registry(store, Loader()).current


@pytest.mark.anyio
async def test_a_promoted_version_is_swapped_in_and_an_old_one_kept_while_it_is_asked_for(store: Store) -> None:
    loader, clock = Loader(), Clock()
    registry = Registry(store, loader, clock=clock)
    await registry.refresh()
    first = await registry.get(store.current())
    assert first is registry.current
    assert first.predictor.version == store.current()
    await registry.refresh()
    assert registry.current is first

    newest = seal_version(store, 26)
    store.promote(newest)
    await registry.refresh()
    assert registry.current.predictor.version == newest
    assert states(registry)[newest] == "serving"
    assert await registry.get(first.predictor.version) is first

    store.rollback()
    await registry.refresh()
    assert registry.current is first  # still in memory: at once
    assert max(loader.loads.values()) == 1
    assert registry.swaps == 3

    assert states(registry)[newest] == "available"  # nobody asked for it by name
    await registry.get(newest)
    clock.now += IDLE_SECONDS
    await registry.get(newest)
    await registry.refresh()
    assert states(registry)[newest] == "loaded"
    clock.now += IDLE_SECONDS + 1
    await registry.refresh()
    assert states(registry) == {newest: "available", first.version: "serving", store.versions()[-1]: "available"}


@pytest.mark.anyio
async def test_a_version_is_released_when_its_last_request_is_done(store: Store) -> None:
    """Not when something gets round to it: nothing but the request holds it."""

    registry = Registry(store, Loader())
    await registry.refresh()
    held = registry.current
    old = weakref.ref(held.predictor)
    store.promote(seal_version(store, 26))
    await registry.refresh()
    assert registry.current is not held
    assert old() is not None
    assert held.predictor.predict(Listing("a")).version == held.version
    del held
    assert old() is None


@pytest.mark.parametrize("kind", ["bad", "broken"])
@pytest.mark.anyio
async def test_a_refused_version_changes_nothing(store: Store, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    loader, clock = Loader(), Clock()
    registry = Registry(store, loader, clock=clock)
    await registry.refresh()
    before = registry.current
    newest = seal_version(store, 26)
    store.promote(newest)
    getattr(loader, kind).add(newest)
    with caplog.at_level(logging.ERROR, "pykuten"):
        for _ in range(3):
            await registry.refresh()
    assert registry.current is before
    assert states(registry)[newest] == "refused"
    assert loader.loads[newest] == 1  # not tried again at once
    assert registry.is_degraded
    assert registry.refusal is not None
    assert (registry.refusal.version, registry.refusal.code) == (newest, "load_failed")
    assert registry.outcomes == {"loaded": 1, "load_failed": 1}
    assert [r.message for r in caplog.records if r.levelno >= logging.ERROR] == ["version refused"]
    with pytest.raises(VersionRefused):
        await registry.get(newest)

    getattr(loader, kind).clear()  # it was this machine's fault
    clock.now += RETRY_SECONDS
    await registry.refresh()
    assert registry.current.predictor.version == newest
    assert states(registry)[newest] == "serving"
    assert registry.refusal is None
    assert not registry.is_degraded


@pytest.mark.parametrize("change", ["a file", "the pointer"])
@pytest.mark.anyio
async def test_a_refused_version_is_tried_again_when_something_changes(store: Store, change: str) -> None:
    loader = Loader()
    registry = Registry(store, loader)
    await registry.refresh()
    newest = seal_version(store, 26)
    store.promote(newest)
    loader.bad.add(newest)
    for _ in range(3):
        await registry.refresh()
    assert loader.loads[newest] == 1
    loader.bad.clear()
    if change == "a file":
        path = store.folder(newest) / "metrics.json"
        path.write_bytes(path.read_bytes())
    else:
        store.promote(newest)
    await registry.refresh()
    assert registry.current.version == newest
    assert loader.loads[newest] == 2


@pytest.mark.anyio
async def test_a_promoted_version_that_is_not_there_is_said_to_be_missing(store: Store) -> None:
    registry = Registry(store, Loader())
    await registry.refresh()
    before = registry.current
    (store.root / "current").write_text("2026.11.29-0000000\n")
    await registry.refresh()
    await registry.refresh()
    assert registry.current is before
    assert registry.refusal is not None
    assert registry.refusal.code == "version_missing"
    assert registry.outcomes["version_missing"] == 1


@pytest.mark.anyio
async def test_a_start_with_a_refused_version_takes_the_last_good_one(store: Store) -> None:
    loader = Loader()
    good, promoted = store.versions()[1], store.versions()[0]
    newer = seal_version(store, 28)  # never promoted: never served unasked
    loader.bad.add(promoted)
    registry = Registry(store, loader)
    await registry.refresh()
    assert registry.current.predictor.version == good
    assert registry.promoted() == promoted
    assert states(registry) == {newer: "available", promoted: "refused", good: "serving"}


@pytest.mark.anyio
async def test_a_start_with_nothing_loadable_recovers(store: Store) -> None:
    loader, clock = Loader(), Clock()
    loader.bad.update(store.versions())
    registry = Registry(store, loader, clock=clock)
    await registry.refresh()
    with pytest.raises(NoVersion):
        registry.require()
    store.promote(newest := seal_version(store, 26))
    await registry.refresh()
    assert registry.current.predictor.version == newest


@pytest.mark.anyio
async def test_a_store_that_goes_away_does_not_matter(store: Store, tmp_path: Path) -> None:
    registry = Registry(store, Loader())
    await registry.refresh()
    before = registry.current
    store.root.rename(tmp_path / "elsewhere")
    await registry.refresh()
    assert registry.current is before
    assert registry.states() == []


@pytest.mark.anyio
async def test_versions_by_name_are_loaded_once_and_the_least_used_is_dropped(store: Store) -> None:
    loader = Loader()
    registry = Registry(store, loader, memory_bytes=2, weigh=lambda folder: 1)
    await registry.refresh()
    state, older = store.versions()
    oldest = seal_version(store, 23)
    versions = await asyncio.gather(*(registry.get(older) for _ in range(5)))
    assert len({id(version) for version in versions}) == 1
    assert loader.loads[older] == 1
    await registry.get(oldest)
    assert states(registry) == {state: "serving", older: "available", oldest: "loaded"}
    for name in ("nope", "../" + older, "", "x" * 100):
        with pytest.raises(VersionUnknown):
            await registry.get(name)


@pytest.mark.anyio
async def test_a_version_that_would_not_fit_beside_the_serving_one_is_not_loaded(store: Store) -> None:
    loader = Loader()
    weights = dict(zip(store.versions(), (60, 50), strict=True))
    registry = Registry(store, loader, memory_bytes=100, weigh=lambda folder: weights[folder.name])
    await registry.refresh()
    state, older = store.versions()
    with pytest.raises(VersionRefused):
        await registry.get(older)
    assert loader.loads == {state: 1}
    assert registry.outcomes == {"loaded": 1, "over_memory": 1}
    assert states(registry)[older] == "available"  # it is not the version's fault
    store.promote(older)  # the serving one is always kept, and a swap is not held up
    await registry.refresh()
    assert registry.current.version == older


@pytest.mark.anyio
async def test_only_so_many_may_wait_for_loads(store: Store) -> None:
    registry = Registry(store, Loader())
    results = await asyncio.gather(*(registry.get(f"v{n}") for n in range(30)), return_exceptions=True)
    kinds = Counter(type(result) for result in results)
    assert kinds == {VersionUnknown: 8, Overloaded: 22}


def test_the_app_follows_the_store(start: Start, store: Store) -> None:
    with start() as client:
        newest = seal_version(store, 26)
        store.promote(newest)
        ask = {"designation": "a"}
        wait_until(lambda: client.post("/predict/text", json=ask).json()["model"]["version"] == newest)
        assert client.get("/health/ready").json()["version"] == newest


def test_a_refused_version_by_name_is_unavailable_and_says_so(start: Start, store: Store) -> None:
    loader = Loader()
    older = store.versions()[1]
    loader.bad.add(older)
    with start(load=loader) as client:
        response = client.post(f"/predict/text?version={older}", json={"designation": "a"})
        assert (response.status_code, response.json()["code"]) == (503, "model_unavailable")
        assert "retry-after" in response.headers
        entry = client.get("/models").json()["versions"][1]
        assert entry["state"] == "refused"
        assert entry["code"] == "load_failed"
        assert "models verify" in entry["reason"]
        assert "checksum" not in client.get("/models").text
        assert client.get("/health/ready").status_code == 200
