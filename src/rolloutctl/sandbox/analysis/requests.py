"""HTTP as providers of metrics use it: one request, a bounded answer, a bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

LARGEST_ANSWER = 4 << 20
"""Bytes."""
MOST_REDIRECTS = 10


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`timeout` in seconds, for all of it; `insecure` takes any certificate."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout: float = 10.0
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    body: bytes = b""


Fetch = Callable[[HttpRequest], HttpAnswer]
"""Sends a request. Raises OSError: ConnectionRefusedError, TimeoutError, or with a text."""


def described(error: OSError, request: HttpRequest) -> str:
    """What the controller's client says of a request that got no answer."""
    return f'{request.method.capitalize()} "{request.url}": {_reason(error, request)}'


def _reason(error: OSError, request: HttpRequest) -> str:
    address = urlsplit(request.url)
    if isinstance(error, ConnectionRefusedError):
        host = address.hostname or ""
        port = address.port or (443 if address.scheme == "https" else 80)
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return f"dial tcp {where}: connect: connection refused"
    if isinstance(error, TimeoutError):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    return str(error)


def fetch_http(request: HttpRequest) -> HttpAnswer:
    """Send the request past any proxy, following redirects. Raises OSError."""
    import urllib3
    from urllib3.exceptions import HTTPError, InsecureRequestWarning

    address = urlsplit(request.url)
    if address.scheme not in ("http", "https"):
        raise OSError(f'unsupported protocol scheme "{address.scheme}"')
    if not address.hostname:
        raise OSError("http: no Host in request URL")
    if request.insecure:
        urllib3.disable_warnings(InsecureRequestWarning)
    end = time.monotonic() + request.timeout
    pool = urllib3.PoolManager(
        cert_reqs="CERT_NONE" if request.insecure else "CERT_REQUIRED",
        retries=urllib3.Retry(
            connect=0, read=0, status=0, other=0, redirect=MOST_REDIRECTS, raise_on_redirect=True
        ),
        timeout=urllib3.Timeout(total=request.timeout),
    )
    with pool:
        try:
            answer = pool.request(
                request.method,
                request.url,
                body=request.body,
                headers=dict(request.headers),
                preload_content=False,
            )
            return HttpAnswer(answer.status, _read(answer, end))
        except HTTPError as error:
            raise _as_os_error(error, address.hostname) from error


def _read(answer: Any, end: float) -> bytes:
    found = bytearray()
    for chunk in answer.stream(1 << 16):
        found += chunk
        if len(found) > LARGEST_ANSWER:
            raise OSError(f"the answer is larger than {LARGEST_ANSWER} bytes")
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(found)


def _as_os_error(error: Exception, host: str) -> OSError:
    """What of Python's chain of causes the controller's client would name."""
    from http.client import RemoteDisconnected

    import urllib3.exceptions as of

    reason = error.reason if isinstance(error, of.MaxRetryError) and error.reason else error
    if isinstance(reason, of.NameResolutionError):
        return OSError(f"dial tcp: lookup {host}: no such host")
    if isinstance(reason, of.SSLError):
        return OSError(f"tls: failed to verify certificate: {reason}")
    during = "dial tcp: connect" if isinstance(reason, of.NewConnectionError) else "read tcp"
    cause: BaseException | None = reason
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return cause
        if isinstance(cause, RemoteDisconnected):
            return OSError("EOF")
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, TimeoutError):
            return OSError(f"{during}: {cause.strerror.lower()}")
        cause = cause.__cause__ or cause.__context__ or _argument(cause)
    return TimeoutError() if isinstance(reason, of.TimeoutError) else OSError(str(reason))


def _argument(error: BaseException) -> BaseException | None:
    """urllib3 keeps what broke a connection as an argument."""
    last = error.args[-1] if error.args else None
    return last if isinstance(last, BaseException) else None
