"""What the requests of one process share, the gate that they pass, and the work that each of them opens."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request

from models.errors import ImageTooLarge, PykutenError
from models.listing import Listing
from models.prediction import Prediction
from service.answers import Words, placed
from service.aside import Aside
from service.engine import Answers, Engine, Source
from service.errors import DeadlineExceeded, Draining, InvalidRequest, Overloaded
from service.forms import FormLimits
from service.labelled import LabelledCatalogue
from service.labels import language
from service.limits import BodyReader
from service.loading import Loaded
from service.logs import LOGGER
from service.metrics import Metrics
from service.places import Places
from service.record import PhotoHash, record_of
from service.registry import Registry
from service.schemas import Options
from service.settings import Settings
from service.waiting import answer_of

DEADLINE_HEADER = "X-Deadline-Ms"
_MILLISECONDS = re.compile(r"[1-9][0-9]{0,8}")


BATCHES_IN_LINE = 4
"""Batches that may wait for each one that is worked on; their bodies count as all others do."""


@dataclass(slots=True)
class Serving:
    """One process' settings and machinery. `draining` is set once, when the process is told to stop."""

    settings: Settings
    registry: Registry
    engine: Engine
    bodies: BodyReader
    form_limits: FormLimits
    metrics: Metrics
    batches: Places
    streams: Places
    explanations: Places
    catalogue: LabelledCatalogue
    aside: Aside = field(default_factory=Aside)
    draining: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the time to finish batches and streams after SIGTERM is over: their other listings are not begun."""
    chunks: int = 0
    """Chunks of batches and streams that the engine has."""

    @classmethod
    def of(cls, settings: Settings, registry: Registry) -> Serving:
        """The machinery that the settings ask for; the engine is not started."""
        metrics = Metrics()
        engine = Engine(workers=settings.workers, capacity=settings.queue, gather=settings.gather)
        engine.listener = metrics.stage
        return cls(
            settings=settings,
            registry=registry,
            engine=engine,
            metrics=metrics,
            bodies=BodyReader(total=settings.bodies_bytes, seconds=settings.body_seconds),
            form_limits=FormLimits(settings.form_fields, settings.form_files, settings.part_bytes),
            batches=Places(settings.batches, line=settings.batches * BATCHES_IN_LINE),
            streams=Places(settings.streams),
            explanations=Places(settings.explanations),
            catalogue=LabelledCatalogue(settings.catalogue),
        )

    def admit(self) -> None:
        """Refuse what cannot be served anyway before its body is read. Raises Draining, NoVersion or Overloaded."""
        if self.draining:
            raise Draining
        self.registry.require()
        if self.engine.is_full:
            raise Overloaded

    async def open(self, request: Request, options: Options, *, seconds: float) -> Work:
        """Choose the version and the deadline, `seconds` from now or sooner if the caller's header says so.

        Called once the body is there: a slow upload is the client's time, bounded by its own limit. Raises
        InvalidRequest, OptionError, VersionUnknown, VersionRefused, Overloaded, DeadlineExceeded.
        """
        allowed = _seconds(request, seconds)
        deadline = time.monotonic() + allowed
        loaded = await self._loaded(options.version, deadline)
        record_of(request).version = loaded.predictor.version
        options = options.for_categories(len(loaded.predictor.taxonomy))
        loaded.predictor.check_options(options.top_k, options.precision)
        words = loaded.labels(language(options.lang, request.headers.get("accept-language", "")))
        return Work(request, self, loaded, options, allowed, deadline, words)

    async def _loaded(self, version: str | None, deadline: float) -> Loaded:
        if version is None:
            return self.registry.current
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await self.registry.get(version)
        except TimeoutError:
            raise DeadlineExceeded from None


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


def serving_of(request: Request) -> Serving:
    """The machinery of the app that got the request."""
    serving: Serving = request.app.state.serving
    return serving


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
