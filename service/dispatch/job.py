"""One request's prediction: its version, options and deadline, submitted to the engine."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from models.decision.prediction import Answers, Prediction
from models.errors import ImageTooLarge, PykutenError
from models.listing import Listing
from service.engine.jobs import Source
from service.engine.waiting import answer_of
from service.errors import DeadlineExceeded, InvalidRequest
from service.http.context import PhotoHash, record_of
from service.http.requests import Options, language
from service.http.responses import Words, placed
from service.observability.logs import LOGGER
from service.registry.loading import Loaded
from service.settings import Settings
from service.state import Serving, serving_of

DEADLINE_HEADER = "X-Deadline-Ms"


_MILLISECONDS = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Work:
    """One request's predictions, all by the same version, and due `seconds` after they were asked for: at `deadline`
    (`time.monotonic`'s clock), or in a stream each at its own time.
    """

    request: Request
    serving: Serving
    loaded: Loaded
    options: Options
    seconds: float
    deadline: float
    words: Words

    def submit(
        self, listings: Sequence[Listing | Source], *, deadline: float | None = None, admitted: bool = False
    ) -> asyncio.Future[Answers]:
        """Queue listings to be predicted together, by another `deadline` if given. Raises Overloaded or Draining."""
        future = self.serving.engine.submit(
            self.loaded.predictor,
            listings,
            top_k=self.options.top_k,
            precision=self.options.precision,
            deadline=self.deadline if deadline is None else deadline,
            admitted=admitted,
        )
        future.add_done_callback(self.serving.metrics.answered)
        return future

    async def predict(self, listing: Listing) -> Prediction:
        """Predict one listing. Raises what the listing or the engine deserves."""
        self.note_photo(listing)
        (answer,) = await answer_of(self.submit([listing]), self.deadline, self.request.receive)
        if isinstance(answer, PykutenError):
            raise placed(answer)
        record_of(self.request).photo = answer.photo
        return answer

    def note_photo(self, listing: Listing) -> None:
        """Note for the log which photo it is. Raises ImageTooLarge on one over the setting."""
        check_photo(listing, self.serving.settings)
        if listing.image and LOGGER.isEnabledFor(logging.INFO):
            record_of(self.request).photo_sha256 = PhotoHash(listing.image)


def check_photo(listing: Listing, settings: Settings) -> None:
    """Raises ImageTooLarge on a photo over the setting."""
    if listing.image is not None and len(listing.image) > settings.photo_bytes:
        raise ImageTooLarge(pointer="/image")


def begin(request: Request) -> tuple[Options, Serving]:
    """The start of every prediction: the gate, then the options. Nothing of the body is read yet."""
    serving = serving_of(request)
    serving.admit()
    return Options.read(request.scope["query_string"]), serving


def _seconds(request: Request, seconds: float) -> float:
    asked = request.headers.get(DEADLINE_HEADER)
    if asked is None:
        return seconds
    if not _MILLISECONDS.fullmatch(asked):
        raise InvalidRequest.at(f"/{DEADLINE_HEADER}", "This must be a whole number of milliseconds, at least 1.")
    return min(seconds, int(asked) / 1000)


async def open_work(serving: Serving, request: Request, options: Options, *, seconds: float) -> Work:
    """Choose the version and the deadline, `seconds` from now or sooner if the caller's header says so.

    Called once the body is there: a slow upload is the client's time, bounded by its own limit. Raises
    InvalidRequest, OptionError, VersionUnknown, VersionRefused, Overloaded, DeadlineExceeded.
    """
    allowed = _seconds(request, seconds)
    deadline = time.monotonic() + allowed
    loaded = await _loaded(serving, options.version, deadline)
    record_of(request).version = loaded.predictor.version
    options = options.for_categories(len(loaded.predictor.taxonomy))
    loaded.predictor.check_options(options.top_k, options.precision)
    words = loaded.labels(language(options.lang, request.headers.get("accept-language", "")))
    return Work(request, serving, loaded, options, allowed, deadline, words)


async def _loaded(serving: Serving, version: str | None, deadline: float) -> Loaded:
    if version is None:
        return serving.registry.current
    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            return await serving.registry.get(version)
    except TimeoutError:
        raise DeadlineExceeded from None
