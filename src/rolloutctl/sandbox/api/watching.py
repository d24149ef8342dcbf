"""Watches: what changed since a version, until time, the client or the server ends it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from rolloutctl.sandbox.store import Event, Expired, Record, Store, restamped

from . import bodies, errors, metadata, reading, selectors
from .routing import Query, Target

_HEARTBEAT = 1.0
_BOOKMARKS = 60.0
_DEFAULT_TIMEOUT = 1800.0
_INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}

Render = Callable[[Record], bytes]


class Watch(Iterator[bytes]):
    """The lines of one watch; b"" when nothing happened for a second."""

    def __init__(
        self,
        store: Store,
        target: Target,
        query: Query,
        render: Render,
        closing: threading.Event,
    ) -> None:
        self._store = store
        self._target = target
        self._render = render
        self._closing = closing
        self._closed = False
        self._lines: deque[bytes] = deque()
        self._bookmarks = query.flag("allowWatchBookmarks")
        names = f"metadata.name={target.name}" if target.name else query.text("fieldSelector")
        self._matches = selectors.selection(target.resource, query.text("labelSelector"), names)
        timeout = query.number("timeoutSeconds")
        now = time.monotonic()
        self._end = now + (timeout if timeout else _DEFAULT_TIMEOUT)
        self._next_bookmark = now + _BOOKMARKS
        self._seen = store.version
        self._start(query)

    def _start(self, query: Query) -> None:
        version = reading.resource_version(query)
        reading.check(query, watching=True)
        initial = ""
        if query.given("sendInitialEvents"):
            off = query.text("sendInitialEvents").lower() in ("false", "0")
            initial = "false" if off else "true"
        plural = self._target.resource.plural
        if (version and initial != "true") or initial == "false":
            try:
                self._cursor = self._store.cursor(plural, version or self._store.version)
            except Expired as error:
                self._fail(errors.expired(version, error.oldest))
            return
        with self._store.transaction():
            records, at = self._store.list(plural, self._target.namespace or None)
            self._cursor = self._store.cursor(plural, at)
        if version > at:
            raise reading.too_large(version, at)
        for record in records:
            if self._inside(record):
                self._lines.append(self._line("ADDED", record))
        if initial == "true" and self._bookmarks:
            self._lines.append(self._bookmark(at, _INITIAL_EVENTS_END))

    def __next__(self) -> bytes:
        while not self._lines:
            remaining = self._end - time.monotonic()
            if self._closed or self._closing.is_set() or remaining <= 0:
                raise StopIteration
            if not self._advance(min(_HEARTBEAT, remaining)):
                return b""
        return self._take()

    def poll(self) -> bytes:
        """What has happened since the last call, without waiting; empty if nothing."""
        self._advance(0)
        return self._take()

    def close(self) -> None:
        """End the watch; who waits in `next` is woken within a second."""
        self._closed = True

    def _take(self) -> bytes:
        taken = b"".join(self._lines)
        self._lines.clear()
        return taken

    def _advance(self, wait: float) -> bool:
        """Fetch new events; False when nothing came within `wait` seconds."""
        if self._closed:
            return True
        try:
            events, self._cursor = self._store.events(
                self._target.resource.plural, self._cursor, wait
            )
        except Expired as error:
            self._fail(errors.expired(self._seen, error.oldest))
            return True
        for event in events:
            self._seen = event.version
            line = self._event(event)
            if line:
                self._lines.append(line)
        if self._bookmarks and time.monotonic() >= self._next_bookmark:
            self._next_bookmark = time.monotonic() + _BOOKMARKS
            with self._store.transaction():
                events, self._cursor = self._store.events(
                    self._target.resource.plural, self._cursor
                )
                self._lines.extend(filter(None, map(self._event, events)))
                self._lines.append(self._bookmark(self._store.version, {}))
        return bool(events) or bool(self._lines)

    def _inside(self, record: Record) -> bool:
        namespace = self._target.namespace
        if namespace and record.key[0] != namespace:
            return False
        return self._matches is None or self._matches(record)

    def _event(self, event: Event) -> bytes:
        """One event as the watcher sees it: leaving the selection is a deletion."""
        was = event.before is not None and self._inside(event.before)
        now = not event.deleted and self._inside(event.after)
        if was and now:
            return self._line("MODIFIED", event.after)
        if was and not event.deleted:
            # What left the selection is shown as it last was inside, at the version it left.
            assert event.before is not None
            return self._line("DELETED", restamped(event.before, event.version))
        if was:
            return self._line("DELETED", event.after)
        return self._line("ADDED", event.after) if now else b""

    def _line(self, kind: str, record: Record) -> bytes:
        return b'{"type":"%s","object":%s}\n' % (kind.encode(), self._render(record))

    def _bookmark(self, version: int, annotations: dict[str, str]) -> bytes:
        about: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            about["annotations"] = annotations
        resource = self._target.resource
        if resource.custom:
            del about["creationTimestamp"]
        head = metadata.prefix(self._target.api_version, resource.kind)
        return b'{"type":"BOOKMARK","object":%s"metadata":%s}}\n' % (head, bodies.encode(about))

    def _fail(self, refused: errors.Refused) -> None:
        body = bodies.encode(refused.status())
        self._lines.append(b'{"type":"ERROR","object":%s}\n' % body)
        self._cursor = 0
        self._closed = True
