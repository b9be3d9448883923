"""What Prometheus scrapes."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client.exposition import choose_encoder

from service.serving import serving_of

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Counters, histograms and gauges, as text or, where the scraper asks for it, as OpenMetrics."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    body = await asyncio.to_thread(encode, serving_of(request).metrics.registry)  # milliseconds
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})
