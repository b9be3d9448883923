"""A proxy that takes a prefix away: `/pykuten/X` is `/X` of the service, and all else is not there."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

PREFIX = "/pykuten"
OF_ONE_HOP = {"connection", "transfer-encoding", "keep-alive"}


@contextmanager
def prefix_proxy(service: str) -> Iterator[str]:
    """The address of the proxy, with the prefix and without the last slash."""

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            if not self.path.startswith(PREFIX + "/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(urlsplit(service).netloc, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_ONE_HOP}
            connection.request(self.command, self.path.removeprefix(PREFIX), body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {*OF_ONE_HOP, "content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()

        do_GET = do_POST = forward  # noqa: N815 - the base class' names

        def log_message(self, *_unused: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_port}{PREFIX}"
        proxy.shutdown()
