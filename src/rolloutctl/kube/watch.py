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
from rolloutctl.kube import catching_up, decoding
from rolloutctl.kube.catching_up import SETTLED, Arrivals, Distrusted, Head, Judge, head
from rolloutctl.kube.failures import ServerFault, Target, failure, status_of, version_lost
from rolloutctl.kube.streams import chunks
from rolloutctl.kube.transport import retry_after

if TYPE_CHECKING:
    from rolloutctl.kube.cluster import KubeCluster

SERVER_SECONDS = 300
"""How long one watch request lasts before the server ends it and it is resumed."""
SILENCE = 90.0
"""Bookmarks come about each minute; a connection silent for longer is dead."""
_LONGEST_PAUSE = 10.0
_CALM = 30.0
"""A version that held for that many seconds was not too old from the start."""


class _Frame(Wire):
    type: str = ""
    object: msgspec.Raw = msgspec.Raw(b"{}")


_TELLING = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK"})
_frames: dict[Any, Any] = {}


def _frame_of(as_type: Any) -> Any:
    """The shape of a frame with an object of that type, so that each is decoded once."""
    found = _frames.get(as_type)
    if found is None:
        found = _frames[as_type] = msgspec.defstruct(
            "Frame", [("type", str, ""), ("object", as_type | None, None)]
        )
    return found


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
        self._frame = _frame_of(as_type)
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
        self._expiries = 0
        """How often in a row our version was too old soon after it was read."""
        self._stale = False
        self._asked_pause = 0.0

    def events(self, known: Known | None) -> Iterator[WatchEvent]:
        resuming = known is not None
        if known is None:
            yield from self._list()
            yield WatchEvent("SYNCED", resource_version=self._version)
        else:
            self._version, self._known = known.resource_version, known.items
        relist = False
        while self._left() != 0:
            self._heard = False
            reason = ""
            opened = time.monotonic()
            try:
                if relist:
                    yield from self._list()
                    relist = False
                with closing(self._stream(resuming)) as stream:
                    for event in stream:
                        resuming = resuming and event.type != "SYNCED"
                        yield event
            except (_Expired, Distrusted) as error:
                relist = True
                reason = str(error) if resuming else ""
            except (Unreachable, ServerFault) as error:
                reason = error.message
            if resuming and self._left() != 0:
                # What was known leads nowhere: this becomes a watch like any other.
                resuming = relist = False
                yield from self._list()
                problem = reason or "the watch ended before it had caught up"
                yield WatchEvent("SYNCED", problem=problem, resource_version=self._version)
                continue
            self._expiries = self._expiries + 1 if relist else 0
            if relist and time.monotonic() - opened > _CALM:
                self._expiries = 1
            # A server that ends each watch at once is not asked in a tight loop either.
            self._failures = 0 if self._heard else self._failures + 1
            if reason and not self._stale:
                self._stale = True
                yield WatchEvent("STALE", problem=reason)
            if reason or self._failures or self._expiries > 1:
                self._pause()

    def _left(self) -> float | None:
        """Seconds to the end, None without one."""
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def _pause(self) -> None:
        tries = max(self._failures, self._expiries)
        pause = min(_LONGEST_PAUSE, 0.1 * 2 ** min(tries, 10))
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

    def _stream(self, resuming: bool) -> Generator[WatchEvent, None, None]:
        """One request. Raises _Expired, Distrusted, Unreachable, and what a refusal means.

        When `resuming` it says SYNCED as soon as it has caught up.
        """
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
        selection = self._selection
        beside = Arrivals(lambda: head(transport, where, selection)) if resuming else None
        opening = min(silence, catching_up.OPENING) if resuming else silence
        with transport.stream(where, query, silence=opening) as answer:
            if answer.status != 200:
                self._refused(answer, resuming)
            if self._stale:
                self._stale = False
                yield WatchEvent("SYNCED", resource_version=self._version)
            try:
                if beside is not None:
                    _wait_longer(answer, silence)
                    yield from self._resumed(answer, beside)
                else:
                    yield from self._live(_lines(answer))
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                if self._left() == 0:
                    return
                raise Unreachable(f"the watch of {self._kind.plural} broke off: {error}") from error

    def _resumed(
        self, answer: urllib3.BaseHTTPResponse, arrivals: Arrivals
    ) -> Iterator[WatchEvent]:
        """What came since the version that was known, SYNCED, and what comes then."""
        judge = Judge(self._version)
        arrivals.read(answer, _lines(answer))
        try:
            while not judge.caught_up(self._version, self._count()):
                left = self._left()
                if left == 0:
                    return
                found = arrivals.take(SETTLED if left is None else min(SETTLED, left))
                if found is None:
                    return
                if isinstance(found, Head):
                    judge.told(found)
                elif found:
                    judge.heard()
                    yield from self._events(found)
            yield WatchEvent("SYNCED", resource_version=self._version)
            yield from self._live(arrivals.rest())
        finally:
            arrivals.close()

    def _count(self) -> int:
        return len(self._known) + sum(key not in self._known for key in self._bad)

    def _live(self, lines: Iterator[bytes]) -> Iterator[WatchEvent]:
        for line in lines:
            yield from self._events(line)
            if self._left() == 0:
                return

    def _refused(self, answer: urllib3.BaseHTTPResponse, resuming: bool) -> None:
        """Raises _Expired, or what the refusal means."""
        target = Target("watch", self._kind, self._namespace)
        try:
            body = answer.read()
        except (urllib3.exceptions.HTTPError, OSError):
            body = b""
        if version_lost(answer.status, status_of(body)) or (resuming and answer.status == 400):
            raise _Expired(f"version {self._version} is of no use to the server")
        error = failure(answer.status, body, target, self._cluster.name)
        self._asked_pause = retry_after(answer) or 0.0
        raise error

    def _events(self, line: bytes) -> Iterator[WatchEvent]:
        """What one frame says; nothing for a bookmark. Raises _Expired, Unreachable."""
        try:
            frame = decoder(self._frame).decode(line)
        except decoding.MALFORMED:
            yield from self._odd(line)
            return
        if frame.type not in _TELLING or frame.object is None:
            yield from self._odd(line)
            return
        namespace, name, version = decoding.identity(frame.object)
        self._heard = True
        self._version = version or self._version
        if frame.type == "BOOKMARK":
            return
        key = (namespace, name)
        item = self._compact(frame.object)
        self._bad.pop(key, None)
        if frame.type == "DELETED":
            self._known.pop(key, None)
        else:
            self._known[key] = (version, item)
        yield WatchEvent(frame.type, item)

    def _odd(self, line: bytes) -> Iterator[WatchEvent]:
        """As `_events`, for a frame whose object has not the form of its type."""
        try:
            frame = decoder(_Frame).decode(line)
        except decoding.MALFORMED as error:
            raise Unreachable(f"the watch of {self._kind.plural} sent no JSON: {error}") from error
        raw = bytes(frame.object)
        if frame.type == "ERROR":
            status = status_of(raw)
            if version_lost(status.code, status):
                raise _Expired(f"version {self._version} is too old")
            raise Unreachable(status.message[:500] or f"the watch of {self._kind.plural} failed")
        try:
            found = decoder(_Head).decode(raw).metadata
        except decoding.MALFORMED as error:
            yield from self._unreadable(decoding.bad(raw, error))
            return
        self._heard = True
        self._version = found.resource_version or self._version
        key = (found.namespace, found.name)
        if frame.type in ("ADDED", "MODIFIED"):
            try:
                decoder(self._type).decode(raw)
            except decoding.MALFORMED as error:
                yield from self._unreadable(decoding.bad(raw, error))
        elif frame.type == "DELETED":
            self._bad.pop(key, None)
            known = self._known.pop(key, None)
            if known is not None:
                yield WatchEvent("DELETED", known[1])

    def _unreadable(self, bad: Unreadable) -> Iterator[WatchEvent]:
        """Said once for each problem an object has."""
        key = (bad.namespace, bad.name)
        if self._bad.get(key) != bad.problem:
            self._bad[key] = bad.problem
            named = f"{bad.namespace}/{bad.name}"
            yield WatchEvent("UNREADABLE", bad, problem=f"{named}: {bad.problem}")


def _wait_longer(answer: urllib3.BaseHTTPResponse, seconds: float) -> None:
    """Changes how long a read may take; where the connection is not at hand it stays as it was."""
    sock = getattr(answer.connection, "sock", None)
    if sock is not None:
        sock.settimeout(seconds)


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Whole lines of a stream whose chunks break anywhere."""
    rest = b""
    for chunk in chunks(answer):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line.strip())
    if rest.strip():
        yield rest
