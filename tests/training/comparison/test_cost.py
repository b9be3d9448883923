from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.listing import Evidence, Listing
from models.predictor import Predictor
from tests.training.generated_catalogue import make_catalogue
from training.catalogue.dataset import Catalogue
from training.catalogue.read import read_catalogue
from training.comparison import cost
from training.comparison.cost import WARM_UP, Way, listings_to_time, measure_cost, measure_ways
from training.config.run import CatalogueConfig


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    path = make_catalogue(tmp_path, classes=2, rows_per_class=15, side=40, without_text=0.2, without_image=0.2)
    return read_catalogue(CatalogueConfig(path=path, images=tmp_path / "images"))


def test_all_cases_are_timed_on_the_same_listings(catalogue: Catalogue) -> None:
    listings = listings_to_time(catalogue, list(catalogue.rows.index), 8)
    assert {evidence: len(given) for evidence, given in listings.items()} == {
        Evidence.TEXT: 8,
        Evidence.IMAGE: 8,
        Evidence.BOTH: 8,
    }
    assert listings[Evidence.TEXT] == listings[Evidence.IMAGE] == listings[Evidence.BOTH]
    assert all(each.designation and each.image for each in listings[Evidence.BOTH])


def test_without_listings_that_have_both_each_case_has_its_own(catalogue: Catalogue) -> None:
    rows = catalogue.rows
    rows.loc[rows["designation"] != "", "image"] = ""
    listings = listings_to_time(catalogue, list(rows.index), 4)
    assert listings[Evidence.BOTH] == []
    assert all(each.image is None for each in listings[Evidence.TEXT])
    assert all(each.image for each in listings[Evidence.IMAGE])


def test_a_cost_is_the_median_after_warm_up(tiny_predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Listing] = []
    clock = [0.0]

    def predict(listing: Listing) -> None:
        asked.append(listing)
        # The first calls are slow, and one later call is.
        clock[0] += 1.0 if len(asked) <= WARM_UP else 0.5 if len(asked) == WARM_UP + 3 else 0.004

    monkeypatch.setattr(tiny_predictor, "predict", predict)
    monkeypatch.setattr(cost.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(cost.time, "process_time", lambda: clock[0] / 2)
    listings = [Listing(f"Piscine {number}", "", None) for number in range(7)]
    found = measure_cost(tiny_predictor, {Evidence.TEXT: listings, Evidence.BOTH: []})
    assert list(found) == [Evidence.TEXT]
    assert found[Evidence.TEXT].listings == 7
    assert found[Evidence.TEXT].ms == pytest.approx(4.0)
    assert found[Evidence.TEXT].cpu_ms == pytest.approx(2.0)
    assert found[Evidence.TEXT].ms_p95 > 100
    assert len(asked) == WARM_UP + 7


@pytest.mark.parametrize("native", ["f32", "bf16"])
def test_every_precision_of_the_processor_is_timed_on_one_thread_and_on_two(
    tiny_version: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, native: str
) -> None:
    asked: list[tuple[str, int]] = []
    really = Predictor.load

    def load(folder: Path, **options: Any) -> Predictor:
        asked.append((options["precision"], options["threads"]))
        return really(folder, **options)

    monkeypatch.setattr(cost, "available_precision", lambda: native)
    monkeypatch.setattr(Predictor, "load", load)
    found = measure_ways(tiny_version, listings_to_time(catalogue, list(catalogue.rows.index), 2))
    expected = [("f32", 1), ("f32", 2), *([("bf16", 1), ("bf16", 2)] if native == "bf16" else [])]
    assert asked == expected
    assert list(found) == [Way(*way) for way in expected]
    assert all(costs[Evidence.BOTH].ms > 0 for costs in found.values())
    assert str(Way("bf16", 2)) == "bf16, a core pair"
