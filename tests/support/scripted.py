"""An HTTP server that answers by a script, well or badly, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from rolloutctl import kube
from rolloutctl.kube.cluster import KubeCluster

LONGEST = 20.0


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


Step = Callable[["Handler"], None]


@dataclass
class Scripted:
    """`steps` answer one request each, in order; the last one answers all that follow."""

    steps: list[Step]
    asked: list[Asked] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when a client has closed a stream that was held open for it."""
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, asked: Asked) -> Step:
        with self.lock:
            self.asked.append(asked)
            return self.steps[min(len(self.asked), len(self.steps)) - 1]

    def wait_for(self, requests: int) -> bool:
        """Whether that many have come, at the latest soon."""
        end = time.monotonic() + LONGEST
        while len(self.asked) < requests and time.monotonic() < end:
            time.sleep(0.005)
        return len(self.asked) >= requests

    def cluster(self, **given: Any) -> KubeCluster:
        """A client of it. `token=` and whatever else `write_kubeconfig` takes, `folder=` first."""
        folder = given.pop("folder")
        timeout = given.pop("timeout", 5.0)
        impersonate = given.pop("impersonate", None)
        path = write_kubeconfig(folder / "config", self.url, **given)
        return kube.connect(
            kubeconfig=str(path), request_timeout=timeout, impersonate=impersonate, env={}
        )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for the acknowledgement of its head
    script: Scripted

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        asked = Asked(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            dict(self.headers.items()),
            self.rfile.read(length),
        )
        with contextlib.suppress(OSError):
            self.script.take(asked)(self)

    do_GET = do_PATCH = do_CONNECT = _any

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests look at `asked`."""

    def drop(self) -> None:
        """Break the connection off."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def reply(
    status: int = 200, body: Any = None, *, media: str = "application/json", **headers: str
) -> Step:
    """A complete answer; a body that is no bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()

    def step(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Type", media)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return step


def refuse(code: int, message: str, reason: str = "", details: Any = None, **headers: str) -> Step:
    """A Status, as the API server sends it."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
        **({"details": details} if details is not None else {}),
    }
    return reply(code, body, **headers)


def drop(handler: Handler) -> None:
    """No answer, the connection closed."""
    handler.drop()


def cut(body: bytes) -> Step:
    """An answer that promises more than it sends."""

    def step(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) + 100))
        handler.end_headers()
        handler.wfile.write(body)
        handler.wfile.flush()
        handler.drop()

    return step


def silent(handler: Handler) -> None:
    """No answer until the test ends."""
    handler.script.ending.wait(LONGEST)
    handler.drop()


def stream(*chunks: bytes, then: str = "end", chunked: bool = True) -> Step:
    """Chunks one by one, then the "end", a "drop" or a "hang"."""

    def step(handler: Handler) -> None:
        handler.send_response(200)
        if chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        else:
            handler.send_header("Connection", "close")
        handler.end_headers()
        for chunk in chunks:
            data = b"%x\r\n%s\r\n" % (len(chunk), chunk) if chunked else chunk
            handler.wfile.write(data)
            handler.wfile.flush()
        if then == "hang":
            _hang(handler)
        elif then == "end" and chunked:
            handler.wfile.write(b"0\r\n\r\n")
            return
        handler.drop()

    return step


def _hang(handler: Handler) -> None:
    handler.connection.settimeout(0.05)
    while not handler.script.ending.is_set():
        try:
            if handler.connection.recv(1) == b"":
                handler.script.gone.set()
                return
        except TimeoutError:
            continue
        except OSError:
            handler.script.gone.set()
            return


@contextlib.contextmanager
def serving(*steps: Step, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """The server, until the block ends."""
    script = Scripted(list(steps))
    handler = type("Bound", (Handler,), {"script": script})
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "https" if tls is not None else "http"
    script.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield script
    finally:
        script.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away and handshakes that fail are what these tests are about."""


def write_kubeconfig(path: Path, server: str, *, token: str | None = "secret", **more: Any) -> Path:
    """A kubeconfig of one context, "test"; `cluster=` and `user=` add to those entries."""
    user = more.get("user", {"token": token} if token else {})
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server, **more.get("cluster", {})}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "users": [{"name": "test", "user": user}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def frames(*events: tuple[str, Mapping[str, Any]]) -> bytes:
    """Watch events as lines."""
    return b"".join(
        json.dumps({"type": kind, "object": obj}).encode() + b"\n" for kind, obj in events
    )


def thing(name: str, version: int, namespace: str = "default", **more: Any) -> dict[str, Any]:
    """A small rollout."""
    metadata = {"name": name, "namespace": namespace, "resourceVersion": str(version)}
    return {"metadata": metadata, **more}


def listing(
    items: Sequence[Mapping[str, Any]], version: int, token: str = "", remaining: int | None = None
) -> dict[str, Any]:
    """A page of a list."""
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if token:
        metadata |= {"continue": token, "remainingItemCount": remaining}
    return {"kind": "List", "metadata": metadata, "items": list(items)}
