"""Many listings in one request, each answered on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from models.decision.prediction import Answer, Answers
from service.dispatch.items import FormItem, Item
from service.dispatch.job import PredictionJob, begin, open_job
from service.dispatch.scheduler import ChunkScheduler
from service.dispatch.stream import LineStream
from service.engine.waiting import ASSEMBLY_SECONDS, answer_of
from service.errors import BatchTooLarge, InvalidRequest, PartTooLarge, UnsupportedMediaType
from service.http.bodies import JSON, LARGE_BYTES, LARGE_ITEMS, MULTIPART, NDJSON, media_type, parse_json
from service.http.context import context_of
from service.http.forms import Form, FormLimits, parse_form
from service.http.problems import pointer
from service.http.requests import Options
from service.http.responses import BatchBody, batch_body, json_response, result_body
from service.routes.examples import BATCH, BATCHES, FORM_BATCH, STREAM, STREAM_RESULTS
from service.routes.openapi import (
    BODY_PROBLEMS,
    FORM_PROBLEMS,
    JSON_PROBLEMS,
    SERVING_PROBLEMS,
    batch_form_body,
    described,
    json_body,
    problems,
    stream_body,
    stream_response,
)
from service.settings import Settings
from service.state import ServiceState

router = APIRouter(tags=["predictions"])

LISTINGS = "listings"
"""The field of the JSON, and the part of the form, that holds the listings."""


@router.post(
    "/predict/batch",
    summary="Predict many listings",
    responses={
        200: {
            "model": BatchBody,
            "description": "JSON for JSON and forms, lines for lines.",
            "content": {"application/json": {"example": BATCH}, **stream_response(STREAM_RESULTS)},
        },
        **problems(*SERVING_PROBLEMS, *BODY_PROBLEMS, *JSON_PROBLEMS, *FORM_PROBLEMS, "batch_too_large"),
    },
    openapi_extra=described(json_body("Batch", BATCHES) | batch_form_body(FORM_BATCH) | stream_body(STREAM)),
)
async def predict_batch(request: Request) -> Response:
    """One result for each listing, in their order. A listing that cannot be predicted gets its problem in its place,
    with the status that it would have got alone; the others are answered.

    **JSON**, or a **form** whose JSON part `listings` names the file part of each photo in `image`: at most 100
    listings, and in a form as many files, unless the operator set other numbers. `X-Deadline-Ms` is for all of them
    together; those that were not begun by then get `deadline_exceeded` in their place.

    **NDJSON** (`application/x-ndjson`), one listing a line: any number, answered while you still send, so read while
    you send. There is one line of results for each line that is not blank, and no other, all by the version that was
    current when the stream began. A line that is not JSON gets `malformed_json` in its place, one over the limit of
    `/predict` gets `body_too_large`; pointers are into the line. `X-Deadline-Ms` is for each line from when it was
    read. A stream that has to end before its body does (`slow_client`: no line for 20 s; `draining`: this instance
    stops; `deadline_exceeded`: it was open for 6 h; `overloaded`) says so in its last line, whose `index` is that of
    the first listing that was not read: send again from there.
    """
    options, state = begin(request)
    kind = media_type(request)
    if kind == NDJSON:
        seconds = state.settings.deadline_seconds
        return LineStream(await open_job(state, request, options, seconds=seconds))
    if kind not in (JSON, MULTIPART):
        raise UnsupportedMediaType
    return await _answer_whole(request, state, options, kind)


async def _answer_whole(request: Request, state: ServiceState, options: Options, kind: str) -> Response:
    settings = state.settings
    read = _read_json if kind == JSON else partial(_read_form, content_type=request.headers["content-type"])
    async with state.bodies.read(request, settings.batch_body_bytes) as body:
        job = await open_job(state, request, options, seconds=settings.batch_deadline_seconds)
        async with state.batches.queue(job.deadline, request.receive):
            items = await state.aside.run(len(body) > LARGE_BYTES, read, body, settings)
            with closing(ChunkScheduler(job)) as chunks:
                predictions = asyncio.ensure_future(_all([chunks.add(item, job.deadline) for item in items]))
                answers = await answer_of(predictions, job.deadline + ASSEMBLY_SECONDS, request.receive)
    request_id = context_of(request).request_id
    return await state.aside.run(len(items) > LARGE_ITEMS, _response, items, answers, job, request_id)


async def _all(answers: Sequence[asyncio.Future[Answer]]) -> Answers:
    return [await answer for answer in answers]  # `gather` would log every batch that is cancelled


def _read_json(body: bytes, settings: Settings) -> list[Item]:
    """The listings, unchecked. Raises MalformedJson, InvalidRequest or BatchTooLarge."""
    values = _listings(parse_json(body, listings=settings.batch_listings), settings.batch_listings)
    return [Item(index, settings, value) for index, value in enumerate(values)]


def _read_form(body: bytes, settings: Settings, *, content_type: str) -> list[Item]:
    """The listings, unchecked. Raises MalformedJson, InvalidRequest, BatchTooLarge, and what `parse_form` raises."""
    most = settings.batch_listings
    # Two texts of 20,000 characters in each of 100 listings are 16 MB; the listings may come as a file, too.
    limits = FormLimits(fields=1, files=most + 1, text_bytes=settings.batch_body_bytes // 2)
    form = parse_form(body, content_type, limits)
    document = parse_json(_listings_part(form, limits), listings=most)
    values = _listings({LISTINGS: document} if isinstance(document, list) else document, most)
    return [FormItem(index, settings, value, form.files) for index, value in enumerate(values)]


def _listings_part(form: Form, limits: FormLimits) -> bytes:
    for name in form.texts:
        if name != LISTINGS:
            raise InvalidRequest.at(pointer([name]), "There is no such field.")
    part = form.files.pop(LISTINGS, None)
    if part is None and LISTINGS not in form.texts:
        raise InvalidRequest.at("/listings", "This is required.")
    part = form.texts[LISTINGS].encode() if part is None else part
    if len(part) > limits.text_bytes:
        raise PartTooLarge
    return part


def _listings(document: object, most: int) -> list[Any]:
    if not isinstance(document, dict):
        raise InvalidRequest.at("", "This must be an object.")
    values = document.get(LISTINGS)
    if not isinstance(values, list):
        raise InvalidRequest.at("/listings", "This must be a list.")
    if len(document) > 1:
        raise InvalidRequest.at("", "There must be no field but listings.")
    if not values:
        raise InvalidRequest.at("/listings", "This must hold at least one listing.")
    if len(values) > most:
        raise BatchTooLarge
    return values


def _response(items: Sequence[Item], answers: Answers, job: PredictionJob, request_id: str) -> Response:
    results = [
        result_body(item.index, item.id, answer, job.words, request_id, below=f"/listings/{item.index}")
        for item, answer in zip(items, answers, strict=True)
    ]
    return json_response(batch_body(results))
