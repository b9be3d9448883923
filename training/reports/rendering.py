"""The pages that training writes for people: their Jinja templates, and the format of figures and foreign words."""

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
"""Characters with a meaning in Markdown, or with one at the beginning of a list's entry."""

CODE = re.compile(r"`([^`]+)`")
"""Code in a sentence: splitting by it leaves words and code in turn."""


def environment() -> Environment:
    """The templates of this folder. HTML pages escape all their values, Markdown those that go through `md`."""
    templates = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {"percent": percent, "promise": promise, "interval": interval, "moment": moment}
    templates.filters |= {"md": markdown_text, "code": markdown_code, "json_block": markdown_json}
    templates.filters["code_parts"] = CODE.split
    return templates


def render(template: str, **values: Any) -> str:
    """A template with its values; in Markdown at most one line is empty at a time."""
    text = environment().get_template(template).render(**values)
    return re.sub(r"\n{3,}", "\n\n", text) if template.endswith(".md.j2") else text


def write_whole(path: Path, text: str) -> None:
    """Write a page into its folder, which is made if need be: the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    partial.write_text(text, encoding="utf-8", errors="replace")
    partial.replace(path)


def percent(share: float | None) -> str:
    """0.8275 as "82.8 %"; a dash when there is none."""
    return "–" if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def promise(precision: float) -> str:
    """The precision of a promise, with no more digits than it has: 0.95 as "95 %", 0.925 as "92.5 %"."""
    return f"{100 * precision:.6g}\N{NO-BREAK SPACE}%"


def interval(estimate: Mapping[str, float]) -> str:
    """The interval of an estimate: "0.810–0.844"."""
    return f"{estimate['low']:.3f}–{estimate['high']:.3f}"


def percent_interval(estimate: Mapping[str, Any]) -> str:
    """The interval of a share as percentages: "81.0–84.4"."""
    return f"{100 * estimate['low']:.1f}–{100 * estimate['high']:.1f}"


def cut(text: str, characters: int) -> str:
    """The beginning of a longer text, with an ellipsis."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def moment(value: Any) -> str:
    """An ISO 8601 time as people write it, to the minute; any other value as text."""
    try:
        return f"{datetime.fromisoformat(str(value)):%Y-%m-%d %H:%M %Z}".strip()
    except ValueError:
        return str(value)


def markdown_text(value: Any) -> str:
    """Text as one line of Markdown without markup, inside a table too."""
    return SPECIAL.sub(lambda special: "\\" + special.group(), re.sub(r"\s+", " ", str(value)))


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
