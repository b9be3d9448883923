"""What all clients of a soak share: counters, findings, and whether to go on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

MOST_FINDINGS = 200
"""Kept; the others are only counted."""


@dataclass
class Watch:
    """`asked` counts requests by kind, `shed` those that were refused for load, `live` the seconds of /health/live."""

    asked: Counter[str] = field(default_factory=Counter)
    shed: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    swaps: int = 0
    harms: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    draining: threading.Event = field(default_factory=threading.Event)
    start: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, kind: str, fault: str | None = None, *, was_shed: bool = False) -> None:
        """Count a request, and note what was wrong with it."""
        with self._lock:
            self.asked[kind] += 1
            self.shed[kind] += was_shed
            if fault is not None:
                self.unexpected[kind] += 1
                if len(self.findings) < MOST_FINDINGS:
                    self.findings.append(f"{time.monotonic() - self.start:7.1f} s  {kind}: {fault}")

    @property
    def goes_on(self) -> bool:
        """Whether clients should ask again."""
        return not self.stop.is_set()
