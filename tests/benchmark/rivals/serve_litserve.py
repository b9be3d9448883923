"""LitServe: worker processes behind FastAPI; photos in base64, as its documentation has them."""

from __future__ import annotations

import os
import sys
from typing import Any

import litserve

from tests.benchmark.rivals.work import answers, listing_of, predictor

BATCH = int(os.environ["BENCHMARK_BATCH"])


class Predict(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:
        predictor()

    def decode_request(self, request):  # type: ignore[no-untyped-def]  # a type would be taken for the body's
        return listing_of(request)

    def predict(self, x: Any) -> Any:
        return answers(x) if BATCH > 1 else answers([x])[0]

    def batch(self, inputs: list[Any]) -> list[Any]:
        return inputs

    def unbatch(self, output: list[Any]) -> list[Any]:
        return output

    def encode_response(self, output):  # type: ignore[no-untyped-def]
        return output


if __name__ == "__main__":
    api = Predict(max_batch_size=BATCH, batch_timeout=0.002)
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=int(os.environ["BENCHMARK_WORKERS"]), track_requests=False
    )
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
