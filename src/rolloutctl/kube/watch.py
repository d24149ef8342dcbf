"""Watches that do not end by themselves: resumed after drops, listed anew after a 410."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
import urllib3

from rolloutctl.domain.cluster import Kind, Known, Unreadable, WatchEvent
from rolloutctl.domain.decoders import decoder
from rolloutctl.domain.wire import Wire
from rolloutctl.errors import Unreachable
from rolloutctl.kube import decoding
from rolloutctl.kube.failures import ServerFault, Target, failure, status_of
from rolloutctl.kube.transport import retry_after

if TYPE_CHECKING:
    from rolloutctl.kube.cluster import KubeCluster

SERVER_SECONDS = 300
"""How long one watch request lasts before the server ends it and it is resumed."""
SILENCE = 90.0
"""Bookmarks come about each minute; a connection silent for longer is dead."""
_LONGEST_PAUSE = 10.0
_BUFFER = 65536


class _Frame(Wire):
    type: str = ""
    object: msgspec.Raw = msgspec.Raw(b"{}")


class _Meta(Wire):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class _Head(Wire):
    metadata: _Meta = msgspec.field(default_factory=_Meta)


Key = tuple[str, str]


class _Expired(Exception):
    """The version we stood at is too old; everything has to be listed again."""


def watch(
    cluster: KubeCluster,
    kind: Kind,
    namespace: str | None,
    as_type: type[Any],
    selection: dict[str, str],
    *,
    timeout: float | None,
    compact: Callable[[Any], Any] | None = None,
    known: Known | None = None,
) -> Iterator[WatchEvent]:
    """See `rolloutctl.domain.cluster.Cluster.watch`."""
    watching = _Watch(cluster, kind, namespace, as_type, selection, timeout, compact or _same)
    return watching.events(known)


def _same(item: Any) -> Any:
    return item


class _Watch:
    def __init__(
        self,
        cluster: KubeCluster,
        kind: Kind,
        namespace: str | None,
        as_type: type[Any],
        selection: dict[str, str],
        timeout: float | None,
        compact: Callable[[Any], Any],
    ) -> None:
        self._compact = compact
        self._cluster = cluster
        self._kind = kind
        self._namespace = namespace
        self._type = as_type
        self._selection = selection
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._version = ""
        self._known: dict[Key, tuple[str, Any]] = {}
        """Version and object of all that was handed out and not deleted."""
        self._bad: dict[Key, str] = {}
        """What is wrong with the objects that were said to be unreadable."""
        self._heard = False
        """Whether the request now open has said anything."""
        self._failures = 0
        self._stale = False
        self._asked_pause = 0.0

    def events(self, known: Known | None) -> Iterator[WatchEvent]:
        relist = False
        if known is None:
            yield from self._list()
        else:
            self._version, self._known = known.resource_version, known.items
        yield WatchEvent("SYNCED", resource_version=self._version)
        while self._left() != 0:
            self._heard = False
            reason = ""
            try:
                if relist:
                    yield from self._list()
                    relist = False
                with closing(self._stream()) as stream:
                    yield from stream
            except _Expired:
                relist = True
            except (Unreachable, ServerFault) as error:
                reason = error.message
            # A server that ends each watch at once is not asked in a tight loop either.
            self._failures = 0 if self._heard else self._failures + 1
            if reason and not self._stale:
                self._stale = True
                yield WatchEvent("STALE", problem=reason)
            if reason or self._failures:
                self._pause()

    def _left(self) -> float | None:
        """Seconds to the end, None without one."""
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def _pause(self) -> None:
        pause = min(_LONGEST_PAUSE, 0.1 * 2 ** min(self._failures, 10))
        pause = max(pause * random.uniform(0.5, 1.0), self._asked_pause)
        self._asked_pause = 0.0
        left = self._left()
        time.sleep(pause if left is None else min(pause, left))

    def _list(self) -> Iterator[WatchEvent]:
        """All there is; of what was known before only the differences."""
        seen: set[Key] = set()
        version = ""
        pages = self._cluster.pages(
            self._kind,
            self._namespace,
            self._type,
            label_selector=self._selection.get("labelSelector", ""),
            field_selector=self._selection.get("fieldSelector", ""),
        )
        for page in pages:
            version = version or page.resource_version
            for item in page.items:
                *place, current = decoding.identity(item)
                key = (place[0], place[1])
                seen.add(key)
                self._bad.pop(key, None)
                known = self._known.get(key)
                if known is None or known[0] != current:
                    kept = self._compact(item)
                    self._known[key] = (current, kept)
                    yield WatchEvent("ADDED" if known is None else "MODIFIED", kept)
            for bad in page.unreadable:
                seen.add((bad.namespace, bad.name))
                yield from self._unreadable(bad)
        for key in [key for key in self._known if key not in seen]:
            yield WatchEvent("DELETED", self._known.pop(key)[1])
        for key in [key for key in self._bad if key not in seen]:
            del self._bad[key]
        self._version = version

    def _stream(self) -> Generator[WatchEvent, None, None]:
        """One request. Raises _Expired, Unreachable, and what a refusal means."""
        from rolloutctl.kube.cluster import path

        left = self._left()
        seconds = SERVER_SECONDS if left is None else max(1, min(SERVER_SECONDS, int(left) + 1))
        query = self._selection | {
            "watch": "true",
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        where = path(self._kind, self._namespace)
        transport = self._cluster.transport
        silence = SILENCE if left is None else min(SILENCE, max(left, 0.01))
        with transport.stream(where, query, silence=silence) as answer:
            if answer.status == 410:
                raise _Expired
            if answer.status != 200:
                self._refused(answer)
            if self._stale:
                self._stale = False
                yield WatchEvent("SYNCED", resource_version=self._version)
            try:
                for line in _lines(answer):
                    yield from self._events(line)
                    if self._left() == 0:
                        return
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                if self._left() == 0:
                    return
                raise Unreachable(f"the watch of {self._kind.plural} broke off: {error}") from error

    def _refused(self, answer: urllib3.BaseHTTPResponse) -> None:
        target = Target("watch", self._kind, self._namespace)
        try:
            body = answer.read()
        except (urllib3.exceptions.HTTPError, OSError):
            body = b""
        error = failure(answer.status, body, target, self._cluster.name)
        self._asked_pause = retry_after(answer) or 0.0
        raise error

    def _events(self, line: bytes) -> Iterator[WatchEvent]:
        """What one frame says; nothing for a bookmark. Raises _Expired, Unreachable."""
        try:
            frame = decoder(_Frame).decode(line)
        except decoding.MALFORMED as error:
            raise Unreachable(f"the watch of {self._kind.plural} sent no JSON: {error}") from error
        raw = bytes(frame.object)
        if frame.type == "ERROR":
            status = status_of(raw)
            if status.code == 410:
                raise _Expired
            raise Unreachable(status.message[:500] or f"the watch of {self._kind.plural} failed")
        try:
            head = decoder(_Head).decode(raw).metadata
        except decoding.MALFORMED as error:
            yield from self._unreadable(decoding.bad(raw, error))
            return
        self._heard = True
        self._version = head.resource_version or self._version
        if frame.type not in ("ADDED", "MODIFIED", "DELETED"):
            return
        key = (head.namespace, head.name)
        try:
            item = self._compact(decoder(self._type).decode(raw))
        except decoding.MALFORMED as error:
            if frame.type != "DELETED":
                yield from self._unreadable(decoding.bad(raw, error))
                return
            if key not in self._known:
                self._bad.pop(key, None)
                return
            item = self._known[key][1]
        self._bad.pop(key, None)
        if frame.type == "DELETED":
            self._known.pop(key, None)
        else:
            self._known[key] = (head.resource_version, item)
        yield WatchEvent(frame.type, item)

    def _unreadable(self, bad: Unreadable) -> Iterator[WatchEvent]:
        """Said once for each problem an object has."""
        key = (bad.namespace, bad.name)
        if self._bad.get(key) != bad.problem:
            self._bad[key] = bad.problem
            named = f"{bad.namespace}/{bad.name}"
            yield WatchEvent("UNREADABLE", bad, problem=f"{named}: {bad.problem}")


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Whole lines of a stream whose chunks break anywhere."""
    rest = b""
    for chunk in _chunks(answer):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest


def _chunks(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """What has come, as soon as it has; a body without chunks would wait for a full buffer."""
    if getattr(answer, "chunked", False):
        yield from answer.stream(_BUFFER, decode_content=True)
        return
    assert isinstance(answer, urllib3.HTTPResponse)
    while chunk := answer.read1(_BUFFER, decode_content=True):
        yield chunk
