"""What schemathesis does not know by itself: how lines are sent, and that forms have no types."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """The body of lines is a text in the document; it is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def filter_case(context: Any, evidence: Any) -> bool:
    """Leave out forms whose fields have a wrong type: sent, the number 0 and the text "0" are the same bytes."""
    is_form = str(evidence.media_type).startswith("multipart/")
    return not (is_form and evidence.meta is not None and evidence.meta.generation.mode.is_negative)
