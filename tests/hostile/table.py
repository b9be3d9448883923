"""RELIABILITY 3.1 as a table: a bad request, and the one problem that it is answered with.

Three readers: tests/service/http/test_bad_input.py sends each to an app in this process, tests/e2e/test_hostile.py and
the soak send them among the generated ones to a real server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from tests.hostile.forms import END, FORM_TYPE, MALFORMED_FORMS, TITLE, part
from tests.hostile.images import UNSUPPORTED, bomb
from tests.hostile.json import INVALID, MALFORMED
from tests.models.pictures import VALID

Headers = tuple[tuple[str, str], ...]
JSON: Headers = (("Content-Type", "application/json"),)
FORM: Headers = (("Content-Type", FORM_TYPE),)
PHOTO: Headers = (("Content-Type", "image/jpeg"),)
IMAGE = b'Content-Disposition: form-data; name="image"'
FILE = IMAGE + b'; filename="photo.jpg"'
ID = b'Content-Disposition: form-data; name="id"'


class Bad(NamedTuple):
    """A bad request; `row` of RELIABILITY 3.1, and its problem: `pointer` is the first error's, None if it may vary."""

    row: int
    name: str
    path: str
    headers: Headers
    body: bytes
    status: int
    code: str
    pointer: str | None = None
    method: str = "POST"

    def __str__(self) -> str:
        return f"row {self.row}, {self.name}, {self.method} {self.path[:60]}"


def _json() -> Iterator[Bad]:
    for path in ("/predict/text", "/predict", "/predict/batch", "/explain"):
        for name, body in MALFORMED.items():
            yield Bad(1, name, path, JSON, body, 400, "malformed_json")
    for path in ("/predict/text", "/predict", "/explain"):
        for name, (body, pointer) in INVALID.items():
            yield Bad(2, name, path, JSON, body, 422, "invalid_request", pointer)
        for field in ("designation", "description"):
            body = json.dumps({field: "é" * 20_001}).encode()
            yield Bad(8, f"long {field}", path, JSON, body, 422, "text_too_long", f"/{field}")


OPTIONS = (
    ("top_k=0", "/top_k"), ("top_k=28", "/top_k"), ("top_k=-1", "/top_k"), ("top_k=1e999", "/top_k"),
    ("top_k=x", "/top_k"), ("top_k=" + "9" * 500, "/top_k"), ("top_k=", "/top_k"), ("precision=0.79", "/precision"),
    ("precision=0.996", "/precision"), ("precision=nan", "/precision"), ("precision=inf", "/precision"),
    ("lang=es", "/lang"), ("precison=0.99", "/precison"), ("top_k=1&top_k=2", ""), ("x" * 2000, ""),
    ("%ff%fe=%00", None),
)  # fmt: skip


def _options() -> Iterator[Bad]:
    title = b'{"designation": "a"}'
    for path, body in (
        ("/predict/text", title),
        ("/predict", title),
        ("/explain", title),
        ("/predict/batch", b'{"listings": [%s]}' % title),
    ):
        for query, pointer in OPTIONS:
            yield Bad(2, "option", f"{path}?{query}", JSON, body, 422, "invalid_request", pointer)
    yield Bad(2, "option", "/categories?lang=es", (), b"", 422, "invalid_request", "/lang", "GET")
    for value in ("0", "-1", "x", "1.5", "9" * 30, ""):
        headers = (*JSON, ("X-Deadline-Ms", value))
        yield Bad(2, "deadline " + value, "/predict/text", headers, title, 422, "invalid_request", "/X-Deadline-Ms")


