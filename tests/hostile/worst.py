"""The bodies that cost a reader most, each as long as its limit allows: long runs of what a parser stops at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from service.settings import Settings
from tests.hostile.forms import END, FORM_TYPE, TITLE, part

LIMITS = Settings.model_construct()
FORM, JSON_PHOTO = LIMITS.form_body_bytes, LIMITS.json_photo_body_bytes
TEXT, BATCH = LIMITS.text_body_bytes, LIMITS.batch_body_bytes
JSON, NDJSON, URLENCODED = "application/json", "application/x-ndjson", "application/x-www-form-urlencoded"
FILE = b'Content-Disposition: form-data; name="image"; filename="x"'
LISTINGS = b'Content-Disposition: form-data; name="listings"'
DASHES = "multipart/form-data; boundary=" + "-" * 70


class Worst(NamedTuple):
    """A body that is made when it is sent: all of them together are a gigabyte."""

    name: str
    path: str
    content_type: str
    body: Callable[[], bytes]

    def __str__(self) -> str:
        return f"{self.name}, {self.path}"


def _filled(before: bytes, unit: bytes, after: bytes, size: int) -> bytes:
    """As many units between the two as fit into the size."""
    return before + unit * ((size - len(before) - len(after)) // len(unit)) + after


def _repeated(
    name: str, path: str, content_type: str, size: int, unit: bytes, before: bytes = b"", after: bytes = b""
) -> Worst:
    return Worst(name, path, content_type, lambda: _filled(before, unit, after, size))


def _forms() -> Iterator[Worst]:
    whole = part(TITLE) + END
    head = b"--B\r\n" + TITLE + b"\r\n"
    for path, size, field, file in (
        ("/predict", FORM, TITLE, FILE),
        ("/predict/batch", BATCH, LISTINGS, FILE),
    ):
        for name, unit in {
            "CR LF": b"\r\n", "LF": b"\n", "CR": b"\r", "dashes": b"-", "hyphens after CR LF": b"\r\n--",
            "cut delimiters": b"\r\n--A", "other delimiters": b"\r\n--BB",
        }.items():  # fmt: skip
            yield _repeated(f"{name} before the first part", path, FORM_TYPE, size, unit, b"", b"\r\n" + whole)
            yield _repeated(f"{name} behind the last part", path, FORM_TYPE, size, unit, whole)
            yield _repeated(
                f"{name} in a file", path, FORM_TYPE, size, unit, b"--B\r\n" + file + b"\r\n\r\n", b"\r\n" + END
            )
            yield _repeated(f"{name} without an end", path, FORM_TYPE, size, unit, b"--B\r\n" + file + b"\r\n\r\n")
        for name, unit in {
            "one long header": b"a", "one long name": b"a", "headers": b"X: a\r\n", "folded lines": b"\r\n a",
            "semicolons": b";", "quotes": b';"', "blanks": b" ", "CR": b"\r",
        }.items():  # fmt: skip
            before = head + (b"" if name == "headers" else b"X" if name == "one long name" else b"X: ")
            yield _repeated(f"head: {name}", path, FORM_TYPE, size, unit, before, b"\r\n\r\n\r\n" + END)
        yield _repeated("parts", path, FORM_TYPE, size, part(field), b"", END)
        yield _repeated("parts without a head", path, FORM_TYPE, size, b"--B\r\n\r\n", b"", END)
        yield _repeated("delimiters", path, FORM_TYPE, size, b"--B\r\n", b"", END)
        files = b"".join(
            part(b'Content-Disposition: form-data; name="%d"; filename="%s"' % (n, b";" * 4000)) for n in range(101)
        )
        yield Worst("files with long heads", path, FORM_TYPE, lambda files=files: files + END)
        dashed = b"--" + b"-" * 70 + b"\r\n" + file + b"\r\n\r\n"
        for name, unit in {"dashes": b"-", "69 dashes": b"\r\n--" + b"-" * 69 + b"a"}.items():
            yield _repeated(f"{name} where the boundary is of dashes", path, DASHES, size, unit, dashed)
    for name, unit in UNITS.items():
        yield _repeated(
            f"a part of {name}",
            "/predict/batch",
            FORM_TYPE,
            BATCH // 2,
            unit,
            b"--B\r\n" + LISTINGS + b"\r\n\r\n" + b'["',
            b'"]\r\n' + END,
        )


UNITS = {
    "letters": b"A", "accents": "é".encode(), "emoji": "😀".encode(), "escaped slashes": b"\\/",
    "escaped quotes": b'\\"', "escaped backslashes": b"\\\\", "escapes": b"\\u00e9", "escaped pairs": b"\\ud83d\\ude00",
    "mixed escapes": b"a\\/", "lone surrogates": b"\\ud800", "commas": b",", "colons": b":",
    "commas and escapes": b',\\"',
    "colons and escapes": b':\\"',
}  # fmt: skip
"""What a string of JSON may consist of."""
OUTSIDE = {
    "blanks": b" ", "lines": b"\n", "digits": b"9", "lists": b"[],", "deep lists": b"[", "objects": b"{},",
    "deep objects": b'{"a":', "numbers": b"1,", "not numbers": b"NaN,", "strings": b'"",', "a key": b'"a":1,',
    "nothing": b"\0", "deep and shallow": b"[[[]]],", "quotes": b'"', "backslashes": b"\\", "brackets": b"[]",
}  # fmt: skip
"""What may stand outside of strings, and must not."""


def _json() -> Iterator[Worst]:
    for path, size, before, after in (
        ("/predict/text", TEXT, b'{"designation": ', b"}"),
        ("/predict", JSON_PHOTO, b'{"image": ', b"}"),
        ("/predict", JSON_PHOTO, b'{"designation": ', b"}"),
        ("/predict/batch", BATCH, b'{"listings": [{"image": ', b"}]}"),
        ("/predict/batch", BATCH, b'{"listings": [', b"1]}"),
    ):
        for name, unit in UNITS.items():
            yield _repeated(
                f"a string of {name} ({before.decode()})", path, JSON, size, unit, before + b'"', b'"' + after
            )
        for name, unit in OUTSIDE.items():
            yield _repeated(f"{name} ({before.decode()})", path, JSON, size, unit, before, after)
    for name, size in {"few": 60_000, "many": BATCH}.items():
        yield _repeated(
            f"{name} values in each listing",
            "/predict/batch",
            JSON,
            size,
            b'{"a":[1,1,1,1,1,1,1,1]},',
            b'{"listings": [',
            b"1]}",
        )
    for name, unit in {
        "escapes": b"\\u00e9",
        "slashes": b"\\/",
        "commas": b",",
        "letters": b"A",
        "colons": b":",
    }.items():
        one = _filled(b'{"description": "', unit, b'"},', BATCH // 100 - 200)
        yield Worst(
            f"100 listings of {name}",
            "/predict/batch",
            JSON,
            lambda one=one: b'{"listings": [' + one * 99 + one[:-1] + b"]}",
        )
    yield _repeated("values just few enough", "/predict/text", JSON, 64 * 1024, b"[],", b'{"designation": [', b"1]}")
    keys = json.dumps({f"k{number}": 1 for number in range(5000)}).encode()
    yield Worst("keys just few enough", "/predict/text", JSON, lambda: keys)


def _lines() -> Iterator[Worst]:
    for name, unit in {
        "empty lines": b"\n", "blank lines": b" \n", "lines of CR": b"\r\n", "a line of blanks": b" ",
        "a line without end": b"a", "blank lines of all kinds": b"\t \r\v\f\n", "a line that is too long": b"[",
    }.items():  # fmt: skip
        yield _repeated(name, "/predict/batch", NDJSON, BATCH, unit, b"", b'\n{"designation": "a"}\n')


def _urlencoded() -> Iterator[Worst]:
    for name, unit in {
        "pairs": b"a=b&", "ampersands": b"&", "equals": b"=", "escapes": b"%41", "broken escapes": b"%", "pluses": b"+",
        "letters": b"a", "bytes": b"%ff", "semicolons": b";",
    }.items():  # fmt: skip
        yield _repeated(name, "/predict", URLENCODED, TEXT, unit, b"designation=")


TABLE = (*_forms(), *_json(), *_lines(), *_urlencoded())
