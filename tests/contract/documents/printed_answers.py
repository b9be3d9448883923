"""Answers as documents print them: one field a line, one category a line, short enough to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

INDENT = 1


def printed(answer: Mapping[str, Any]) -> str:
    """A fenced block of JSON."""
    return f"```json\n{_object(answer, INDENT)}\n```"


def read_printed(block: str) -> dict[str, Any]:
    """The answer in a block that `printed` made."""
    return dict(json.loads(block.removeprefix("```json\n").removesuffix("```")))


def _object(value: Mapping[str, Any], indent: int) -> str:
    separator = ",\n" + " " * indent
    return "{" + separator.join(f"{json.dumps(key)}: {_field(one, indent)}" for key, one in value.items()) + "}"


def _field(value: Any, indent: int) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        separator = ",\n" + " " * (indent + 2)
        return "[" + separator[1:] + separator.join(_inline(one) for one in value) + "]"
    if isinstance(value, dict) and value and all(isinstance(one, list) for one in value.values()):
        inner = " " * (indent + 2)
        fields = [f"{inner}{json.dumps(key)}: {_field(one, indent + 2)}" for key, one in value.items()]
        if any(one and isinstance(one[0], dict) for one in value.values()):
            return "{\n" + ",\n".join(fields) + "}"
    return _inline(value)


def _inline(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
