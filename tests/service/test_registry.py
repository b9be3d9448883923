"""Which version serves: loading, swapping, refusing, falling back."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from pathlib import Path

import pytest

from models.errors import NoVersion, VersionRefused, VersionUnknown
from models.predictor import Predictor
from models.store import Store
from service.errors import Overloaded
from service.registry import RETRY_SECONDS, Registry
from tests.service.conftest import Start
from tests.service.fake_predictor import FakePredictor, seal_version


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
    return {one.version: one.state.value for one in registry.states()}


def test_nothing_is_loaded_before_it_is_asked(store: Store) -> None:
    with pytest.raises(NoVersion):
        _ = Registry(store, Loader()).current


def test_a_promoted_version_is_swapped_in_and_the_old_one_kept(store: Store) -> None:
    async def test() -> None:
        loader = Loader()
        registry = Registry(store, loader)
        await registry.refresh()
        first = registry.current
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
        assert registry.current is first  # still in memory: at once, and bit-equal
        assert max(loader.loads.values()) == 1

    asyncio.run(test())


@pytest.mark.parametrize("kind", ["bad", "broken"])
def test_a_refused_version_changes_nothing(store: Store, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
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
        assert [record.message for record in caplog.records] == ["version refused"]
        with pytest.raises(VersionRefused):
            await registry.get(newest)

        getattr(loader, kind).clear()  # repaired
        clock.now += RETRY_SECONDS
        await registry.refresh()
        assert registry.current.predictor.version == newest
        assert states(registry)[newest] == "serving"

    asyncio.run(test())


def test_a_start_with_a_refused_version_takes_the_last_good_one(store: Store) -> None:
    async def test() -> None:
        loader = Loader()
        good, promoted = store.versions()[1], store.versions()[0]
        newer = seal_version(store, 28)  # never promoted: never served unasked
        loader.bad.add(promoted)
        registry = Registry(store, loader)
        await registry.refresh()
        assert registry.current.predictor.version == good
        assert registry.promoted() == promoted
        assert states(registry) == {newer: "available", promoted: "refused", good: "serving"}

    asyncio.run(test())


def test_a_start_with_nothing_loadable_recovers(store: Store) -> None:
    async def test() -> None:
        loader, clock = Loader(), Clock()
        loader.bad.update(store.versions())
        registry = Registry(store, loader, clock=clock)
        await registry.refresh()
        with pytest.raises(NoVersion):
            registry.require()
        store.promote(newest := seal_version(store, 26))
        await registry.refresh()
        assert registry.current.predictor.version == newest

    asyncio.run(test())


def test_a_store_that_goes_away_does_not_matter(store: Store, tmp_path: Path) -> None:
    async def test() -> None:
        registry = Registry(store, Loader())
        await registry.refresh()
        before = registry.current
        store.root.rename(tmp_path / "elsewhere")
        await registry.refresh()
        assert registry.current is before
        assert registry.states() == []

    asyncio.run(test())


def test_versions_by_name_are_loaded_once_and_the_least_used_is_dropped(store: Store) -> None:
    async def test() -> None:
        loader = Loader()
        registry = Registry(store, loader, capacity=2)
        await registry.refresh()
        serving, older = store.versions()
        oldest = seal_version(store, 23)
        found = await asyncio.gather(*(registry.get(older) for _ in range(5)))
        assert len({id(one) for one in found}) == 1
        assert loader.loads[older] == 1
        await registry.get(oldest)
        assert states(registry) == {serving: "serving", older: "available", oldest: "loaded"}
        for name in ("nope", "../" + older, "", "x" * 100):
            with pytest.raises(VersionUnknown):
                await registry.get(name)

    asyncio.run(test())


def test_only_so_many_may_wait_for_loads(store: Store) -> None:
    async def test() -> None:
        registry = Registry(store, Loader())
        found = await asyncio.gather(*(registry.get(f"v{n}") for n in range(30)), return_exceptions=True)
        kinds = Counter(type(one) for one in found)
        assert kinds == {VersionUnknown: 8, Overloaded: 22}

    asyncio.run(test())


def test_the_app_follows_the_store(start: Start, store: Store) -> None:
    import time

    with start() as client:
        newest = seal_version(store, 26)
        store.promote(newest)
        end = time.monotonic() + 5
        answered = set()
        while newest not in answered and time.monotonic() < end:
            body = client.post("/predict/text", json={"designation": "a"}).json()
            answered.add(body["model"]["version"])
        assert newest in answered
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
        assert "models verify" in entry["reason"]
        assert "checksum" not in client.get("/models").text
        assert client.get("/health/ready").status_code == 200