def _forms() -> Iterator[Bad]:
    for path in ("/predict", "/predict/image", "/explain"):
        for name, (content_type, body) in MALFORMED_FORMS.items():
            yield Bad(3, name, path, (("Content-Type", content_type),), body, 400, "malformed_multipart")
    fields = b"".join(part(b'Content-Disposition: form-data; name="f%d"' % n) for n in range(17))
    files = b"".join(part(b'Content-Disposition: form-data; name="f%d"; filename="x"' % n) for n in range(3))
    for name, body in {"fields": fields, "files": files, "17,000 fields": fields * 1000}.items():
        yield Bad(4, name, "/predict", FORM, body + END, 400, "too_many_parts")
    yield Bad(5, "text", "/predict", FORM, part(TITLE, b"x" * (256 * 1024 + 1)) + END, 413, "part_too_large")
    yield Bad(8, "in a form", "/predict", FORM, part(TITLE, b"x" * 20_001) + END, 422, "text_too_long", "/designation")
    unknown = b'Content-Disposition: form-data; name="prix"'
    for name, path, body, pointer in (
        ("photo in a field", "/predict", part(IMAGE, VALID["jpeg"]), "/image"),
        ("text in a file", "/predict", part(TITLE + b'; filename="x.txt"'), "/designation"),
        ("unknown part", "/predict", part(TITLE) + part(unknown), "/prix"),
        ("blank", "/predict", part(TITLE, b"  "), ""),
        ("given twice", "/predict", part(TITLE) * 2, "/designation"),
        ("not UTF-8", "/predict", part(TITLE, b"\xff\xfe"), "/designation"),
        ("no photo", "/predict/image", part(ID), "/image"),
        ("a title beside the photo", "/predict/image", part(TITLE), "/designation"),
    ):
        yield Bad(16, name, path, FORM, body + END, 422, "invalid_request", pointer)


def _media_types() -> Iterator[Bad]:
    for path in ("/predict/text", "/predict/image", "/predict", "/predict/batch"):
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "", "json", "\u00e9/\u00e9"):
            headers = (("Content-Type", kind),) if kind else ()
            yield Bad(7, kind or "none", path, headers, b"{}", 415, "unsupported_media_type")
    for path in ("/predict/text", "/predict/batch", "/predict", "/explain"):
        gzip, identity = ("Content-Encoding", "gzip"), ("Content-Encoding", "identity")
        for name, more in {
            "gzip": (gzip,),
            "identity, then gzip": (identity, gzip),
            "transfer": (("Transfer-Encoding", "gzip, chunked"),),
        }.items():
            yield Bad(7, name, path, (*JSON, *more), b"{}", 415, "unsupported_media_type")
    for path in ("/predict/text", "/predict"):
        yield Bad(7, "a photo", path, PHOTO, VALID["jpeg"], 415, "unsupported_media_type")


def _photos() -> Iterator[Bad]:
    png = bytearray(VALID["png"])
    png[-20] ^= 0xFF
    jpeg = VALID["jpeg"]
    for row, name, content, status, code in (
        (10, "empty", b"", 422, "image_empty"),
        *((11, name, content, 415, "image_unsupported") for name, content in UNSUPPORTED.items()),
        (12, "bomb", bomb(30_000), 422, "image_too_large"),
        (13, "cut", jpeg[: len(jpeg) // 2], 422, "image_corrupt"),
        (13, "checksum", bytes(png), 422, "image_corrupt"),
    ):
        yield Bad(row, name, "/predict/image", PHOTO, content, status, code, "/image")
        for path in ("/predict/image", "/predict", "/explain"):
            yield Bad(row, f"{name}, form", path, FORM, part(FILE, content) + END, status, code, "/image")
    yield Bad(10, "empty, JSON", "/predict", JSON, b'{"image": ""}', 422, "image_empty", "/image")


def _paths() -> Iterator[Bad]:
    for path in ("/nope", "/predict/", "/predict/text/", "/../etc/passwd", "/%00", "/assets/%00", "/assets/../app.py"):
        yield Bad(26, "path", path, (), b"", 404, "not_found", None, "GET")
    for method, path in (
        ("GET", "/predict"), ("DELETE", "/categories"), ("POST", "/health/live"), ("PUT", "/assets/shell/page.js"),
    ):  # fmt: skip
        yield Bad(26, "method", path, (), b"", 405, "method_not_allowed", None, method)


TABLE = (*_json(), *_options(), *_forms(), *_media_types(), *_photos(), *_paths())
