"""mosec: processes behind a Rust server; bodies reach the worker as they are."""

from __future__ import annotations

import json
import os
from typing import Any

from mosec import Server, Worker

from models.listing import Listing
from tests.benchmark.rivals.work import answers, listing_of_body, predictor

BATCH = int(os.environ["BENCHMARK_BATCH"])


class Predict(Worker):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        predictor()

    def deserialize(self, data: bytes) -> Listing:
        return listing_of_body(data)

    def forward(self, data: Any) -> Any:
        return answers(data) if BATCH > 1 else answers([data])[0]

    def serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()


if __name__ == "__main__":
    server = Server()
    waiting = {"max_batch_size": BATCH, "max_wait_time": 2} if BATCH > 1 else {}
    server.append_worker(Predict, num=int(os.environ["BENCHMARK_WORKERS"]), **waiting)
    server.run()
