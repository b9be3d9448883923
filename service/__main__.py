"""Serve predictions over HTTP: `python -m service`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from service.errors import SettingsError
from service.settings import Settings

EPILOG = "Every PYKUTEN_ variable is in the README with its unit, default and reason; an unknown one stops the start."


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code: 0 stopped, 1 the port is taken, 2 bad settings."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.read(**{name: value for name, value in vars(options).items() if value is not None})
    except SettingsError as error:
        print(f"service: {error}", file=sys.stderr)
        return 2
    return _serve(settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service", description=__doc__, epilog=EPILOG)
    parser.add_argument("--host", help="address to listen on (PYKUTEN_HOST; default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one (PYKUTEN_PORT; default 8000)")
    return parser


def _serve(settings: Settings) -> int:
    # Imported here so that --help and a misspelt setting answer at once.
    from service import logs
    from service.app import create_app
    from service.server import listen, make_server

    logs.configure(settings.log_level)
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        print(f"service: cannot listen on {settings.host}:{settings.port}: {error.strerror}", file=sys.stderr)
        return 1
    address, port = listener.getsockname()[:2]
    logs.event(logging.INFO, "listening", address=address, port=port, process=os.getpid())
    app = create_app(settings)
    make_server(app, settings).run(sockets=[listener])
    logs.event(logging.INFO, "stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
