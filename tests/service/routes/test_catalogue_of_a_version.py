"""The labelled catalogue to browse with a version: the operator's, the version's own, or the samples that fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.listing import Listing
from models.taxonomy import Category, Taxonomy
from models.versions.manifest import read_manifest, write_manifest
from models.versions.samples import write_samples
from models.versions.store import Store
from tests.service.conftest import Start, photo
from tests.service.fake_predictor import CODES, TAXONOMY, FakePredictor, manifest_fields
from tests.service.http.test_bad_input import problem_of
from tests.service.routes.test_catalogue import PATHS, draw, row, write

OTHER = Taxonomy(tuple(Category(code, {}, {}) for code in ("shirts", "trousers")))


def seal(store: Store, taxonomy: Taxonomy = OTHER, listings: Sequence[tuple[Listing, str]] = ()) -> str:
    """Seal a version of other categories, with listings of its own if there are any; returns its name."""
    with store.draft() as draft:
        taxonomy.write(draft / "taxonomy.json")
        if listings:
            write_samples(draft, listings)
        fields = {**manifest_fields(datetime(2026, 11, 26, tzinfo=UTC)), "classes": len(taxonomy)}
        manifest = write_manifest(draft, **fields)
        store.seal(draft, manifest.version)
    return manifest.version


def load_sealed(folder: Path) -> FakePredictor:
    """A fake predictor with the folder's own manifest and categories."""
    predictor = FakePredictor(folder.name)
    predictor.manifest = read_manifest(folder)
    taxonomy = Taxonomy.of_json((folder / "taxonomy.json").read_bytes())
    predictor.decider = replace(predictor.decider, taxonomy=taxonomy)
    return predictor


OWN = [
    (Listing("Shirt; blue", "two\nlines", photo("blue"), "A-1"), CODES[0]),
    (Listing("=1+1", "", None, None), CODES[1]),
]


def test_a_version_carries_listings_of_its_own(start: Start, store: Store, tmp_path: Path) -> None:
    version = seal(store, TAXONOMY, OWN)
    store.promote(version)
    with start(load_sealed) as client:
        body = client.get("/catalogue?lang=en").json()
        assert (body["origin"], body["listings"], body["photos"]) == ("version", 2, True)
        drawn = sorted(draw(client)["listings"], key=lambda listing: listing["row"])
        for listing, (own, code) in zip(drawn, OWN, strict=True):
            assert listing["designation"] == own.designation
            assert (listing["description"], listing["id"]) == (own.description, own.id)
            assert listing["category"]["code"] == code
        answer = client.get(drawn[0]["image"])
        assert (answer.content, answer.headers["content-type"]) == (OWN[0][0].image, "image/jpeg")
        assert drawn[1]["image"] is None
        other = next(name for name in store.versions() if name != version)
        assert client.get(f"/catalogue?version={other}").json()["origin"] == "samples"
        assert problem_of(client.get("/catalogue?version=none"))["code"] == "version_unknown"
    with start(load_sealed, catalogue=write(tmp_path, [row(1)])) as client:
        assert client.get("/catalogue").json()["origin"] == "operator"


@pytest.mark.parametrize("change", ["link", "no photo"])
def test_a_photo_of_a_version_is_checked_as_any_other(start: Start, store: Store, tmp_path: Path, change: str) -> None:
    version = seal(store, TAXONOMY, OWN)
    store.promote(version)
    path = store.folder(version) / "samples" / "images" / "0.jpg"
    with start(load_sealed) as client:
        path.unlink()
        if change == "link":
            (tmp_path / "secret.jpg").write_bytes(photo())
            path.symlink_to(tmp_path / "secret.jpg")
        else:
            path.write_bytes(b"<svg/>")
        assert problem_of(client.get("/catalogue/images/0"))["code"] == "not_found"


def test_no_samples_of_foreign_categories(start: Start, store: Store) -> None:
    store.promote(seal(store))
    with start(load_sealed) as client:
        for address in PATHS:
            body = problem_of(client.get(address))
            assert (body["status"], body["code"]) == (404, "catalogue_missing")
            assert "PYKUTEN_CATALOGUE" in body["detail"]
            assert "samples = true" in body["detail"]
