"""The registry of versions: loads, swaps, refuses and falls back.

The store is read every few seconds. A newly promoted version is loaded, verified and warmed up beside the old one,
which serves until the reference is swapped; a refused version changes only what `GET /models` and the metrics say. A
caller keeps one `LoadedVersion` for its whole answer, so that every answer is wholly one version's. Requests that hold
a version finish on it; its memory is free when the last of them is done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.errors import NoVersion, PykutenError, VersionRefused, VersionUnknown
from models.predictor import Predictor
from models.versions.manifest import VERSION_NAME
from models.versions.store import Store
from service.errors import Overloaded
from service.observability.logs import event
from service.registry.cache import NoRoom, VersionCache
from service.registry.loading import LoadedVersion, estimated_bytes, labels_by_language
from service.registry.refusals import RETRY_SECONDS, Fingerprint, Refusal, RefusalCode, code_of, fingerprint

MAX_PENDING_LOADS = 8
"""Requests that may wait for a version to be loaded; loads are one at a time and take about a second each."""
LOADED = "loaded"
"""The outcome of a load that succeeded; the others are refusal codes."""

Load = Callable[[Path], Predictor]


class State(StrEnum):
    """What a version of the store is to this process."""

    SERVING = "serving"
    LOADED = "loaded"
    AVAILABLE = "available"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class VersionState:
    """One version of the store, for `GET /models`; `refusal` says why it is refused."""

    version: str
    state: State
    refusal: RefusalCode | None = None


class Registry:
    """Loads the versions of a store. `load` makes a predictor of a version folder, or raises VersionRefused.

    `memory_bytes` and `idle_seconds` bound the `VersionCache`, by the estimates of `weigh` (bytes of a version folder).
    `outcomes` counts loads by LOADED or refusal code, `swaps` the changes of the current version.
    """

    def __init__(
        self,
        store: Store,
        load: Load,
        *,
        memory_bytes: int = 512 * 1024 * 1024,
        idle_seconds: float = 600.0,
        weigh: Callable[[Path], int] = estimated_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store
        self.outcomes: Counter[str] = Counter()
        self.swaps = 0
        self._load_folder = load
        self._weigh = weigh
        self._clock = clock
        self._cache = VersionCache(memory_bytes=memory_bytes, idle_seconds=idle_seconds, clock=clock)
        self._promoted: str | None = None  # as last read
        self._refused: dict[str, Refusal] = {}  # changed by the loader's thread alone
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loader")  # one load at a time, each version once
        self._pending = 0

    @property
    def current(self) -> LoadedVersion:
        """The version that serves. Raises NoVersion."""
        if self._cache.current is None:
            raise NoVersion
        return self._cache.current

    def require(self) -> None:
        """Raises NoVersion when no version serves."""
        _ = self.current

    def promoted(self) -> str | None:
        """The version that the store says should serve; reads the disk."""
        try:
            return self.store.current()
        except NoVersion:
            return None

    @property
    def current_version(self) -> str | None:
        """The name of the version that serves."""
        current = self._cache.current
        return None if current is None else current.version

    @property
    def is_degraded(self) -> bool:
        """Whether the version that serves is not the one that the store, as last read, has promoted."""
        return self.current_version is None or self.current_version != self._promoted

    @property
    def refusal(self) -> Refusal | None:
        """The refusal of the promoted version; None while that version serves or loads."""
        return self._refused.get(self._promoted or "")

    @property
    def loaded(self) -> list[LoadedVersion]:
        """The version that serves, if there is one, and then those kept because callers asked for them by name."""
        return self._cache.loaded

    async def get(self, version: str | None) -> LoadedVersion:
        """The version of that name, loaded if need be; without a name the serving one.

        Raises VersionUnknown, VersionRefused, NoVersion, or Overloaded when too many wait for versions to be loaded.
        """
        if version is None:
            return self.current
        if (loaded := self._cache.find(version)) is not None:
            return loaded
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
        """Serve the version that the store has promoted, if it can be loaded; never raises."""
        await asyncio.get_running_loop().run_in_executor(self._loader, self._refresh)

    async def follow(self, seconds: float) -> None:
        """Refresh for ever."""
        while True:
            await asyncio.sleep(seconds)
            await self.refresh()

    def states(self) -> list[VersionState]:
        """Every version of the store, newest first; reads the disk."""
        refused = dict(self._refused)  # the loader's thread may change it
        known = {version: VersionState(version, State.REFUSED, entry.code) for version, entry in refused.items()}
        known |= {entry.version: VersionState(entry.version, State.LOADED) for entry in self.loaded}
        if (current := self.current_version) is not None:
            known[current] = VersionState(current, State.SERVING)
        return [known.get(version) or VersionState(version, State.AVAILABLE) for version in self.store.versions()]

    def close(self) -> None:
        """Stop loading; a load that is under way is left behind."""
        self._loader.shutdown(wait=False, cancel_futures=True)

    # The loader's thread runs what follows.

    def _refresh(self) -> None:
        try:
            self._cache.drop_idle()
            self._forget_refusals()
            self._promoted = promoted = self.promoted()
            current = self.current_version
            if promoted is None or promoted == current:
                return
            candidates = [promoted] if current else [promoted, *self._earlier(promoted)]
            for version in candidates:
                if version == current or self._serve(version):
                    return
        except Exception as error:  # noqa: BLE001 - following must go on
            event(logging.ERROR, "refresh", error)

    def _earlier(self, promoted: str) -> list[str]:
        """Versions to fall back to at a start whose promoted version is refused: the one before it, then older ones."""
        previous: list[str] = []
        with suppress(PykutenError):
            previous = [self.store.previous()]
        return previous + [name for name in self.store.versions() if name < promoted and name not in previous]

    def _serve(self, version: str) -> bool:
        try:
            loaded = self._cache.find(version) or self._load(version)
        except PykutenError:
            return False  # logged, and shown by `states` and `refusal`
        self._cache.serve(loaded)
        self.swaps += 1
        event(logging.INFO, "serving", version=version)
        return True

    def _obtain(self, version: str) -> LoadedVersion:
        loaded = self._cache.find(version)  # loaded while this request waited
        if loaded is None:
            loaded = self._load(version, make_room=True)
            self._cache.add(loaded)
        return loaded

    def _load(self, version: str, *, make_room: bool = False) -> LoadedVersion:
        """Load a version. Raises VersionUnknown or VersionRefused, at once if it was refused and nothing changed."""
        state = fingerprint(self.store, version)
        refusal = self._refused.get(version)
        if refusal is not None and refusal.fingerprint == state and self._clock() - refusal.seconds < RETRY_SECONDS:
            raise VersionRefused("refused before, and not changed since")
        start = time.perf_counter()
        try:
            folder = self.store.folder(version)
            memory_bytes = self._weigh(folder)
            if make_room:
                self._cache.make_room(memory_bytes)
            predictor = self._load_folder(folder)
        except NoRoom:
            self.outcomes[RefusalCode.MEMORY] += 1
            event(logging.WARNING, "version refused", version=version, code=RefusalCode.MEMORY)
            raise
        except Exception as error:
            if isinstance(error, VersionUnknown) and version != self._promoted:
                raise  # a caller's mistake
            self._refuse(version, error, state)
            raise VersionRefused("see the log") from None
        self.outcomes[LOADED] += 1
        self._refused.pop(version, None)
        event(logging.INFO, "version loaded", version=version, seconds=round(time.perf_counter() - start, 3))
        return LoadedVersion(predictor, labels_by_language(predictor.taxonomy), memory_bytes)

    def _refuse(self, version: str, error: Exception, state: Fingerprint) -> None:
        code = code_of(error)
        reason = error.reason if isinstance(error, VersionRefused) else type(error).__name__
        event(logging.ERROR, "version refused", error, version=version, code=code, reason=reason)
        self.outcomes[code] += 1
        self._refused[version] = Refusal(version, code, state, self._clock())

    def _forget_refusals(self) -> None:
        """Forget refusals of versions that are gone."""
        if self._refused:
            known = {*self.store.versions(), self._promoted}
            self._refused = {version: refusal for version, refusal in self._refused.items() if version in known}
