"""The pages that training writes for people: their Jinja templates, and how figures and foreign words look in them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

FOLDER = Path(__file__).parent / "templates"
SPECIAL = re.compile(r"[\\`*_\[\]<>|~#&$]|^[-+](?=\s)|(?<=^\d)[.)](?=\s)|(?<=^\d\d)[.)](?=\s)")
"""What means something in Markdown, or would at the beginning of a list's entry."""

CODE = re.compile(r"`([^`]+)`")
"""Code in a sentence: splitting by it leaves words and code in turn."""


def environment() -> Environment:
    """The templates of this folder. HTML pages escape all that they are given, Markdown what goes through `md`."""
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"percent": percent, "promise": promise, "interval": interval, "moment": moment}
    found.filters |= {"md": markdown_text, "code": markdown_code, "json_block": markdown_json}
    found.filters["code_parts"] = CODE.split
    return found


def percent(share: float | None) -> str:
    """0.8275 as "82.8 %"; a dash when there is none."""
    return "–" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def promise(precision: float) -> str:
    """A precision that may be asked for, with no more digits than it has: 0.95 as "95 %", 0.925 as "92.5 %"."""
    return f"{100 * precision:.6g}\N{NO-BREAK SPACE}%"


def interval(estimate: Mapping[str, float]) -> str:
    """The interval of an estimate: "0.810–0.844"."""
    return f"{estimate['low']:.3f}–{estimate['high']:.3f}"


def moment(value: Any) -> str:
    """A time as people write it, to the minute; what is no ISO 8601 time stays as it is."""
    try:
        return f"{datetime.fromisoformat(str(value)):%Y-%m-%d %H:%M %Z}".strip()
    except ValueError:
        return str(value)


def markdown_text(value: Any) -> str:
    """Words as one line of Markdown that means nothing but itself, inside a table too."""
    return SPECIAL.sub(lambda found: "\\" + found.group(), re.sub(r"\s+", " ", str(value)))


def markdown_code(value: Any) -> str:
    """One line of code in Markdown, whatever backticks it holds. Not for tables: a pipe would end the cell."""
    text = " ".join(str(value).split())
    fence = _fence(text, 1)
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def markdown_json(value: Any) -> str:
    """A block of JSON in Markdown."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    fence = _fence(text, 3)
    return f"{fence}json\n{text}\n{fence}"


def _fence(text: str, least: int) -> str:
    return "`" * max(least, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
