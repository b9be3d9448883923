"""One app for all requests of a module that leave no trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from models.versions.store import Store
from service.app import create_app
from service.registry.registry import Registry
from service.settings import Settings
from tests.service.fake_predictor import load_fake, seal_version


@pytest.fixture(scope="module")
def shared_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An app around a fake predictor, started once a module."""
    store = Store(tmp_path_factory.mktemp("shared") / "store")
    store.promote(seal_version(store, 25))
    with TestClient(create_app(Settings(store=store.root), registry=Registry(store, load_fake))) as client:
        yield client
