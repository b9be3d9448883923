"""The loaded versions: the one that serves, and a few that were asked for by name.

The store is asked every few seconds which version is current. A new one is loaded and verified beside the old one,
which serves until the reference is swapped; a version that is refused changes nothing but what `GET /models` says. A
caller takes one `Loaded` and keeps it for its whole answer, so that every answer is wholly one version's.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.artifact import VERSION_NAME
from models.errors import NoVersion, PykutenError, VersionRefused, VersionUnknown
from models.predictor import Predictor
from models.store import Store
from service.errors import Overloaded
from service.labels import Labels
from service.logs import event

RETRY_SECONDS = 60.0
"""A refused version is tried again after this: a repaired copy is found, and a broken one does not keep a core busy."""
MAX_PENDING_LOADS = 8
"""Requests that may wait for a version to be loaded; loads are one at a time and take about a second each."""

Load = Callable[[Path], Predictor]


class State(StrEnum):
    """What a version of the store is to this process."""

    SERVING = "serving"
    LOADED = "loaded"
    AVAILABLE = "available"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version that can answer."""

    predictor: Predictor
    labels: Labels


@dataclass(frozen=True, slots=True)
class VersionState:
    """One version of the store, for `GET /models`."""

    version: str
    state: State


class Registry:
    """Holds the loaded versions of a store. `load` makes a predictor of a version folder, or raises VersionRefused."""

    def __init__(
        self, store: Store, load: Load, *, capacity: int = 2, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store = store
        self._load_folder = load
        self._capacity = capacity
        self._clock = clock
        self._current: Loaded | None = None
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()  # least recently used first
        self._refused: dict[str, float] = {}  # version -> when
        self._lock = threading.Lock()  # guards the two above, never held while loading
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loader")  # one load at a time, each version once
        self._pending = 0

    @property
    def current(self) -> Loaded:
        """The version that serves. Raises NoVersion."""
        if self._current is None:
            raise NoVersion
        return self._current

    def require(self) -> None:
        """Raises NoVersion when no version serves."""
        _ = self.current

    def promoted(self) -> str | None:
        """The version that the store says should serve; reads the disk."""
        try:
            return self.store.current()
        except NoVersion:
            return None

    async def get(self, version: str | None) -> Loaded:
        """The version of that name, loaded if need be; without a name the serving one.

        Raises VersionUnknown, VersionRefused, NoVersion, or Overloaded when too many wait for versions to be loaded.
        """
        if version is None:
            return self.current
        with self._lock:
            if (found := self._loaded.get(version)) is not None:
                self._loaded.move_to_end(version)
                return found
        if not VERSION_NAME.fullmatch(version):
            raise VersionUnknown(pointer="/version")
        if self._pending >= MAX_PENDING_LOADS:
            raise Overloaded
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._loader, self._obtain, version)
        finally:
            self._pending -= 1

    async def refresh(self) -> None:
        """Serve what the store says is current, if it can be loaded; never raises."""
        await asyncio.get_running_loop().run_in_executor(self._loader, self._refresh)

    async def follow(self, seconds: float) -> None:
        """Refresh for ever."""
        while True:
            await asyncio.sleep(seconds)
            await self.refresh()

    def states(self) -> list[VersionState]:
        """Every version of the store, newest first; reads the disk."""
        serving = self._current.predictor.version if self._current else None
        with self._lock:
            loaded, refused = set(self._loaded), set(self._refused)

        def state(version: str) -> State:
            if version == serving:
                return State.SERVING
            if version in loaded:
                return State.LOADED
            return State.REFUSED if version in refused else State.AVAILABLE

        return [VersionState(version, state(version)) for version in self.store.versions()]

    def close(self) -> None:
        """Stop loading; a load that is under way is left behind."""
        self._loader.shutdown(wait=False, cancel_futures=True)

    # What follows runs in the loader thread.

    def _refresh(self) -> None:
        try:
            promoted = self.promoted()
            serving = self._current.predictor.version if self._current else None
            if promoted is None or promoted == serving:
                return
            candidates = [promoted] if serving else [promoted, *self._earlier(promoted)]
            for version in candidates:
                if version == serving or self._serve(version):
                    return
        except Exception as error:  # noqa: BLE001 - following must go on
            event(logging.ERROR, "refresh", error)

    def _earlier(self, promoted: str) -> list[str]:
        """What to fall back to at a start whose promoted version is refused: the one before it, then older ones."""
        try:
            previous = [self.store.previous()]
        except PykutenError:
            previous = []
        return previous + [
            version for version in self.store.versions() if version < promoted and version not in previous
        ]

    def _serve(self, version: str) -> bool:
        try:
            loaded = self._obtain(version)
        except PykutenError:
            return False  # logged, and shown by `states`
        self._current = loaded
        event(logging.INFO, "serving", version=version)
        return True

    def _obtain(self, version: str) -> Loaded:
        with self._lock:
            if (found := self._loaded.get(version)) is not None:
                return found
            refused_at = self._refused.get(version)
        folder = self.store.folder(version)
        if refused_at is not None and self._clock() - refused_at < RETRY_SECONDS:
            raise VersionRefused("refused a moment ago")
        start = time.perf_counter()
        try:
            predictor = self._load_folder(folder)
        except Exception as error:  # noqa: BLE001 - whatever a library raises, it is this version's fault
            reason = error.reason if isinstance(error, VersionRefused) else type(error).__name__
            event(logging.ERROR, "version refused", error, version=version, reason=reason)
            with self._lock:
                self._refused[version] = self._clock()
            raise VersionRefused(reason) from None
        loaded = Loaded(predictor, Labels(predictor.taxonomy))
        event(logging.INFO, "version loaded", version=version, seconds=round(time.perf_counter() - start, 3))
        self._keep(version, loaded)
        return loaded

    def _keep(self, version: str, loaded: Loaded) -> None:
        with self._lock:
            self._refused.pop(version, None)
            self._loaded[version] = loaded
            serving = self._current.predictor.version if self._current else None
            for name in list(self._loaded):
                if len(self._loaded) <= self._capacity:
                    break
                if name not in (version, serving):
                    del self._loaded[name]
