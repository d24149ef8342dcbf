"""The API core over HTTP/1.1: a thread per connection, watches in chunks.

One port speaks both plain HTTP and, given a TLS context, HTTPS: the first byte of a connection
tells which. kubectl sends its token over TLS only; tests and scripts need no certificate.
"""

from __future__ import annotations

import gzip
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from .api.errors import Aborted
from .api.messages import Request, Response, Stream

_TLS_HANDSHAKE = b"\x16"
_MAX_BODY = 8 * 1024 * 1024
_COMPRESS_FROM = 128 * 1024
_IDLE = 300.0
"""Seconds a connection may be silent between two requests."""


class Handler(Protocol):
    """What is served: the API core, or anything that answers requests like it."""

    def handle(self, request: Request) -> Response | Stream: ...
    def close(self) -> None: ...


class Server:
    """Serves one API at `url` between `start` and `stop`. It never prints."""

    def __init__(self, api: Handler, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._api = api
        self._http = _Http((host, port), api, tls)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:40123`."""
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.1}, name="api", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End watches, close connections, and return when nothing is served any more."""
        self._api.close()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._thread = None
        self._http.close_connections()
        self._http.server_close()


def serve(
    api: Handler, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Server:
    """A server bound to `port` (0: any free one) that is not started yet. Raises OSError."""
    return Server(api, host, port, tls)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], api: Handler, tls: ssl.SSLContext | None) -> None:
        self.api = api
        self.tls = tls
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks the name service who this machine is.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def secured(self, connection: socket.socket) -> socket.socket:
        """The connection to talk over: TLS if the client began with its handshake.

        Raises OSError when the handshake fails.
        """
        if self.tls is None or connection.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE:
            return connection
        secured = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        # Known before the handshake, which a client may never finish: the end must not wait for it.
        with self._guard:
            self._open.discard(connection)
            self._open.add(secured)
        try:
            secured.do_handshake()
        except OSError:
            self.released(secured)
            raise
        return secured

    def released(self, connection: socket.socket) -> None:
        """The wrapped connection has ended; the plain one below it was given up to it."""
        with self._guard:
            self._open.discard(connection)
        if isinstance(connection, ssl.SSLSocket):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def close_connections(self) -> None:
        with self._guard:
            connections = tuple(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke off is no news."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE
    disable_nagle_algorithm = True
    server: _Http

    def setup(self) -> None:
        self.request.settimeout(self.timeout)
        self.request = self.server.secured(self.request)
        super().setup()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.released(self.request)

    def version_string(self) -> str:
        return "rolloutctl-sandbox"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A request that is no HTTP."""
        phrase = message or HTTPStatus(code).phrase
        self.close_connection = True
        with suppress(OSError):
            self._send(Response(code, f"{phrase}\n".encode(), "text/plain; charset=utf-8"))

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            return
        try:
            url = urlsplit(self.path)
            query = tuple(parse_qsl(url.query, keep_blank_values=True))
        except ValueError:
            return self.send_error(400)
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            name = name.lower()
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        request = Request(self.command, url.path, query, headers, body)
        try:
            answer = self.server.api.handle(request)
        except Aborted:
            self.close_connection = True
            return
        except Exception as error:
            # Whatever is wrong in the core, the connection gets an answer and the server lives.
            text = f"the embedded API server failed: {type(error).__name__}: {error}\n"
            answer = Response(500, text.encode(), "text/plain; charset=utf-8")
        try:
            if isinstance(answer, Stream):
                self._stream(answer)
            else:
                self._send(answer)
        except OSError:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _body(self) -> bytes | None:
        """The request's body; None after a refusal."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunked_body()
        text = self.headers.get("Content-Length", "0")
        if not text.isascii() or not text.isdigit():
            self.send_error(400)
            return None
        length = int(text)
        if length > _MAX_BODY:
            self.send_error(413)
            return None
        body = self.rfile.read(length) if length else b""
        if len(body) < length:
            self.close_connection = True
            return None
        return body

    def _chunked_body(self) -> bytes | None:
        parts: list[bytes] = []
        total = 0
        while True:
            try:
                size = int(self.rfile.readline(64).partition(b";")[0].strip(), 16)
            except ValueError:
                self.send_error(400)
                return None
            if size < 0 or (total := total + size) > _MAX_BODY:
                self.send_error(413 if size >= 0 else 400)
                return None
            if size == 0:
                while self.rfile.readline(65536) not in (b"\r\n", b"\n", b""):
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)

    def _send(self, answer: Response) -> None:
        body = answer.body
        headers = {
            "Content-Type": answer.content_type,
            "Cache-Control": "no-cache, private",
            **answer.headers,
        }
        asked = getattr(self, "headers", None)
        accepted = asked.get("Accept-Encoding", "") if asked is not None else ""
        if len(body) >= _COMPRESS_FROM and "gzip" in accepted.lower():
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
            headers["Vary"] = "Accept-Encoding"
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if getattr(self, "command", "") != "HEAD":
            self.wfile.write(body)

    def _stream(self, answer: Stream) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Cache-Control", "no-cache, private")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        try:
            self._send_chunks(answer.chunks)
        finally:
            close = getattr(answer.chunks, "close", None)
            if close is not None:
                close()

    def _send_chunks(self, chunks: Iterator[bytes]) -> None:
        for chunk in chunks:
            if chunk:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            elif self._client_left():
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")

    def _client_left(self) -> bool:
        """Whether the other side has closed: it has nothing to say during a watch."""
        # select() itself refuses file numbers from 1024 on.
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            if not selector.select(0):
                return False
        try:
            if isinstance(self.connection, ssl.SSLSocket):
                return self._tls_client_left(self.connection)
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _tls_client_left(self, connection: ssl.SSLSocket) -> bool:
        """What is readable may be TLS talking to itself; peeking at it is not possible."""
        connection.settimeout(0)
        try:
            return not connection.recv(1)
        except ssl.SSLWantReadError:
            return False
        finally:
            connection.settimeout(self.timeout)
