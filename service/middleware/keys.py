"""API keys: who may ask for what, and how often. Optional: without a file of keys, nobody needs one.

The file holds one JSON object a line, and hashes instead of keys:

    {"name": "backend", "sha256": "5e88...", "scopes": ["predict"], "rate": 50, "expires": "2027-06-30T00:00:00Z"}

`python -m service key NAME` makes a key and its line. Several keys are valid at once, also of the same name: to rotate,
add the new line, move the callers over, remove the old one. The file is read again when it changes; one that cannot be
read then changes nothing, so that no mistake locks callers out or lets everybody in.

SHA-256 without salt or stretching is enough here and keeps a check fast: this module makes keys of 256 random bits, so
there is nothing to guess. Passwords would need scrypt.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from service.errors import SettingsError
from service.observability.logs import event

PREFIX = "pk_"
"""Begins every key, so that scanners for leaked secrets recognise one."""
KEY_BYTES = 32
MAX_KEYS = 1000
MAX_FILE_BYTES = 1024 * 1024


class Scope(StrEnum):
    """The use that a key is for."""

    PREDICT = "predict"
    """Predictions, explanations, and random samples of the labelled catalogue."""
    READ = "read"
    """Categories, versions, and the labelled catalogue."""
    METRICS = "metrics"
    """`/metrics`, where that needs a key."""


class ApiKey(BaseModel):
    """One line of the file. `rate` is in requests a second (a batch is one); `burst` is by default a second's worth."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)] = (Scope.PREDICT, Scope.READ)
    rate: Annotated[float | None, Field(gt=0, le=1e6, allow_inf_nan=False)] = None
    burst: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    expires: AwareDatetime | None = None

    def is_expired(self) -> bool:
        """Whether the key's time is over."""
        return self.expires is not None and datetime.now(UTC) >= self.expires

    def bucket(self) -> TokenBucket | None:
        """A full bucket for the key; None when it has no rate."""
        return None if self.rate is None else TokenBucket(self.rate, self.burst or math.ceil(self.rate))


class ApiKeys:
    """The keys of one file. Raises SettingsError when it cannot be read at the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: list[tuple[ApiKey, TokenBucket | None]] = []
        self._identity = _identity(path)
        try:
            self._swap(read_keys(path))
        except ValueError as error:
            raise SettingsError(f"PYKUTEN_API_KEYS_FILE: {error}") from None

    def find(self, presented: bytes) -> tuple[ApiKey, TokenBucket | None] | None:
        """The key and its bucket; None if there is no such key, or no longer.

        Compares with every key, each in constant time, so that the time says nothing about which was nearly right.
        """
        digest = hashlib.sha256(presented).hexdigest()
        match = None
        for entry in self._entries:
            if hmac.compare_digest(entry[0].sha256, digest):
                match = entry
        return None if match is None or match[0].is_expired() else match

    def refresh(self) -> None:
        """Read the file again if it has changed; never raises."""
        identity = _identity(self._path)
        if identity == self._identity:
            return
        self._identity = identity
        try:
            self._swap(read_keys(self._path))
        except ValueError as error:
            event(logging.ERROR, "API keys refused", reason=str(error))
        else:
            event(logging.INFO, "API keys read", count=len(self._entries))

    def _swap(self, keys: list[ApiKey]) -> None:
        """Swap the keys, keeping the buckets of those that have not changed."""
        buckets = dict(self._entries)
        self._entries = [(key, buckets[key] if key in buckets else key.bucket()) for key in keys]


def read_keys(path: Path) -> list[ApiKey]:
    """The keys of a file. Raises ValueError with one line that names the fault, and never the content."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("the file is longer than 1 MB")
    keys = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        try:
            keys.append(ApiKey.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"line {number} is no API key: {place or 'the line'}: {first['type']}") from None
    if len(keys) > MAX_KEYS:
        raise ValueError(f"more than {MAX_KEYS} keys")
    if len({key.sha256 for key in keys}) < len(keys):
        raise ValueError("a hash is given twice")
    return keys


def make_key(name: str, **fields: object) -> tuple[str, ApiKey]:
    """A new key, and its entry for the file with other `fields` of ApiKey. Raises ValidationError on invalid ones."""
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    digest = hashlib.sha256(key.encode()).hexdigest()
    return key, ApiKey.model_validate({**fields, "name": name, "sha256": digest})


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        entry = path.stat()
    except OSError:
        return None
    return entry.st_ino, entry.st_size, entry.st_mtime_ns, entry.st_ctime_ns


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
        """Whole seconds from the last `take` until there is a token, at least 1."""
        return max(1, math.ceil((1 - self._tokens) / self.rate))

    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10) after the last `take`.

        The policy's window is the time in which an empty bucket fills; `t` is the time until this one is full.
        """
        window = max(1, math.ceil(self.burst / self.rate))
        full_in = math.ceil((self.burst - self._tokens) / self.rate)
        return {
            "RateLimit-Policy": f'"key";q={self.burst};w={window}',
            "RateLimit": f'"key";r={int(self._tokens)};t={full_in}',
        }
