"""HTTP to one API server: pooling, TLS, retries that are safe, and failures as errors of ours."""

from __future__ import annotations

import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from rolloutctl.errors import ClusterError, Unreachable
from rolloutctl.kube.config import Settings

RETRIES = 4
_RETRY_STATUS = (429, 503)
_LONGEST_PAUSE = 10.0


class Dropped(Unreachable):
    """The connection broke off half-way; the server may or may not have acted."""


class Transport:
    """Sends requests; knows nothing of resources."""

    def __init__(
        self, settings: Settings, *, impersonate: str | None, timeout: float | None
    ) -> None:
        self.settings = settings
        self.timeout = timeout
        self.impersonate = impersonate
        self.skew = 0.0
        """Seconds this machine is ahead of the server."""
        self._authorization: str | None = None
        self._asked = False
        self._pool = _pool(settings)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """One complete answer, whatever its status.

        GETs are sent again when the connection drops; 429 and 503 with Retry-After are honoured
        for every method, since nothing was done. Raises Unreachable.
        """
        for attempt in range(RETRIES + 1):
            try:
                answer = self._send(method, path, query, body, headers, stream=False)
            except Dropped:
                if method != "GET" or attempt == RETRIES:
                    raise
                time.sleep(0.1 * 2**attempt)
                continue
            if answer.status == 401 and attempt == 0 and self._renew():
                continue
            pause = answer.headers.get("Retry-After", "")
            if answer.status in _RETRY_STATUS and pause.isdigit() and attempt < RETRIES:
                time.sleep(min(float(pause), _LONGEST_PAUSE))
                continue
            return answer
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def stream(
        self, path: str, query: Mapping[str, str], *, silence: float
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """An answer read as it comes; `silence` is the longest wait for the next byte, in s."""
        answer = self._send("GET", path, query, None, None, stream=True, silence=silence)
        if answer.status == 401 and self._renew():
            answer.close()
            answer = self._send("GET", path, query, None, None, stream=True, silence=silence)
        try:
            yield answer
        finally:
            answer.close()

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str] | None,
        *,
        stream: bool,
        silence: float | None = None,
    ) -> urllib3.BaseHTTPResponse:
        url = self.settings.server + path + (f"?{urlencode(query)}" if query else "")
        read = silence if stream else self.timeout
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers={**self._headers(), **(headers or {})},
                timeout=urllib3.Timeout(connect=self.timeout, read=read),
                retries=False,
                redirect=False,
                preload_content=not stream,
            )
        except urllib3.exceptions.ProtocolError as error:
            raise Dropped(f"{self.settings.server} broke the connection off: {error}") from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise unreachable(self.settings.server, error) from error
        self._note_time(answer)
        return answer

    def _headers(self) -> dict[str, str]:
        if not self._asked:
            self._authorization = self.settings.authorization()
            self._asked = True
        headers = {"Accept": "application/json", "User-Agent": _user_agent()}
        if not self.settings.no_compression:
            headers["Accept-Encoding"] = "gzip"
        if self._authorization:
            headers["Authorization"] = self._authorization
        if self.impersonate:
            headers["Impersonate-User"] = self.impersonate
        return headers

    def _renew(self) -> bool:
        """Whether asking for credentials again gave other ones."""
        renewed = self.settings.authorization()
        changed = renewed != self._authorization
        self._authorization = renewed
        return changed

    def _note_time(self, answer: urllib3.BaseHTTPResponse) -> None:
        text = answer.headers.get("Date")
        if text:
            try:
                there = parsedate_to_datetime(text)
            except ValueError:
                return
            if there.tzinfo is not None:
                self.skew = (datetime.now(UTC) - there).total_seconds()


def _user_agent() -> str:
    from importlib import metadata

    try:
        return f"rolloutctl/{metadata.version('rolloutctl')}"
    except metadata.PackageNotFoundError:
        return "rolloutctl"


def unreachable(server: str, error: Exception) -> Unreachable:
    """What is wrong with the connection, in words."""
    cause: BaseException = error
    while isinstance(cause, urllib3.exceptions.HTTPError) and (
        cause.__cause__ or getattr(cause, "reason", None)
    ):
        reason = getattr(cause, "reason", None)
        cause = reason if isinstance(reason, BaseException) else (cause.__cause__ or cause)
        if cause is error:
            break
    text = str(cause).lower()
    if isinstance(cause, ssl.SSLCertVerificationError) or "certificate verify failed" in text:
        return Unreachable(
            f"the certificate of {server} is not trusted: {cause}",
            hint="the kubeconfig's certificate-authority does not fit this server",
        )
    if isinstance(cause, ssl.SSLError):
        return Unreachable(f"no TLS with {server}: {cause}")
    if isinstance(cause, ConnectionRefusedError) or "refused" in text:
        return Unreachable(
            f"{server} refuses connections",
            hint="is the API server running, and the address right?",
        )
    if isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError)) or "timed out" in text:
        return Unreachable(
            f"{server} did not answer in time", hint="--request-timeout 60s gives it more"
        )
    if isinstance(error, urllib3.exceptions.NameResolutionError) or "resolve" in text:
        return Unreachable(f"the name in {server} cannot be resolved")
    return Unreachable(f"the connection to {server} failed: {cause}")


def _pool(settings: Settings) -> urllib3.PoolManager:
    options: dict[str, Any] = {"num_pools": 2, "maxsize": 16}
    if settings.server.startswith("https"):
        options["ssl_context"] = _tls(settings)
        if settings.insecure:
            options["assert_hostname"] = False
            import warnings

            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        if settings.server_name:
            options["server_hostname"] = settings.server_name
            options["assert_hostname"] = settings.server_name
    if settings.proxy:
        return urllib3.ProxyManager(settings.proxy, **options)
    return urllib3.PoolManager(**options)


def _tls(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(
            cafile=settings.ca_file,
            cadata=settings.ca_data.decode("ascii") if settings.ca_data else None,
        )
        if settings.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if settings.cert_file or settings.cert_data:
            _load_client_certificate(context, settings)
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterError(
            f"the certificates in kubeconfig {settings.origin} cannot be used: {error}"
        ) from error
    return context


def _load_client_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cert, key = settings.cert_file, settings.key_file
        for name, data in (("cert", settings.cert_data), ("key", settings.key_data)):
            if data is not None:
                path = Path(folder) / name
                path.touch(mode=0o600)
                path.write_bytes(data)
                if name == "cert":
                    cert = str(path)
                else:
                    key = str(path)
        assert cert is not None
        context.load_cert_chain(cert, key)
