"""An app around a fake predictor: real HTTP handling, no trained networks."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from models.versions.store import Store
from service.app import create_app
from service.registry.registry import Load, Registry
from service.settings import Settings
from tests.service.fake_predictor import FakePredictor, load_fake, seal_version

Start = Callable[..., AbstractContextManager[TestClient]]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("PYKUTEN_"):
            monkeypatch.delenv(name)


@pytest.fixture
def anyio_backend() -> str:
    """Tests that are coroutines run in asyncio's loop."""
    return "asyncio"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with two versions, the newer one promoted."""
    store = Store(tmp_path / "store")
    versions = [seal_version(store, day) for day in (24, 25)]
    for version in versions:
        store.promote(version)
    return store


@pytest.fixture
def start(store: Store) -> Start:
    """Start an app with settings of the test's choice: `with start(queue=1) as client`."""

    @contextmanager
    def started(load: Load = load_fake, **settings: object) -> Iterator[TestClient]:
        chosen = Settings(store=store.root, poll_seconds=0.05, **settings)  # type: ignore[arg-type]
        app = create_app(chosen, registry=Registry(store, load))
        with TestClient(app, raise_server_exceptions=True) as client:
            yield client

    return started


@pytest.fixture
def client(start: Start) -> Iterator[TestClient]:
    with start() as client:
        yield client


def predictor_of(client: TestClient) -> FakePredictor:
    """The predictor that serves the client's app."""
    predictor = client.app.state.service.registry.current.predictor  # type: ignore[attr-defined]
    assert isinstance(predictor, FakePredictor)
    return predictor


def photo(colour: str = "red", size: tuple[int, int] = (64, 48), kind: str = "JPEG") -> bytes:
    """An encoded picture of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, kind)
    return stream.getvalue()
