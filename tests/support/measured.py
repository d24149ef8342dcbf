"""The server the recorded AnalysisTemplates ask: `/ok`, `/bad` and `/soso`, as `{"value": N}`."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RECORDED = "127.0.0.1:9099"
"""Where it was when the stories were recorded."""
RECORDED_SILENCE = "127.0.0.1:9098"
"""Where nothing listened."""
VALUES = {"/ok": 0.99, "/bad": 0.4, "/soso": 0.7}


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        value = VALUES.get(self.path.partition("?")[0])
        body = json.dumps({"value": value}).encode()
        self.send_response(200 if value is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Its address on this machine, `127.0.0.1:PORT`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def silence() -> Iterator[str]:
    """An address on this machine at which every connection is refused."""
    with socket.socket() as taken:
        # Bound, so that nobody else gets it, and never listened on.
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"
