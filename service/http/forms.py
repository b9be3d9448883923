"""Forms, from a body that is already in memory: nothing goes to disk, and file names are never looked at.

A form is cut at its delimiters by searches that run in C, so no byte of it costs more than another: a parser that looks
at each in Python took seconds for some megabytes of line ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header

from service.errors import InvalidRequest, MalformedMultipart, PartTooLarge, TooManyParts
from service.http.problems import pointer

MAX_BOUNDARY_BYTES = 70
"""RFC 2046, section 5.1.1."""
MAX_HEAD_BYTES = 8 * 1024
"""Longest headers of a part, together."""
MAX_OPTIONS = 16
"""Most options of a header, such as `name`; the search for them takes quadratic time."""
PLAIN_ENCODINGS = (b"7bit", b"8bit", b"binary")
"""RFC 7578 deprecates the others; a form in base64 or quoted-printable is refused rather than taken literally."""
SEARCH_BYTES = 4 * 1024 * 1024
"""Bytes that are searched at once: the interpreter's lock is held meanwhile."""

_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)")
_PADDING = re.compile(rb"[ \t]{0,100}+\r\n")
"""What may stand between a boundary and the next part."""
_ENCODED_FILE_NAME = re.compile(rb";[ \t]*filename\*[ \t]*=", re.IGNORECASE)
"""How some clients send a name that is not ASCII, and then only so; the parser leaves it out of the options."""
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")

NOT_A_FILE = "This must be a file: a part of a multipart form with a filename, or with a Content-Type of image/..."


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Most fields, most files of different names, and bytes of a text part (files are bounded by the body)."""

    fields: int
    files: int
    text_bytes: int


@dataclass(slots=True)
class Form:
    """Text parts and file parts by name."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    content: bytes
    is_file: bool = False
    was_left_empty: bool = False
    """What a browser sends for a file field without a file."""

    @classmethod
    def of(cls, head: bytes, content: bytes) -> _Part:
        headers = _headers(head)
        disposition, options = _options(headers.get(b"content-disposition", b""))
        if disposition != b"form-data" or not options.get(b"name"):
            raise MalformedMultipart
        if headers.get(b"content-transfer-encoding", b"binary").strip().lower() not in PLAIN_ENCODINGS:
            raise MalformedMultipart
        has_encoded_name = _ENCODED_FILE_NAME.search(headers[b"content-disposition"]) is not None
        is_photo = headers.get(b"content-type", b"").lower().startswith(b"image/")
        return cls(
            name=options[b"name"].decode("utf-8", "replace"),
            content=content,
            is_file=b"filename" in options or has_encoded_name or is_photo,
            was_left_empty=not content and options.get(b"filename") == b"" and not has_encoded_name,
        )


@dataclass(frozen=True, slots=True)
class FormFields:
    """The names of the text fields, and of the file field, which may be given so many `times`; "" is none, and None
    lets files have any name.
    """

    texts: frozenset[str]
    file: str | None = None
    times: int = 1


def parse_form(body: bytes, content_type: str, limits: FormLimits, fields: FormFields) -> Form:
    """A multipart form.

    Raises MalformedMultipart, TooManyParts, PartTooLarge, and InvalidRequest on an unknown part, text and file in each
    other's place, and a part given twice or not in UTF-8.
    """
    _, options = _options(content_type.encode("latin-1"))
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= MAX_BOUNDARY_BYTES:
        raise MalformedMultipart
    most = limits.fields + limits.files * fields.times
    return _form([_Part.of(*part) for part in _cut(body, boundary, most)], limits, fields)


