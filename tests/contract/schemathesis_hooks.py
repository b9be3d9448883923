"""What schemathesis does not know by itself: how lines are sent."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """The body of lines is a text in the document; it is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
