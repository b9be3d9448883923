"""The loaded versions: the one that serves, and those that callers ask for by name.

The store is asked every few seconds which version is current. A new one is loaded, verified, asked its golden listings
and warmed up beside the old one, which serves until the reference is swapped; a version that is refused changes nothing
but what `GET /models` and the metrics say. A caller takes one `LoadedVersion` and keeps it for its whole answer, so
that every answer is wholly one version's. Requests that hold a version finish on it; its memory is free when the last
of them is done, since nobody else holds it then.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.errors import NoVersion, PykutenError, VersionRefused, VersionUnknown
from models.predictor import Predictor
from models.versions.manifest import VERSION_NAME
from models.versions.store import Store
from service.errors import Overloaded
from service.observability.logs import event
from service.registry.loading import Labels, LoadedVersion, estimated_bytes
from service.registry.refusals import RETRY_SECONDS, Refusal, RefusalCode, code_of, fingerprint

__all__ = ["LOADED", "MAX_PENDING_LOADS", "Load", "LoadedVersion", "Registry", "State", "VersionState"]

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
    """Holds the loaded versions of a store. `load` makes a predictor of a version folder, or raises VersionRefused.

    `memory_bytes` bounds what the loaded versions take up together, by the estimates of `weigh`. The version that
    serves is always kept; of those asked for by name, the least recently used go first, and all go once nobody has
    asked for them for `idle_seconds`. A request that still holds a version that went is not counted, nor is the moment
    of a swap, in which the old and the new version are both there. `outcomes` counts loads, `swaps` what followed.
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
        self._memory_bytes = memory_bytes
        self._idle_seconds = idle_seconds
        self._weigh = weigh
        self._clock = clock
        self._current: LoadedVersion | None = None
        self._promoted: str | None = None  # as last read
        self._named: OrderedDict[str, LoadedVersion] = OrderedDict()  # asked for by name; least recently used first
        self._asked: dict[str, float] = {}  # version -> when it was last asked for by name
        self._refused: dict[str, Refusal] = {}
        self._lock = threading.Lock()  # guards what is above, never held while loading
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="loader")  # one load at a time, each version once
        self._pending = 0

    @property
    def current(self) -> LoadedVersion:
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

    @property
    def current_version(self) -> str | None:
        """The name of the version that serves."""
        return None if self._current is None else self._current.version

    @property
    def is_degraded(self) -> bool:
        """Whether what serves is not what the store said, when it was last asked, should serve."""
        return self.current_version is None or self.current_version != self._promoted

    @property
    def refusal(self) -> Refusal | None:
        """Why the promoted version does not serve; None while it does, or while it loads."""
        return self._refused.get(self._promoted or "")

    @property
    def loaded(self) -> list[LoadedVersion]:
        """The version that serves, and those kept because they were asked for by name."""
        with self._lock:
            return [*([self._current] if self._current else []), *self._named.values()]

    async def get(self, version: str | None) -> LoadedVersion:
        """The version of that name, loaded if need be; without a name the serving one.

        Raises VersionUnknown, VersionRefused, NoVersion, or Overloaded when too many wait for versions to be loaded.
        """
        if version is None:
            return self.current
        if (found := self._find(version)) is not None:
            return found
        if not VERSION_NAME.fullmatch(version):
            raise VersionUnknown(pointer="/version")
        if self._pending >= MAX_PENDING_LOADS:
            raise Overloaded
        self._pending += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._loader, self._obtain_named, version)
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
        with self._lock:
            current = self.current_version
            loaded, refused = set(self._named), dict(self._refused)

        def state(version: str) -> VersionState:
            if version == current:
                return VersionState(version, State.SERVING)
            if version in loaded:
                return VersionState(version, State.LOADED)
            if version in refused:
                return VersionState(version, State.REFUSED, refused[version].code)
            return VersionState(version, State.AVAILABLE)

        return [state(version) for version in self.store.versions()]

    def close(self) -> None:
        """Stop loading; a load that is under way is left behind."""
        self._loader.shutdown(wait=False, cancel_futures=True)

    def _find(self, version: str) -> LoadedVersion | None:
        """The version if it is loaded; it counts as asked for."""
        with self._lock:
            found = self._named.get(version)
            if found is not None:
                self._named.move_to_end(version)
            elif self._current is not None and self._current.version == version:
                found = self._current
            if found is not None:
                self._asked[version] = self._clock()
            return found

    # What follows runs in the loader thread.

    def _refresh(self) -> None:
        try:
            self._release_idle()
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
            loaded = self._find(version) or self._load(version)
        except PykutenError:
            return False  # logged, and shown by `states` and `refusal`
        with self._lock:
            old, self._current = self._current, loaded
            self._named.pop(version, None)
            if old is not None and old.version in self._asked:
                self._named[old.version] = old
        self.swaps += 1
        event(logging.INFO, "serving", version=version)
        del old
        self._make_room(0)
        return True

    def _obtain_named(self, version: str) -> LoadedVersion:
        if (found := self._find(version)) is not None:  # loaded while this request waited
            return found
        loaded = self._load(version, make_room=True)
        with self._lock:
            self._named[version] = loaded
            self._asked[version] = self._clock()
        return loaded

    def _load(self, version: str, *, make_room: bool = False) -> LoadedVersion:
        """Load a version. Raises VersionUnknown or VersionRefused, at once if it was refused and nothing changed."""
        seen = fingerprint(self.store, version)
        refusal = self._refused.get(version)
        if refusal is not None and refusal.fingerprint == seen and self._clock() - refusal.seconds < RETRY_SECONDS:
            raise VersionRefused("refused before, and not changed since")
        start = time.perf_counter()
        try:
            folder = self.store.folder(version)
            memory_bytes = self._weigh(folder)
            if make_room:
                self._make_room(memory_bytes)
            predictor = self._load_folder(folder)
        except _NoRoom:
            self.outcomes[RefusalCode.MEMORY] += 1
            event(logging.WARNING, "version refused", version=version, code=RefusalCode.MEMORY)
            raise
        except Exception as error:
            if isinstance(error, VersionUnknown) and version != self._promoted:
                raise  # a caller's mistake
            self._refuse(version, error, seen)
            raise VersionRefused("see the log") from None
        self.outcomes[LOADED] += 1
        with self._lock:
            self._refused.pop(version, None)
        event(logging.INFO, "version loaded", version=version, seconds=round(time.perf_counter() - start, 3))
        return LoadedVersion(predictor, Labels(predictor.taxonomy), memory_bytes)

    def _refuse(self, version: str, error: Exception, seen: tuple[object, ...]) -> None:
        code = code_of(error)
        reason = error.reason if isinstance(error, VersionRefused) else type(error).__name__
        event(logging.ERROR, "version refused", error, version=version, code=code, reason=reason)
        self.outcomes[code] += 1
        with self._lock:
            self._refused[version] = Refusal(version, code, seen, self._clock())

    def _make_room(self, memory_bytes: int) -> None:
        """Let go of versions asked for by name, least recently used first, until so much more fits. Raises _NoRoom."""
        with self._lock:
            current = self._current.memory_bytes if self._current else 0
            free = self._memory_bytes - memory_bytes - current
            while self._named and sum(one.memory_bytes for one in self._named.values()) > free:
                self._asked.pop(self._named.popitem(last=False)[0], None)
        if memory_bytes and free < 0:
            raise _NoRoom("the versions in memory leave no room for it")

    def _release_idle(self) -> None:
        """Let go of versions that nobody has asked for lately, and forget refusals of versions that are gone."""
        earliest = self._clock() - self._idle_seconds
        with self._lock:
            idle = [version for version, asked in self._asked.items() if asked < earliest]
            for version in idle:
                self._named.pop(version, None)
                del self._asked[version]
        if self._refused:
            known = {*self.store.versions(), self._promoted}
            with self._lock:
                self._refused = {version: one for version, one in self._refused.items() if version in known}


class _NoRoom(VersionRefused):
    """The versions in memory leave no room; says nothing about the version."""
