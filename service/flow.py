"""When a connection's bytes are read and written."""

from __future__ import annotations

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """uvicorn's. While it is `held`, the reading is not started again by requests, which do so whenever they wait for
    their body or for news of their client.
    """

    held = False

    def resume_reading(self) -> None:
        """Read on, unless it is held."""
        if not self.held:
            super().resume_reading()
