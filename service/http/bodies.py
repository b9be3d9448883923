"""Request bodies within limits: media type, size, time, memory in total, and the values of their JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from pydantic_core import from_json
from starlette.requests import Request

from service.errors import (
    BodyTooLarge,
    ClientGone,
    InvalidRequest,
    MalformedJson,
    Overloaded,
    SlowClient,
    UnsupportedMediaType,
)
from service.http.context import context_of

JSON = "application/json"
MULTIPART = "multipart/form-data"
NDJSON = "application/x-ndjson"
MAX_TOKENS = 64
"""Most strings and commas in the JSON of one listing, which has four fields."""
_CODINGS = {b"content-encoding": (b"", b"identity"), b"transfer-encoding": (b"chunked",)}
"""Codings that a body may have; a header that is repeated is checked each time."""
SMALL_BYTES = 64 * 1024
"""Shorter JSON is parsed without counting its values: it becomes 2 MB at most."""


def media_type(request: Request) -> str:
    """The body's media type in lower case, without parameters; "" without one.

    Raises UnsupportedMediaType on compressed bodies: a few kB can hold gigabytes, and photos do not shrink.
    """
    for name, value in request.scope["headers"]:
        if name in _CODINGS and value.strip().lower() not in _CODINGS[name]:
            raise UnsupportedMediaType
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class BodyReader:
    """Reads bodies whole, into memory, within limits. One for each process: `total` bounds all bodies held at once, and
    `free` bytes of it are left.

    Bodies are needed whole (JSON, or a photo to decode) and are never written to disk: there is no temporary file that
    could fill the disk, be left behind or carry a client's name.
    """

    def __init__(self, *, total: int, seconds: float) -> None:
        self._total = self.free = total
        self._seconds = seconds

    @property
    def held(self) -> int:
        """Bytes of the bodies in memory."""
        return self._total - self.free

    async def read(self, request: Request, limit: int) -> bytes:
        """The body; it counts against the total until `RequestMiddleware` has the answer.

        Raises BodyTooLarge on a declared length over `limit` at once, before anything is read, and on a longer body
        as soon as the limit is passed; Overloaded when the total is used up; SlowClient after the time limit;
        ClientGone.
        """
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > limit:
            raise BodyTooLarge
        context = context_of(request)
        chunks: list[bytes] = []
        more = True
        try:
            async with asyncio.timeout(self._seconds):
                while more:
                    message = await request.receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    chunk = message.get("body", b"")
                    more = message.get("more_body", False)
                    if context.bytes_in + len(chunk) > limit:
                        raise BodyTooLarge
                    self.hold(len(chunk))
                    context.bytes_in += len(chunk)
                    context.bytes_held += len(chunk)
                    chunks.append(chunk)
        except TimeoutError:
            raise SlowClient from None
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def hold(self, size: int) -> None:
        """Count bytes that are held from now on. Raises Overloaded when the total does not allow them."""
        if size > self.free:
            raise Overloaded
        self.free -= size

    def release(self, size: int) -> None:
        """Count bytes that are no longer held."""
        self.free += size


def parse_json(body: bytes, *, listings: int = 1) -> object:
    """The body's JSON value. Raises MalformedJson, or InvalidRequest on more values than that many listings can have.

    The values of a long body are counted first: 30 MB of `[],[],[],...` would become 600 MB of lists, and hold the
    event loop for many seconds.

    The fast parser refuses nesting beyond 200, numbers of more than 4,300 digits, byte order marks and anything but
    UTF-8. Python's lenient parser also takes NaN, Infinity and lone surrogates: the schema then refuses these with a
    pointer to *where* they are; in a batch, for their listing only.
    """
    if len(body) > SMALL_BYTES and _has_more_tokens_than(body, listings * MAX_TOKENS):
        raise InvalidRequest.at("", "The body holds too many values.")
    try:
        return from_json(body)
    except ValueError:
        pass
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise MalformedJson from None


def _has_more_tokens_than(body: bytes, limit: int) -> bool:
    """Count strings and commas outside of them, but only where there are many commas: photos in base64 have none.

    A few passes in C, because a regular expression over many escapes would hold the interpreter's lock for long.
    """
    if body.count(b",") <= limit:
        return False
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"")
    if bare.count(b'"') > 2 * limit:
        return True
    outside = bare.split(b'"')[::2]
    return len(outside) - 1 + sum(part.count(b",") for part in outside) > limit


LARGE_BYTES = 1024 * 1024
"""Smaller bodies are parsed on the event loop, in a few milliseconds at worst; a thread would cost more."""
LARGE_ITEMS = 200
"""Responses with fewer results are written on the event loop, in a few milliseconds."""

P = ParamSpec("P")
T = TypeVar("T")


_THREAD = ThreadPoolExecutor(1, thread_name_prefix="offload")
"""One thread of the process, so that large bodies take no more than one core; those that wait hold their memory."""


async def offload(is_large: bool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result, computed in a thread when the input is large, else inline. Raises what it raises."""
    if not is_large:
        return function(*args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_THREAD, lambda: function(*args, **kwargs))
