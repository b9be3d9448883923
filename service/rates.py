"""Token buckets: how often a key may ask.

In memory and for this process alone: a service of three processes lets a key through three times as often, and a
restart fills the buckets. A limit over all of them is the business of the proxy in front.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class TokenBucket:
    """Refilled by `rate` tokens a second up to `burst`; each request takes one."""

    __slots__ = ("_clock", "_filled_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._filled_at = clock()

    def take(self) -> bool:
        """Take a token if there is one."""
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    @property
    def retry_seconds(self) -> int:
        """Whole seconds until there is a token, at least 1; as of the last `take`."""
        return max(1, math.ceil((1 - self._tokens) / self.rate))

    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), as of the last `take`.

        The policy's window is the time in which an empty bucket fills; `t` is the time until this one is full.
        """
        window = max(1, math.ceil(self.burst / self.rate))
        full_in = math.ceil((self.burst - self._tokens) / self.rate)
        return {
            "RateLimit-Policy": f'"key";q={self.burst};w={window}',
            "RateLimit": f'"key";r={int(self._tokens)};t={full_in}',
        }
