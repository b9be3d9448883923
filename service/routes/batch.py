"""Many listings in one request, each answered on its own."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.dispatch.batch import predict_whole
from service.dispatch.job import open_job
from service.dispatch.stream import LineStream
from service.http.bodies import NDJSON, media_type
from service.http.requests import Options
from service.http.responses import BatchBody
from service.routes import openapi
from service.routes.examples import BATCH, BATCHES, FORM_BATCH, STREAM, STREAM_RESULTS
from service.state import begin

router = APIRouter(tags=["predictions"])


@router.post(
    "/predict/batch",
    summary="Predict many listings",
    responses={
        200: {
            "model": BatchBody,
            "description": "JSON for JSON and forms, lines for lines.",
            "content": {"application/json": {"example": BATCH}, **openapi.stream_response(STREAM_RESULTS)},
        },
        **openapi.problems(*openapi.BATCH_PROBLEMS),
    },
    openapi_extra=openapi.described(
        openapi.json_body("Batch", BATCHES) | openapi.batch_form_body(FORM_BATCH) | openapi.stream_body(STREAM)
    ),
)
async def predict_batch(request: Request) -> Response:
    """One result for each listing, in their order. A listing that cannot be predicted gets its problem in its place,
    with the status that it would have got alone; the others are answered.

    **JSON**, or a **form** whose JSON part `listings` names the file part of each photo in `image`, or of several in
    `images`: at most 100 listings, and in a form as many files, unless the operator set other numbers. `X-Deadline-Ms`
    is for all of them together; those that were not begun by then get `deadline_exceeded` in their place.

    **NDJSON** (`application/x-ndjson`), one listing a line: any number, answered while you still send, so read while
    you send. There is one line of results for each line that is not blank, and no other, all by the version that was
    current when the stream began. A line that is not JSON gets `malformed_json` in its place, one over the limit of
    `/predict` gets `body_too_large`; pointers are into the line. `X-Deadline-Ms` is for each line from when it was
    read. A stream that has to end before its body does (`slow_client`: no line for 20 s; `draining`: this instance
    stops; `deadline_exceeded`: it was open for 6 h; `overloaded`) says so in its last line, whose `index` is that of
    the first listing that was not read: send again from there.
    """
    options, state = begin(request, Options)
    if media_type(request) == NDJSON:
        return LineStream(await open_job(state, request, options, seconds=state.settings.deadline_seconds))
    return await predict_whole(request, state, options)