def parse_urlencoded(body: bytes, limits: FormLimits, fields: FormFields) -> Form:
    """A form in application/x-www-form-urlencoded, which holds no files. Raises as `parse_form`."""
    if body.count(b"&") >= limits.fields:
        raise TooManyParts
    parts = []
    for pair in filter(None, body.split(b"&")):
        quoted_name, _, quoted = pair.partition(b"=")
        if len(quoted) > 3 * limits.text_bytes:
            raise PartTooLarge
        name = unquote_to_bytes(quoted_name.replace(b"+", b" ")).decode("utf-8", "replace")
        if _BROKEN_ESCAPE.search(pair):
            raise InvalidRequest.at(pointer([name]), "This has a percent sign that two hexadecimal digits must follow.")
        parts.append(_Part(name, unquote_to_bytes(quoted.replace(b"+", b" "))))
    return _form(parts, limits, fields)


def _form(parts: Sequence[_Part], limits: FormLimits, fields: FormFields) -> Form:
    files = [part.name for part in parts if part.is_file]
    if len(set(files)) > limits.files or len(parts) - len(files) > limits.fields:
        raise TooManyParts
    form = Form()
    for part in parts:
        if part.was_left_empty:
            continue
        if (fault := _fault(part, form, fields)) is not None:
            raise InvalidRequest.at(pointer([part.name]), fault)
        if part.is_file:
            form.files.setdefault(part.name, []).append(part.content)
            continue
        if len(part.content) > limits.text_bytes:
            raise PartTooLarge
        try:
            form.texts[part.name] = part.content.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidRequest.at(pointer([part.name]), "This is not UTF-8.") from None
    return form


def _fault(part: _Part, form: Form, fields: FormFields) -> str | None:
    may_be_file = fields.file in (None, part.name)
    if part.is_file and not may_be_file:
        return "This must be text, not a file." if part.name in fields.texts else "There is no such field."
    if not part.is_file and part.name not in fields.texts:
        return NOT_A_FILE if may_be_file else "There is no such field."
    if part.name in form.texts or (not part.is_file and part.name in form.files):
        return "This is given twice."
    is_over = len(form.files.get(part.name, ())) >= fields.times
    return ("This is given twice." if fields.times == 1 else "This is given too often.") if is_over else None


def _cut(body: bytes, boundary: bytes, most: int) -> list[tuple[bytes, bytes]]:
    """Head and content of each part. What stands before the first delimiter and behind the last one is ignored
    (RFC 2046, section 5.1.1).
    """
    delimiter = b"\r\n--" + boundary
    parts: list[tuple[bytes, bytes]] = []
    head: bytes | None = None
    position = 0
    start = -2 if body.startswith(delimiter[2:]) else _find(body, delimiter, 0)
    for _ in range(most + 1):
        if start == -1:
            raise MalformedMultipart
        end = start + len(delimiter)
        is_last = body.startswith(b"--", end)
        padding = _PADDING.match(body, end)
        if head is not None and (is_last or padding):
            parts.append((head, body[position:start]))
        if is_last:
            return parts
        if padding is not None:  # else it belongs to the part
            head_end = body.find(b"\r\n\r\n", padding.end(), padding.end() + MAX_HEAD_BYTES)
            if head_end < 0:
                raise MalformedMultipart
            head = body[padding.end() : head_end]
            position = end = head_end + 4
        start = _find(body, delimiter, end)
    raise TooManyParts


def _find(body: bytes, delimiter: bytes, start: int) -> int:
    """`body.find`, in steps."""
    for step in range(start, len(body), SEARCH_BYTES):
        position = body.find(delimiter, step, step + SEARCH_BYTES + len(delimiter))
        if position >= 0:
            return position
    return -1


def _headers(head: bytes) -> dict[bytes, bytes]:
    """The headers by their names in lower case. Raises MalformedMultipart, also on one given twice: a proxy may have
    believed the other one.
    """
    headers: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        header = _HEADER.fullmatch(line)
        if header is None or header[1].lower() in headers:
            raise MalformedMultipart
        headers[header[1].lower()] = header[2]
    return headers


def _options(header: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    if header.count(b";") > MAX_OPTIONS:
        raise MalformedMultipart
    return parse_options_header(header)
