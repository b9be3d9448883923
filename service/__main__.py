"""Serve predictions over HTTP: `python -m service`. `python -m service key NAME` makes an API key."""

from __future__ import annotations

from service.server import process

if __name__ == "__main__":
    process.begin()  # ahead of the imports: they take a second, on a cold disk many

import argparse
import errno
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from service.errors import SettingsError
from service.settings import Settings

EPILOG = (
    "docs/settings.md lists every PYKUTEN_ variable with its unit, default and reason; an unknown one stops the start."
)

SWITCH_SECONDS = 0.001
"""How long a thread keeps the interpreter from another that waits for it. At Python's 5 ms, an event loop beside two
networks' threads and a version that loads waits 5 ms at each turn (docs/decisions/0036-switch-interval.md)."""

KEY_DESCRIPTION = (
    "Print a new API key once, on the error stream, and on the output the line to store: its hash and its rights. "
    "`python -m service key backend >> keys.jsonl` stores the line; a running service takes it up within seconds."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code: 0 stopped, 1 the port is taken, 2 bad settings."""
    options = vars(_parser().parse_args(arguments))
    if options.pop("command") == "key":
        return _make_key(options)
    try:
        settings = Settings.read(**{name: options[name] for name in ("host", "port") if options[name] is not None})
    except SettingsError as error:
        print(f"service: {error}", file=sys.stderr)
        return 2
    return _serve(settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service", description=__doc__, epilog=EPILOG)
    parser.add_argument("--host", help="address to listen on (PYKUTEN_HOST; default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one (PYKUTEN_PORT; default 8000)")
    commands = parser.add_subparsers(dest="command", metavar="[key NAME]", help="instead of serving")
    key = commands.add_parser("key", help="make an API key", description=KEY_DESCRIPTION)
    key.add_argument("name", metavar="NAME", help="whose key it is: letters, digits, dots, dashes and underscores")
    key.add_argument("--scopes", default="predict,read", help="of predict, read, metrics (default: predict,read)")
    key.add_argument("--rate", type=float, help="requests a second, and a second's worth at once (default: no limit)")
    key.add_argument("--burst", type=int, help="requests at once (default: the rate)")
    key.add_argument("--expires", metavar="TIME", help="such as 2027-06-30T00:00:00Z (default: never)")
    return parser


def _make_key(options: dict[str, Any]) -> int:
    from pydantic import ValidationError

    from service.middleware.keys import make_key

    scopes = [scope.strip() for scope in options["scopes"].split(",")]
    arguments = {name: options[name] for name in ("name", "rate", "burst", "expires")}
    try:
        key, line = make_key(scopes=scopes, **arguments)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        print(f"service key: {'.'.join(str(part) for part in first['loc'][:1])}: {first['msg']}", file=sys.stderr)
        return 2
    print(f"The key, shown this once: {key}", file=sys.stderr)
    print("The line for the file that PYKUTEN_API_KEYS_FILE names:", file=sys.stderr)
    print(line.model_dump_json(exclude_none=True))
    return 0


def _serve(settings: Settings) -> int:
    # Imported here so that --help and a misspelt setting answer at once.
    from service.app import create_app
    from service.observability import logs
    from service.server.server import listen, make_server

    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        app = create_app(settings)
    except SettingsError as error:
        print(f"service: {error}", file=sys.stderr)
        return 2
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        taken = "the port is taken; --port or PYKUTEN_PORT (make serve PORT=...) chooses another"
        reason = taken if error.errno == errno.EADDRINUSE else error.strerror
        print(f"service: cannot listen on {settings.host}:{settings.port}: {reason}", file=sys.stderr)
        return 1
    logs.configure(settings.log_level)
    address, port = listener.getsockname()[:2]
    logs.event(logging.INFO, "listening", address=address, port=port, process=os.getpid())
    make_server(app, settings).run(sockets=[listener])
    logs.event(logging.INFO, "stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
