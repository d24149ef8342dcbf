"""The API over real connections."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from rolloutctl.sandbox import http as sandbox_http
from rolloutctl.sandbox import tls
from support.api_server import Server, rollout

ROLLOUTS = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts"
AUTH = {"Authorization": "Bearer admin"}


@pytest.fixture
def running(server: Server) -> Iterator[sandbox_http.Server]:
    made = sandbox_http.serve(server.api)
    made.start()
    yield made
    made.stop()


def connect(running: sandbox_http.Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)


def test_a_connection_serves_one_request_after_another(running: sandbox_http.Server) -> None:
    with closing(connect(running)) as connection:
        body = json.dumps(rollout("web"))
        connection.request("POST", ROLLOUTS, body, {**AUTH, "Content-Type": "application/json"})
        made = connection.getresponse()
        assert made.status == 201
        made.read()
        used = connection.sock
        connection.request("GET", f"{ROLLOUTS}/web", headers=AUTH)
        assert json.loads(connection.getresponse().read())["metadata"]["name"] == "web"
        assert connection.sock is used


def test_a_body_in_chunks_is_read(running: sandbox_http.Server) -> None:
    with closing(connect(running)) as connection:
        parts = iter([json.dumps(rollout("web")).encode()])
        headers = {**AUTH, "Content-Type": "application/json"}
        connection.request("POST", ROLLOUTS, parts, headers, encode_chunked=True)
        assert connection.getresponse().status == 201


def test_a_large_answer_is_compressed_for_who_accepts_it(
    server: Server, running: sandbox_http.Server
) -> None:
    for number in range(300):
        server.rollout(f"r{number}")
    with closing(connect(running)) as connection:
        connection.request("GET", ROLLOUTS, headers={**AUTH, "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        packed = answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(json.loads(gzip.decompress(packed))["items"]) == 300
        connection.request("GET", ROLLOUTS, headers=AUTH)
        plain = connection.getresponse()
        assert plain.headers["Content-Encoding"] is None
        assert plain.read() == gzip.decompress(packed)


def test_a_watch_shows_changes_as_they_come_and_ends_with_the_server(
    server: Server, running: sandbox_http.Server
) -> None:
    with closing(connect(running)) as connection:
        start = server.store.version
        connection.request("GET", f"{ROLLOUTS}?watch=1&resourceVersion={start}", headers=AUTH)
        answer = connection.getresponse()
        server.rollout("web")
        event = json.loads(answer.readline())
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "web")
        running.stop()
        assert answer.readline() == b""


@pytest.mark.parametrize(
    "garbage",
    [
        b"\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"BREW / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET /%ff%fe/\x00 HTTP/1.1\r\n\r\n",
        b"GET /" + b"a" * 70_000,
    ],
)
def test_what_is_no_request_harms_nobody(
    running: sandbox_http.Server, capfd: pytest.CaptureFixture[str], garbage: bytes
) -> None:
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=10)) as sock:
        sock.sendall(garbage)
        sock.shutdown(socket.SHUT_WR)
        while True:
            try:
                if not sock.recv(65536):
                    break
            except ConnectionResetError:
                break
    with closing(connect(running)) as connection:
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
    assert capfd.readouterr() == ("", "")


def test_three_hundred_watches_at_once(server: Server, running: sandbox_http.Server) -> None:
    start = server.store.version
    connections = [connect(running) for _ in range(300)]
    try:
        for connection in connections:
            connection.request("GET", f"{ROLLOUTS}?watch=1&resourceVersion={start}", headers=AUTH)
        answers = [connection.getresponse() for connection in connections]
        server.rollout("web")
        assert all(json.loads(a.readline())["type"] == "ADDED" for a in answers)
    finally:
        for connection in connections:
            connection.close()


def test_a_watch_whose_client_left_ends(server: Server, running: sandbox_http.Server) -> None:
    connection = connect(running)
    start = server.store.version
    connection.request("GET", f"{ROLLOUTS}?watch=1&resourceVersion={start}", headers=AUTH)
    answer = connection.getresponse()
    watching = [t for t in threading.enumerate() if "process_request_thread" in t.name]
    assert watching
    answer.close()
    connection.close()
    for thread in watching:
        thread.join(timeout=10)
    assert not any(thread.is_alive() for thread in watching)


@pytest.fixture(scope="module")
def certificate() -> tuple[str, ssl.SSLContext]:
    """(the authority as PEM text, the server's side of TLS)"""
    cert, key = tls.certificate("127.0.0.1")
    return cert.decode(), tls.server_context(cert, key)


@pytest.fixture
def secured(
    server: Server, certificate: tuple[str, ssl.SSLContext]
) -> Iterator[tuple[sandbox_http.Server, ssl.SSLContext]]:
    """A server that speaks TLS too, and the context of a client that trusts it."""
    authority, context = certificate
    made = sandbox_http.serve(server.api, tls=context)
    made.start()
    yield made, ssl.create_default_context(cadata=authority)
    made.stop()


def test_a_client_that_never_finishes_its_handshake_holds_up_nobody(
    secured: tuple[sandbox_http.Server, ssl.SSLContext],
) -> None:
    running, trusting = secured
    waiting = []
    with contextlib.ExitStack() as stack:
        for beginning in (
            b"",
            b"\x16",
            b"\x16\x03\x01\x02\x00\x01",
            b"GET / HT",
            b"GET / HTTP/1.1\r\n",
        ):
            address = ("127.0.0.1", running.port)
            stuck = stack.enter_context(socket.create_connection(address, timeout=10))
            stuck.sendall(beginning)
            waiting.append(stuck)
        for _ in range(3):
            connection = http.client.HTTPSConnection(
                "127.0.0.1", running.port, timeout=5, context=trusting
            )
            with closing(connection):
                connection.request("GET", ROLLOUTS, headers=AUTH)
                assert connection.getresponse().status == 200
        # Nor does it outlive the server.
        running.stop()
        for stuck in waiting:
            with contextlib.suppress(ConnectionResetError):
                while stuck.recv(4096):
                    pass


def test_two_hundred_clients_at_once(
    server: Server, secured: tuple[sandbox_http.Server, ssl.SSLContext]
) -> None:
    running, trusting = secured
    together = threading.Barrier(200, timeout=30)
    told: list[int] = []

    def work(number: int) -> None:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", running.port, timeout=60, context=trusting
        )
        with closing(connection):
            together.wait()
            body = json.dumps(rollout(f"web-{number}"))
            json_headers = {**AUTH, "Content-Type": "application/json"}
            for method, path, sent in (
                ("POST", ROLLOUTS, body),
                ("GET", f"{ROLLOUTS}/web-{number}", None),
                ("GET", f"{ROLLOUTS}?limit=5", None),
            ):
                connection.request(method, path, sent, json_headers)
                answer = connection.getresponse()
                answer.read()
                told.append(answer.status)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == [200] * 400 + [201] * 200
    assert len(server.client.list("rollouts", "default")[0]) == 200


def test_a_client_that_does_not_read_holds_up_nobody(
    server: Server, secured: tuple[sandbox_http.Server, ssl.SSLContext]
) -> None:
    running, trusting = secured
    start = server.store.version
    raw = socket.create_connection(("127.0.0.1", running.port), timeout=10)
    with closing(trusting.wrap_socket(raw, server_hostname="127.0.0.1")) as slow:
        request = f"GET {ROLLOUTS}?watch=1&resourceVersion={start} HTTP/1.1\r\nHost: x\r\n"
        slow.sendall(f"{request}Authorization: Bearer admin\r\n\r\n".encode())
        assert slow.recv(12) == b"HTTP/1.1 200"
        # More than any buffer between the two holds.
        for number in range(100):
            server.rollout(f"web-{number}", annotations={"much": "x" * 100_000})
        connection = http.client.HTTPSConnection(
            "127.0.0.1", running.port, timeout=10, context=trusting
        )
        with closing(connection):
            connection.request("GET", f"{ROLLOUTS}/web-99", headers=AUTH)
            assert connection.getresponse().status == 200
        running.stop()
