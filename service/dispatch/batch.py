"""Batches: many listings in one body, each answered in its place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from models.decision.prediction import Answers
from service.dispatch.items import FormItem, Item
from service.dispatch.job import PredictionJob, open_job
from service.dispatch.scheduler import predict_all
from service.errors import UnsupportedMediaType
from service.http.bodies import JSON, LARGE_BYTES, LARGE_ITEMS, MULTIPART, media_type, offload
from service.http.context import context_of
from service.http.listings import parse_batch, parse_batch_form
from service.http.requests import Options
from service.http.responses import batch_body, json_response, result_body
from service.settings import Settings
from service.state import ServiceState


async def predict_whole(request: Request, state: ServiceState, options: Options) -> Response:
    """The answer to a batch in JSON or in a form; the listings are parsed once the batch has its turn.

    Raises UnsupportedMediaType, and what `BodyReader.read`, `open_job`, the limiter and the parsers raise.
    """
    kind = media_type(request)
    if kind == JSON:
        read = _items_of_json
    elif kind == MULTIPART:
        read = partial(_items_of_form, content_type=request.headers["content-type"])
    else:
        raise UnsupportedMediaType
    settings = state.settings
    body = await state.bodies.read(request, settings.batch_body_bytes)
    job = await open_job(state, request, options, seconds=settings.batch_deadline_seconds)
    async with state.batches.queue(job.deadline, request.receive):
        items = await offload(len(body) > LARGE_BYTES, read, body, settings)
        answers = await predict_all(job, items)
    return await offload(len(items) > LARGE_ITEMS, _response, items, answers, job)


def _items_of_json(body: bytes, settings: Settings) -> list[Item]:
    values = parse_batch(body, settings.batch_listings)
    return [Item(index, settings, value) for index, value in enumerate(values)]


def _items_of_form(body: bytes, settings: Settings, *, content_type: str) -> list[Item]:
    # Two texts of 20,000 characters in each of 100 listings are 16 MB; the listings may come as a file, too.
    text_bytes = settings.batch_body_bytes // 2
    values, files = parse_batch_form(body, content_type, settings.batch_listings, text_bytes)
    return [FormItem(index, settings, value, files) for index, value in enumerate(values)]


def _response(items: Sequence[Item], answers: Answers, job: PredictionJob) -> Response:
    request_id = context_of(job.request).request_id
    results = [
        result_body(item.index, item.id, answer, job.labels, request_id, below=f"/listings/{item.index}")
        for item, answer in zip(items, answers, strict=True)
    ]
    return json_response(batch_body(results))
