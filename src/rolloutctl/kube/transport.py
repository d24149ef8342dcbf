"""HTTP to one API server: pooling, retries that are safe, and failures as errors of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import urllib3

from rolloutctl import __version__
from rolloutctl.errors import ClusterError, Unreachable
from rolloutctl.kube.acting_as import fits_header
from rolloutctl.kube.config import Settings
from rolloutctl.kube.credentials import Credentials
from rolloutctl.kube.pace import IN_FLIGHT, LONGEST_PAUSE, PATIENCE, Pace
from rolloutctl.kube.timings import Stopwatch
from rolloutctl.kube.unreachable import Dropped, unreachable

CONNECT_TIMEOUT = 10.0
"""Seconds in which a server that is there takes a connection; a longer wait is for nobody."""
RETRIES = 4
"""How often a GET is sent again after a lost answer or a 503."""
_FAILURES = (urllib3.exceptions.HTTPError, OSError, ValueError)


class Transport:
    """Sends requests; knows nothing of resources. Several threads may use one."""

    def __init__(
        self,
        settings: Settings,
        *,
        timeout: float | None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings
        self.warn = warn
        """Told of what the server warns of, in any thread; not safe to print, and not once only."""
        self.timeout = timeout
        self.skew = 0.0
        """Seconds this machine is ahead of the server."""
        self.sleep: Callable[[float], None] = time.sleep
        self.stopwatch = Stopwatch()
        self.pace = Pace()
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._made: urllib3.PoolManager | None = None

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

        GETs are sent again when the connection drops, or after a 503 with Retry-After; a 429 is
        waited for whatever the method, since nothing was done, and by all threads (`Pace`). A 503
        may come from a proxy that lost the answer to a change. Pauses end after `PATIENCE` seconds;
        then the refusal is the answer. Raises Unreachable.
        """
        renewed = False
        attempt = refusals = 0
        waited = 0.0
        while True:
            used = self._current()
            try:
                with self.pace.turn(self._rest, patience=PATIENCE - waited) as turn:
                    answer = self._send(used, method, path, query, body, headers, stream=False)
            except Dropped:
                if method != "GET" or attempt == RETRIES:
                    raise
                self._rest(0.1 * 2**attempt)
                attempt += 1
                continue
            waited += turn.waited
            if answer.status == 401 and not renewed and self._renew(used):
                renewed = True
                continue
            pause = retry_after(answer)
            if answer.status == 429:
                asleep = self.pace.refused(turn, pause, refusals)
                refusals += 1
                if waited + asleep > PATIENCE:
                    return answer
                continue
            self.pace.answered()
            again = answer.status == 503 and method == "GET" and attempt < RETRIES
            if not again or pause is None or waited + pause > PATIENCE:
                return answer
            self._rest(pause)
            waited += pause
            attempt += 1

    @contextmanager
    def stream(
        self, path: str, query: Mapping[str, str], *, silence: float
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """An answer read as it comes; `silence` is the longest wait for the next byte, in s.

        It is begun when no other request was told to wait, takes no place among them, and is not
        begun again by itself.
        """
        used = self._current()
        with self.pace.turn(self._rest, patience=min(PATIENCE, silence), counted=False) as turn:
            answer = self._send(used, "GET", path, query, None, None, stream=True, silence=silence)
        if answer.status == 401 and self._renew(used):
            answer.close()
            used = self._current()
            answer = self._send(used, "GET", path, query, None, None, stream=True, silence=silence)
        if answer.status == 429:
            self.pace.refused(turn, retry_after(answer), 0)
        try:
            yield answer
        finally:
            self.stopwatch.received(answer.tell())
            answer.close()

    def _rest(self, seconds: float) -> None:
        with self.stopwatch.stage("wait"):
            self.sleep(seconds)

    def _send(
        self,
        credentials: Credentials,
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
            pool = self._pool(credentials)
            with self.stopwatch.stage("wait"):
                answer = pool.request(
                    method,
                    url,
                    body=body,
                    headers=self._headers(credentials, headers or {}),
                    timeout=urllib3.Timeout(connect=self._connect_timeout(), read=read),
                    retries=False,
                    redirect=False,
                    preload_content=not stream,
                )
        except _FAILURES as error:
            raise unreachable(self.settings.server, error) from error
        self.stopwatch.request()
        if not stream:
            self.stopwatch.received(answer.tell())
        self._note_time(answer)
        warning = answer.headers.get("Warning")
        if warning and self.warn is not None:
            from rolloutctl.kube.warnings import texts

            for text in texts(warning):
                self.warn(text)
        return answer

    def _connect_timeout(self) -> float:
        return CONNECT_TIMEOUT if self.timeout is None else min(self.timeout, CONNECT_TIMEOUT)

    def _headers(self, credentials: Credentials, more: Mapping[str, str]) -> urllib3.HTTPHeaderDict:
        headers = urllib3.HTTPHeaderDict(more)
        headers["Accept"] = "application/json"
        headers["User-Agent"] = f"rolloutctl/{__version__}"
        if not self.settings.no_compression:
            headers["Accept-Encoding"] = "gzip"
        if credentials.authorization:
            headers["Authorization"] = credentials.authorization
        for name, value in self.settings.impersonate:
            headers.add(name, value)
        return headers

    def _current(self) -> Credentials:
        with self._lock:
            if self._credentials is None:
                self._credentials = self._ask()
            return self._credentials

    def _ask(self) -> Credentials:
        with self.stopwatch.stage("connect"):
            found = self.settings.credentials()
        if found.authorization and not fits_header(found.authorization):
            # Said here, because the HTTP library would quote the secret in its complaint.
            raise ClusterError(
                f'the token of context "{self.settings.context}" in {self.settings.origin}'
                " holds characters that cannot be sent"
            )
        return found

    def _renew(self, used: Credentials) -> bool:
        """Whether there are other credentials than the ones `used`."""
        with self._lock:
            if self._credentials == used:
                self._credentials = self._ask()
                if self._credentials != used:
                    self._made = None
            return self._credentials != used

    def _pool(self, credentials: Credentials) -> urllib3.PoolManager:
        with self._lock:
            if self._made is None:
                with self.stopwatch.stage("connect"):
                    self._made = _pool(self.settings, credentials)
                self.stopwatch.time_connections(self._made)
            return self._made

    def _note_time(self, answer: urllib3.BaseHTTPResponse) -> None:
        there = _moment(answer.headers.get("Date", ""))
        if there is not None:
            self.skew = (datetime.now(UTC) - there).total_seconds()


def retry_after(answer: urllib3.BaseHTTPResponse) -> float | None:
    """The seconds the server asks to wait, at most 10; None when it does not ask."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_PAUSE)
    then = _moment(text)
    if then is None:
        return None
    now = _moment(answer.headers.get("Date", "")) or datetime.now(UTC)
    return min(max((then - now).total_seconds(), 0.0), LONGEST_PAUSE)


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _pool(settings: Settings, credentials: Credentials) -> urllib3.PoolManager:
    options: dict[str, Any] = {"num_pools": 2, "maxsize": IN_FLIGHT}
    if settings.server.startswith("https"):
        from rolloutctl.kube import tls

        options["ssl_context"] = tls.context(settings, credentials)
        if settings.insecure:
            options["assert_hostname"] = False
            import warnings

            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
        if settings.server_name:
            options["server_hostname"] = settings.server_name
            options["assert_hostname"] = settings.server_name
    if not settings.proxy:
        return urllib3.PoolManager(**options)
    try:
        return _through_proxy(settings.proxy, options)
    except _FAILURES as error:
        raise Unreachable(f"proxy {_without_password(settings.proxy)}: {error}") from error


def _through_proxy(proxy: str, options: dict[str, Any]) -> urllib3.PoolManager:
    if proxy.startswith("socks"):
        try:
            from urllib3.contrib.socks import SOCKSProxyManager
        except ImportError as error:
            raise Unreachable(
                f"proxy {_without_password(proxy)} speaks SOCKS, which needs PySocks",
                hint="install it next to rolloutctl: pip install pysocks",
            ) from error
        found: urllib3.PoolManager = SOCKSProxyManager(proxy, **options)
        return found
    user = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=user) if user else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)


def _without_password(proxy: str) -> str:
    scheme, found, rest = proxy.partition("://")
    return f"{scheme}{found}{rest.rpartition('@')[2]}"
