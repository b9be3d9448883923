"""Multipart forms, from a body that is already in memory: nothing goes to disk, and file names are never looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from service.errors import InvalidRequest, MalformedMultipart, PartTooLarge, ServiceError, TooManyParts
from service.http.problems import pointer

MAX_BOUNDARY_BYTES = 70
"""RFC 2046, section 5.1.1."""
PLAIN_ENCODINGS = (b"7bit", b"8bit", b"binary")
"""RFC 7578 deprecates the others; a form in base64 or quoted-printable is refused rather than taken literally."""

_ENCODED_FILE_NAME = re.compile(rb";[ \t]*filename\*[ \t]*=", re.IGNORECASE)
"""How some clients send a name that is not ASCII, and then only so; the parser leaves it out of the options."""


@dataclass(frozen=True, slots=True)
class FormLimits:
    """Most fields and files, and bytes of a text part (files are bounded by the body)."""

    fields: int
    files: int
    text_bytes: int


@dataclass(slots=True)
class Form:
    """Text parts and file parts by name."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    size: int = 0
    name: str = ""
    is_file: bool = False
    has_file_name: bool = False


class _Reader:
    """Callbacks of the parser, by their names there."""

    def __init__(self, limits: FormLimits) -> None:
        self.form = Form()
        self.complete = False
        self._limits = limits
        self._fields = 0
        self._files = 0
        self._part = _Part()
        self._header_name = b""
        self._header_value = b""

    def on_part_begin(self) -> None:
        self._part = _Part()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def on_header_end(self) -> None:
        name = self._header_name.lower()
        if name in self._part.headers:  # a proxy may have believed the other one
            raise MalformedMultipart
        self._part.headers[name] = self._header_value
        self._header_name, self._header_value = b"", b""

    def on_headers_finished(self) -> None:
        headers = self._part.headers
        disposition, options = parse_options_header(headers.get(b"content-disposition"))
        if disposition != b"form-data" or not options.get(b"name"):
            raise MalformedMultipart
        if headers.get(b"content-transfer-encoding", b"binary").strip().lower() not in PLAIN_ENCODINGS:
            raise MalformedMultipart
        self._part.name = options[b"name"].decode("utf-8", "replace")
        has_encoded_name = _ENCODED_FILE_NAME.search(headers[b"content-disposition"]) is not None
        self._part.is_file = b"filename" in options or has_encoded_name
        self._part.has_file_name = bool(options.get(b"filename")) or has_encoded_name
        self._files += self._part.is_file
        self._fields += not self._part.is_file
        if self._fields > self._limits.fields or self._files > self._limits.files:
            raise TooManyParts

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        part.size += end - start
        if not part.is_file and part.size > self._limits.text_bytes:
            raise PartTooLarge
        part.chunks.append(data[start:end])

    def on_part_end(self) -> None:
        part, form = self._part, self.form
        content = part.chunks[0] if len(part.chunks) == 1 else b"".join(part.chunks)
        if part.is_file and not content and not part.has_file_name:
            return  # what a browser sends for a file field that was left empty
        if part.name in form.texts or part.name in form.files:
            raise InvalidRequest.at(pointer([part.name]), "This is given twice.")
        if part.is_file:
            form.files[part.name] = content
            return
        try:
            form.texts[part.name] = content.decode("utf-8")
        except UnicodeDecodeError:
            raise InvalidRequest.at(pointer([part.name]), "This is not UTF-8.") from None

    def on_end(self) -> None:
        self.complete = True


def parse_form(body: bytes, content_type: str, limits: FormLimits) -> Form:
    """The parts of a form.

    Raises MalformedMultipart, TooManyParts, PartTooLarge, and InvalidRequest on a part given twice or not in UTF-8.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= MAX_BOUNDARY_BYTES:
        raise MalformedMultipart
    body = _without_preamble(body, b"--" + boundary)
    if body.count(b"\r\n--" + boundary) > limits.fields + limits.files + 1:
        raise TooManyParts  # also where the parser would not call it one: it stops at each, 0.2 s for a MB of them
    reader = _Reader(limits)
    callbacks = {name: getattr(reader, name) for name in vars(_Reader) if name.startswith("on_")}
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except ServiceError:
        raise
    except (FormParserError, ValueError):
        raise MalformedMultipart from None
    if not reader.complete:
        raise MalformedMultipart
    return reader.form


def _without_preamble(body: bytes, delimiter: bytes) -> bytes:
    """The body from its first delimiter on: what stands before it is to be ignored (RFC 2046, section 5.1.1)."""
    if body.startswith(delimiter):
        return body
    start = body.find(b"\r\n" + delimiter)
    return body if start < 0 else body[start + 2 :]
