"""Explanations: the words and the parts of the photo that a prediction rests on."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.dispatch.explanations import ExplanationBody, explanation_body
from service.dispatch.explanations import explain as explain_listing
from service.dispatch.job import open_job
from service.http.requests import Choices
from service.http.responses import json_response
from service.routes import openapi
from service.routes.examples import EXPLANATION, PHOTO_LISTINGS
from service.state import begin

router = APIRouter(tags=["predictions"])

TOP_K = 1


@router.post(
    "/explain",
    summary="Why this category",
    responses={
        200: {"model": ExplanationBody, "content": {"application/json": {"example": EXPLANATION}}},
        **openapi.problems(*openapi.LISTING_PROBLEMS),
    },
    openapi_extra=openapi.described(
        openapi.json_body("PhotoListing", PHOTO_LISTINGS) | openapi.form_body(openapi.LISTING_FORM), Choices
    ),
)
async def explain(request: Request) -> Response:
    """The same listing as for `/predict`, asked about a hundred times over: without each word, with each part of the
    photo covered, and without photo, description or text. `effect` is by how much the confidence in the category falls.

    At most 64 words are left out one by one; of longer texts, so many groups of neighbouring words. The photo is
    covered in up to 36 places, on a grid of at most 12 by 12 cells; cells that are empty have no effect and are not
    tried. Two explanations are worked on at once, unless the operator set another number; others get `overloaded`.
    """
    choices, state = begin(request, Choices)
    listing = await state.listings.read(request)
    job = await open_job(state, request, choices.options(TOP_K), seconds=state.settings.batch_deadline_seconds)
    explanation = await explain_listing(job, listing)
    return json_response(explanation_body(explanation, job.labels, listing.id))
