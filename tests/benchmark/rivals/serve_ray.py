"""Ray Serve: replicas behind its HTTP proxy; bodies reach them as they are."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from tests.benchmark.rivals.work import answers, listing_of_body, predictor

BATCH = int(os.environ["BENCHMARK_BATCH"])


@serve.deployment(
    num_replicas=int(os.environ["BENCHMARK_WORKERS"]),
    max_ongoing_requests=max(4, 2 * BATCH),
    ray_actor_options={"num_cpus": 0.5},
)
class Predict:
    def __init__(self) -> None:
        predictor()

    if BATCH > 1:

        async def __call__(self, request: Request) -> dict[str, Any]:
            found: dict[str, Any] = await self.together(await request.body())
            return found

        @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=0.002)
        async def together(self, bodies: list[bytes]) -> list[dict[str, Any]]:
            return answers([listing_of_body(body) for body in bodies])

    else:

        async def __call__(self, request: Request) -> dict[str, Any]:
            return answers([listing_of_body(await request.body())])[0]


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, logging_level="error", _temp_dir=sys.argv[2])
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Predict.bind())
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    serve.shutdown()
    ray.shutdown()
