"""CSV cells that a spreadsheet shows and never runs."""

from __future__ import annotations

from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What spreadsheets take for the start of a formula (OWASP, "CSV injection"); the last four are full-width forms."""


def safe_cell(value: Any) -> str:
    """`value` as text; what would be a formula begins with an apostrophe instead. Numbers stay numbers."""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
