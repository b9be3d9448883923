"""The hostile corpus as requests: number N of seed S is always the same request."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import NamedTuple
from urllib.parse import quote

from tests.hostile.forms import form
from tests.hostile.images import image
from tests.hostile.json import json_body, lines
from tests.hostile.table import TABLE
from tests.hostile.texts import text

IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/svg+xml", "image/", "image/" + "x" * 200)
QUERIES = (
    "top_k=1", "top_k=0", "top_k=99", "top_k=1e999", "top_k=" + "9" * 900, "top_k=1&top_k=2", "precision=0.9",
    "precision=nan", "precision=-1", "lang=xx", "lang=de", "version=..%2F..%2Fetc", "version=none", "version=",
    "version=%00", "%ff=%fe", "a" * 1100, "&&&===", "top_k[]=1", "a[b][c]=1", "seed=1&count=2", "count=0", "row=-1",
)  # fmt: skip
"""Options, right and wrong."""
PATHS = (
    "/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/metrics", "/categories", "/models",
    "/models/none", "/models/..", "/models/%2e%2e%2fcurrent", "/models/%00", "/assets/../../service/app.py",
    "/assets/%2e%2e/%2e%2e/settings.py", "/assets/shell/page.js", "/nowhere", "//", "/predict/", "/predict/none",
    "/.git/config",     "/" + "a" * 5000, "/%ff%fe", "/%", "/predict%2ftext",
    "/catalogue", "/catalogue/listings", "/catalogue/images/0",
    "/catalogue/images/-1", "/catalogue/images/99999999999999999999", "/catalogue/images/..%2f..%2fa", "/explain",
)  # fmt: skip
DRAWS = (
    "count=1", "count=24", "count=0", "count=25", "count=1e3", "seed=0", "seed=-1", "seed=" + "9" * 40, "only=mistakes",
    "only=disagreements", "only=x", "category=10", "category=", "category=%00", "predicted=10", "predicted=" + "a" * 99,
    "category=%F0%9F%98%80", "precision=0.9", "lang=en",
)  # fmt: skip
METHODS = ("GET", "GET", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "POST")


class Request(NamedTuple):
    """One hostile request; `group` is its kind, for the report."""

    group: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def request(seed: int, number: int) -> Request:
    """Request `number` of the corpus of `seed`."""
    return request_of(GROUPS[number % len(GROUPS)], f"{seed} {number}")


def request_of(group: str, seed: int | str) -> Request:
    """The request of a group that a seed gives, now and then with an odd option or header besides."""
    chance = Random(seed)
    hostile = MAKERS[group](chance)
    target = hostile.target
    if chance.random() < 0.06:
        target += ("&" if "?" in target else "?") + chance.choice(QUERIES)
    headers = list(hostile.headers)
    if chance.random() < 0.05:
        headers.append(chance.choice(ODD_HEADERS))
    return hostile._replace(group=group, target=target, headers=tuple(headers))


ODD_HEADERS = (
    ("X-Deadline-Ms", "1"), ("X-Deadline-Ms", "-1"), ("X-Deadline-Ms", "9" * 50), ("X-Deadline-Ms", "\xff"),
    ("X-Request-ID", "a" * 5000), ("X-Request-ID", "\xff\xfe"), ("X-Forwarded-For", "\x01"), ("Accept", "text/xml"),
    ("Accept-Language", "fr-" * 2000), ("Accept-Language", "\xff, *;q=x,,,;;"), ("Content-Encoding", "gzip"),
    ("Content-Encoding", "br, identity"), ("Origin", "https://evil.example"), ("Authorization", "Bearer \xff"),
    ("Cookie", "a=" + "b" * 4000), ("If-None-Match", "*,\"" + "a" * 3000), ("Expect", "100-continue"),
    ("Range", "bytes=-1"), ("Upgrade", "websocket"), ("traceparent", "00-0-0-0"),
)  # fmt: skip


def _post(path: str, content_type: str, body: bytes) -> Request:
    return Request("", "POST", path, (("Content-Type", content_type),), body)


def _raw_image(chance: Random) -> Request:
    return _post("/predict/image", chance.choice(IMAGE_TYPES), image(chance))


def _form_of(path: str) -> Callable[[Random], Request]:
    return lambda chance: _post(path, *form(chance, path))


def _json_of(path: str) -> Callable[[Random], Request]:
    return lambda chance: _post(path, "application/json", json_body(chance, path))


def _lines(chance: Random) -> Request:
    return _post("/predict/batch", "application/x-ndjson", lines(chance))


def _text(chance: Random) -> Request:
    field = chance.choice(("designation", "description"))
    return _post("/predict/text", "application/json", json.dumps({field: text(chance)}).encode())


def _wrong_type(chance: Random) -> Request:
    kinds = ("text/plain", "application/xml", "application/x-www-form-urlencoded", "", "a/b/c", "\xff")
    kinds += ("application/json;" * 50,)
    path = chance.choice(("/predict", "/predict/text", "/predict/image", "/predict/batch", "/explain"))
    body = chance.choice((b"", b"{}", image(chance), json_body(chance, path), form(chance, path)[1]))
    return _post(path, chance.choice(kinds), body)


def _table(chance: Random) -> Request:
    bad = chance.choice(TABLE)
    return Request("", bad.method, bad.path, bad.headers, bad.body)


def _elsewhere(chance: Random) -> Request:
    target = chance.choice(PATHS)
    if chance.random() < 0.3:
        target = "/" + quote(text(chance)[:200], safe=chance.choice(("", "/.%"))).lstrip("/")
    if chance.random() < 0.3:
        target = "/catalogue/listings?" + "&".join(chance.choices(DRAWS + QUERIES, k=chance.randrange(1, 5)))
    return Request("", chance.choice(METHODS), target, (), chance.choice((b"", b"", b"{}")))


MAKERS: dict[str, Callable[[Random], Request]] = {
    "image: body": _raw_image,
    "image: form": _form_of("/predict/image"),
    "predict: form": _form_of("/predict"),
    "predict: JSON": _json_of("/predict"),
    "text: JSON": _json_of("/predict/text"),
    "text: texts": _text,
    "batch: JSON": _json_of("/predict/batch"),
    "batch: form": _form_of("/predict/batch"),
    "batch: lines": _lines,
    "explain: form": _form_of("/explain"),
    "explain: JSON": _json_of("/explain"),
    "wrong type": _wrong_type,
    "table": _table,
    "elsewhere": _elsewhere,
}
GROUPS = (*MAKERS, "image: body", "image: body", "text: texts", "predict: form", "predict: JSON")
"""In turn; what many callers send comes more often."""
