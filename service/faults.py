"""From validation errors to faults: a JSON pointer, cut and escaped, and a fixed sentence that never quotes input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.errors import Fault

MAX_FAULTS = 10
MAX_POINTER_CHARACTERS = 100

_DEFAULT = "This is not valid."
_MESSAGES = {
    "base64": "This must be base64 on one line, without a data: prefix.",
    "dict_type": "This must be an object.",
    "extra_forbidden": "There is no such field.",
    "finite_number": "This must be a finite number.",
    "float_parsing": "This must be a number.",
    "float_type": "This must be a number.",
    "greater_than": "This is below the range.",
    "greater_than_equal": "This is below the range.",
    "int_from_float": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_parsing_size": "This is above the range.",
    "int_type": "This must be a whole number.",
    "less_than": "This is above the range.",
    "less_than_equal": "This is above the range.",
    "list_type": "This must be a list.",
    "literal_error": "This is not one of the allowed values.",
    "missing": "This is required.",
    "model_attributes_type": "This must be an object.",
    "model_type": "This must be an object.",
    "string_too_long": "This is too long.",
    "string_too_short": "This is too short.",
    "string_type": "This must be a string.",
    "string_unicode": "This is not valid Unicode.",
    "too_long": "This is too long.",
}


def pointer(parts: Iterable[str | int]) -> str:
    """An RFC 6901 pointer. Parts can be the client's own keys, so it is cut, and printable ASCII after escaping."""
    escaped = "".join("/" + str(part)[:MAX_POINTER_CHARACTERS].replace("~", "~0").replace("/", "~1") for part in parts)
    printable = escaped.encode("ascii", "backslashreplace").decode("ascii")
    printable = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in printable)
    return printable if len(printable) <= MAX_POINTER_CHARACTERS else printable[: MAX_POINTER_CHARACTERS - 3] + "..."


def faults_of(errors: Sequence[Mapping[str, Any]], *, skip: int = 0) -> list[Fault]:
    """The first faults of pydantic's `errors()`; `skip` leaves out leading parts of their place ("query", "header")."""
    return [Fault(pointer(e["loc"][skip:]), _MESSAGES.get(e["type"], _DEFAULT)) for e in errors[:MAX_FAULTS]]
