"""BentoML: worker processes of one service; photos in base64 in JSON."""

from __future__ import annotations

import os
from typing import Any

import bentoml

from tests.benchmark.rivals.work import answers, listing_of, predictor

BATCH = int(os.environ["BENCHMARK_BATCH"])


@bentoml.service(workers=int(os.environ["BENCHMARK_WORKERS"]), traffic={"timeout": 60})
class Predict:
    def __init__(self) -> None:
        predictor()

    if BATCH > 1:

        @bentoml.api(batchable=True, max_batch_size=BATCH, max_latency_ms=60_000)  # type: ignore[untyped-decorator]
        def predict(self, listings: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return answers([listing_of(listing) for listing in listings])

    else:

        @bentoml.api  # type: ignore[untyped-decorator]
        def predict(self, listing: dict[str, Any]) -> dict[str, Any]:
            return answers([listing_of(listing)])[0]
