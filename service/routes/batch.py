"""Many listings in one request, each answered on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from models.errors import PykutenError
from models.listing import Listing
from service.answers import BatchBody, FailedItem, PredictedItem, batch_body, json_response, prediction_body
from service.engine import Answer, Answers
from service.errors import BatchTooLarge, Internal, InvalidRequest, Overloaded
from service.examples import BATCH, BATCHES
from service.limits import parse_json, require_json
from service.openapi import BODY_PROBLEMS, JSON_PROBLEMS, SERVING_PROBLEMS, described, json_body, problems
from service.problems import problem
from service.record import record_of
from service.schemas import PhotoListing, check, id_of
from service.serving import Serving, Work, begin, placed
from service.waiting import answer_of

router = APIRouter(tags=["predictions"])

CHUNK_LISTINGS = 16
"""Listings that go through the networks together: recurrent text networks are 4 to 7 times as fast per text then."""
CHUNK_PHOTOS = 4
"""Photos among them: nearly all that batching gives photos comes by 4, and single requests wait for a chunk at most."""
ASSEMBLY_SECONDS = 1.0
"""Listings keep to the deadline one by one; the whole answer may take this much longer to put together."""


@router.post(
    "/predict/batch",
    summary="Predict many listings",
    responses={
        200: {"model": BatchBody, "content": {"application/json": {"example": BATCH}}},
        **problems(*SERVING_PROBLEMS, *BODY_PROBLEMS, *JSON_PROBLEMS, "batch_too_large"),
    },
    openapi_extra=described(json_body("Batch", BATCHES)),
)
async def predict_batch(request: Request) -> Response:
    """One result for each listing, in their order. A listing that cannot be predicted gets its problem in its place,
    with the
    status that it would have got alone; the others are answered. At most 100 listings, unless the operator set
    another number.
    """
    options, serving = begin(request)
    require_json(request)
    settings = serving.settings
    with _slot(serving):
        async with serving.bodies.read(request, settings.batch_body_bytes) as body:
            items = _items(parse_json(body, listings=settings.batch_listings), settings.batch_listings)
            work = await serving.open(request, options, seconds=settings.batch_deadline_seconds)
            predictions = asyncio.ensure_future(_predict(work, items))
            answers = await answer_of(predictions, work.deadline + ASSEMBLY_SECONDS, request.receive)
    request_id = record_of(request).request_id
    results = [_result(index, items[index], answer, work, request_id) for index, answer in enumerate(answers)]
    return json_response(batch_body(results))


@contextmanager
def _slot(serving: Serving) -> Iterator[None]:
    """A place among the batches worked on at once. Raises Overloaded."""
    if serving.batches >= serving.settings.batches:
        raise Overloaded
    serving.batches += 1
    try:
        yield
    finally:
        serving.batches -= 1


def _items(document: object, limit: int) -> list[Any]:
    """The listings, unchecked. Raises InvalidRequest or BatchTooLarge."""
    if not isinstance(document, dict):
        raise InvalidRequest.at("", "This must be an object.")
    items = document.get("listings")
    if not isinstance(items, list):
        raise InvalidRequest.at("/listings", "This must be a list.")
    if len(document) > 1:
        raise InvalidRequest.at("", "There must be no field but listings.")
    if not items:
        raise InvalidRequest.at("/listings", "This must hold at least one listing.")
    if len(items) > limit:
        raise BatchTooLarge
    return items


async def _predict(work: Work, items: list[Any]) -> Answers:
    """An answer for each item. No more chunks wait at once than there are workers: single requests get their turn."""
    answers: list[Answer | None] = [None] * len(items)
    pending: dict[asyncio.Future[Answers], list[int]] = {}

    async def collect() -> None:
        done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for future in done:
            for row, answer in zip(pending.pop(future), future.result(), strict=True):
                answers[row] = answer

    admitted = False
    try:
        for rows, listings in _chunks(work, items, answers):
            if len(pending) >= work.serving.engine.workers:
                await collect()
            pending[work.submit(listings, admitted=admitted)] = rows
            admitted = True  # a request that was begun is finished, also when the queue has filled up since
        while pending:
            await collect()
    finally:
        for future in pending:
            future.cancel()
    return [answer if answer is not None else Internal() for answer in answers]


def _chunks(work: Work, items: list[Any], answers: list[Answer | None]) -> Iterator[tuple[list[int], list[Listing]]]:
    """Rows and listings to be predicted together; items that are no listings get their error in `answers`.

    Photos are decoded from base64 as their turn comes, not all at once.
    """
    rows: list[int] = []
    listings: list[Listing] = []
    for row, item in enumerate(items):
        try:
            listing = check(PhotoListing, item).listing()
            work.check(listing)
        except PykutenError as error:
            answers[row] = error
            continue
        rows.append(row)
        listings.append(listing)
        if len(rows) == CHUNK_LISTINGS or sum(one.image is not None for one in listings) == CHUNK_PHOTOS:
            yield rows, listings
            rows, listings = [], []
    if rows:
        yield rows, listings


def _result(index: int, item: object, answer: Answer, work: Work, request_id: str) -> PredictedItem | FailedItem:
    listing_id = id_of(item)
    if isinstance(answer, PykutenError):
        error = problem(placed(answer), request_id, below=f"/listings/{index}")
        return {"index": index, "id": listing_id, "status": answer.status, "error": error}
    prediction = prediction_body(answer, work.words, listing_id)
    return {"index": index, "id": listing_id, "status": 200, "prediction": prediction}
