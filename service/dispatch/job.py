"""One request's prediction: its version, options and deadline, submitted to the engine."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from models.decision.prediction import Answers, Prediction
from models.errors import ImageTooLarge, PykutenError
from models.listing import Listing
from service.engine.jobs import Source
from service.engine.waiting import answer_of
from service.errors import DeadlineExceeded, InvalidRequest
from service.http.context import context_of
from service.http.requests import Options, language
from service.http.responses import LabelTable, json_response, prediction_body, with_pointer
from service.observability.logs import LOGGER
from service.registry.loading import LoadedVersion
from service.settings import Settings
from service.state import ServiceState

DEADLINE_HEADER = "X-Deadline-Ms"
SHA256_CHARACTERS = 12
"""Of a photo's hash, in the log: enough to find one photo among millions."""
_MILLISECONDS = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class PredictionJob:
    """One request's predictions, all by the same version. They are due at `deadline` (`time.monotonic`'s clock); in a
    stream, each line is due `seconds` after it was read. `precision` is None for the version's own.
    """

    request: Request
    state: ServiceState
    loaded: LoadedVersion
    top_k: int
    precision: float | None
    seconds: float
    deadline: float
    labels: LabelTable

    def submit(
        self,
        listings: Sequence[Listing | Source],
        *,
        deadline: float | None = None,
        places: int = 0,
        admitted: bool = False,
    ) -> asyncio.Future[Answers]:
        """Queue listings to be predicted together, by another `deadline` if given. Raises Overloaded or Draining."""
        future = self.state.engine.submit(
            self.loaded.predictor,
            listings,
            top_k=self.top_k,
            precision=self.precision,
            deadline=self.deadline if deadline is None else deadline,
            places=places,
            admitted=admitted,
        )
        future.add_done_callback(self.state.metrics.answered)
        return future

    async def predict(self, listing: Listing) -> Prediction:
        """Predict one listing. Raises the listing's error or the engine's."""
        check_photo(listing, self.state.settings)
        work = self.submit([partial(self.note_photo, listing)], places=len(listing.photos))
        (answer,) = await answer_of(work, self.deadline, self.request.receive)
        if isinstance(answer, PykutenError):
            raise with_pointer(answer)
        context_of(self.request).photo = answer.photo
        return answer

    def note_photo(self, listing: Listing) -> Listing:
        """Note the photos' hashes for the log, in a thread of the engine; returns the listing."""
        if LOGGER.isEnabledFor(logging.INFO):
            hashes = [hashlib.sha256(photo).hexdigest()[:SHA256_CHARACTERS] for photo in listing.photos if photo]
            context_of(self.request).photo_sha256 = ",".join(hashes) or None
        return listing


def check_photo(listing: Listing, settings: Settings) -> None:
    """Raises ImageTooLarge on a photo over the setting, or on several that are over it together."""
    held = 0
    for number, photo in enumerate(listing.photos):
        held += len(photo)
        if held > settings.photo_bytes:
            raise ImageTooLarge(pointer=listing.photo_pointer(number))


def _seconds(request: Request, seconds: float) -> float:
    milliseconds = request.headers.get(DEADLINE_HEADER)
    if milliseconds is None:
        return seconds
    if not _MILLISECONDS.fullmatch(milliseconds):
        raise InvalidRequest.at(f"/{DEADLINE_HEADER}", "This must be a whole number of milliseconds, at least 1.")
    return min(seconds, int(milliseconds) / 1000)


async def open_job(state: ServiceState, request: Request, options: Options, *, seconds: float) -> PredictionJob:
    """Choose the version and the deadline, `seconds` from now or sooner if the caller's header says so.

    Called once the body was read: a slow upload is the client's time, bounded by its own limit. Raises
    InvalidRequest, OptionError, VersionUnknown, VersionRefused, Overloaded, DeadlineExceeded.
    """
    allowed = _seconds(request, seconds)
    deadline = time.monotonic() + allowed
    loaded = await _loaded(state, options.version, deadline)
    context_of(request).version = loaded.predictor.version
    labels = loaded.labels[language(options.lang, request.headers.get("accept-language", ""))]
    # The default fits versions with fewer categories; a number from the caller is left to be refused.
    top_k = options.top_k if "top_k" in options.model_fields_set else min(options.top_k, len(labels))
    loaded.predictor.check_options(top_k, options.precision)
    return PredictionJob(request, state, loaded, top_k, options.precision, allowed, deadline, labels)


async def _loaded(state: ServiceState, version: str | None, deadline: float) -> LoadedVersion:
    if version is None:
        return state.registry.current
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await state.registry.get(version)
    except TimeoutError:
        raise DeadlineExceeded from None


async def predict_listing(request: Request, state: ServiceState, options: Options, listing: Listing) -> Response:
    """The answer to a request with one listing. Raises what `open_job` and `PredictionJob.predict` raise."""
    job = await open_job(state, request, options, seconds=state.settings.deadline_seconds)
    prediction = await job.predict(listing)
    return json_response(prediction_body(prediction, job.labels, listing.id))
