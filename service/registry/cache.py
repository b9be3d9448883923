"""The loaded versions that stay in memory: the current one, and the least recently used ones go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from models.errors import VersionRefused
from service.registry.loading import LoadedVersion


class VersionCache:
    """Holds the version that serves and those that callers asked for by name, within `memory_bytes` by their estimates.

    The current version is always kept. Of the others the least recently used go first, and each goes once nobody has
    asked for it for `idle_seconds`. A request that still holds a version that went is not counted, nor is the moment
    of a swap, in which the old and the new version are both there. Safe in threads.
    """

    def __init__(self, *, memory_bytes: int, idle_seconds: float, clock: Callable[[], float]) -> None:
        self.current: LoadedVersion | None = None
        self._memory_bytes = memory_bytes
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._others: OrderedDict[str, LoadedVersion] = OrderedDict()  # least recently used first
        self._used_at: dict[str, float] = {}  # when a version, also the current one, was last asked for by name
        self._lock = threading.Lock()

    @property
    def loaded(self) -> list[LoadedVersion]:
        """The current version, if there is one, and then the others."""
        with self._lock:
            return [*([self.current] if self.current else []), *self._others.values()]

    def find(self, version: str) -> LoadedVersion | None:
        """The version if it is loaded; this counts as a use."""
        with self._lock:
            loaded = self._others.get(version)
            if loaded is not None:
                self._others.move_to_end(version)
            elif self.current is not None and self.current.version == version:
                loaded = self.current
            if loaded is not None:
                self._used_at[version] = self._clock()
            return loaded

    def add(self, loaded: LoadedVersion) -> None:
        """Keep a version that was asked for by name."""
        with self._lock:
            self._others[loaded.version] = loaded
            self._used_at[loaded.version] = self._clock()

    def serve(self, loaded: LoadedVersion) -> None:
        """Make it the current version; the one before is kept if it was asked for by name."""
        with self._lock:
            old, self.current = self.current, loaded
            self._others.pop(loaded.version, None)
            if old is not None and old.version in self._used_at:
                self._others[old.version] = old
        self.make_room(0)

    def make_room(self, memory_bytes: int) -> None:
        """Let go of versions until so much more fits. Raises NoRoom when the current version leaves too little."""
        with self._lock:
            current = self.current.memory_bytes if self.current else 0
            free = self._memory_bytes - memory_bytes - current
            while self._others and sum(loaded.memory_bytes for loaded in self._others.values()) > free:
                self._used_at.pop(self._others.popitem(last=False)[0], None)
        if memory_bytes and free < 0:
            raise NoRoom("the versions in memory leave no room for it")

    def drop_idle(self) -> None:
        """Let go of versions that nobody has asked for lately."""
        earliest = self._clock() - self._idle_seconds
        with self._lock:
            for version in [version for version, used_at in self._used_at.items() if used_at < earliest]:
                self._others.pop(version, None)
                del self._used_at[version]


class NoRoom(VersionRefused):
    """The versions in memory leave no room; says nothing about the version."""
