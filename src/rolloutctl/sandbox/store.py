"""All objects of the embedded cluster, as immutable bytes under sorted keys.

There is one resourceVersion for everything, as in etcd. An object is kept as the JSON it is
served as, without `apiVersion` and `kind` (which depend on the version asked for), so that a page
of a list is a join of bytes. Each resource has a bounded log of events, for watches, and a bounded
number of snapshots, for the pages of a list.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from sys import intern
from typing import Any, ClassVar, NamedTuple

import msgspec

Key = tuple[str, str]
"""(namespace, name); the namespace of a cluster-scoped object is empty."""

_NONE: Mapping[str, str] = {}
_APART = ("apiVersion", "kind", "metadata")
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder()


class Managed(NamedTuple):
    """One entry of managedFields; `fields` is its fieldsV1 as JSON, `part` its subresource."""

    manager: str
    operation: str
    api_version: str
    part: str
    time: str
    fields: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """One version of one object."""

    METADATA: ClassVar[int] = len(b'{"metadata":{')
    """Where in `raw` the metadata begin."""

    key: Key
    version: int
    uid: str
    labels: Mapping[str, str]
    owners: tuple[str, ...]
    """The uids of its owner references."""
    raw: bytes
    """The object as JSON, metadata first, without `apiVersion`, `kind` and managedFields."""
    managed: tuple[Managed, ...] = ()
    """Who wrote which of its fields."""

    def decode(self) -> dict[str, Any]:
        """A fresh copy of the object, without `apiVersion`, `kind` and managedFields."""
        found: dict[str, Any] = _decoder.decode(self.raw)
        return found


@dataclass(frozen=True, slots=True)
class Event:
    """One change: `before` is None for a creation, `after` the last state of what is deleted."""

    version: int
    before: Record | None
    after: Record
    deleted: bool


class Expired(Exception):
    """What was asked for is no longer in the log; `oldest` is the oldest version that is."""

    def __init__(self, oldest: int) -> None:
        super().__init__(oldest)
        self.oldest = oldest


class _Shelf:
    """The objects of one resource, their log and snapshots. Guarded by the store's lock."""

    def __init__(self, floor: int) -> None:
        self.records: dict[Key, Record] = {}
        self.keys: list[Key] = []
        self.log: list[Event] = []
        self.dropped = 0
        self.log_bytes = 0
        self.floor = floor
        self.latest = floor
        self.view: tuple[Record, ...] | None = ()
        self.snapshots: OrderedDict[int, tuple[Record, ...]] = OrderedDict()


class Store:
    """The objects of one cluster; every method may be called from any thread.

    `history` and `history_bytes` bound the log of each resource. `first_version` is the
    resourceVersion of the empty store: watches from before it have expired.
    """

    def __init__(
        self,
        *,
        first_version: int = 0,
        history: int = 10_000,
        history_bytes: int = 32 * 1024 * 1024,
        snapshots: int = 16,
    ) -> None:
        self._lock = threading.RLock()
        self._changed: dict[str, threading.Condition] = {}
        self._shelves: dict[str, _Shelf] = {}
        self._dependents: dict[str, set[tuple[str, Key]]] = {}
        self._uids: set[str] = set()
        self._listeners: list[Callable[[], None]] = []
        self._pending = False
        self._depth = 0
        self._first = self._version = first_version
        self._history = history
        self._history_bytes = history_bytes
        self._snapshots = snapshots

    @property
    def version(self) -> int:
        """The resourceVersion of the newest change."""
        return self._version

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nobody else reads or writes inside; listeners hear of the changes when it ends.

        It does not undo: check first, then write.
        """
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                notify = self._pending and not self._depth
                if notify:
                    self._pending = False
        if notify:
            for listener in tuple(self._listeners):
                listener()

    def get(self, resource: str, namespace: str, name: str) -> Record | None:
        """The object now, None if there is none."""
        with self._lock:
            shelf = self._shelves.get(resource)
            return shelf.records.get((namespace, name)) if shelf else None

    def list(self, resource: str, namespace: str | None = None) -> tuple[Sequence[Record], int]:
        """All objects of a resource (in one namespace), sorted, and the version they are of."""
        with self._lock:
            return within(self._view(self._shelf(resource)), namespace), self._version

    def snapshot(self, resource: str) -> tuple[tuple[Record, ...], int]:
        """As `list` without a namespace, and kept for `snapshot_at`."""
        with self._lock:
            shelf = self._shelf(resource)
            view = shelf.snapshots[self._version] = self._view(shelf)
            shelf.snapshots.move_to_end(self._version)
            while len(shelf.snapshots) > self._snapshots:
                shelf.snapshots.popitem(last=False)
            return view, self._version

    def snapshot_at(self, resource: str, version: int) -> tuple[Record, ...]:
        """The objects as they were at `version`. Raises Expired."""
        with self._lock:
            shelf = self._shelf(resource)
            found = shelf.snapshots.get(version)
            if found is not None:
                return found
            if shelf.latest <= version <= self._version:
                return self._view(shelf)
            raise Expired(self._version)

    def put(
        self,
        resource: str,
        obj: Mapping[str, Any],
        managed: tuple[Managed, ...] | None = None,
    ) -> Record:
        """Store `obj`, taken as it is but for its resourceVersion, which is the next.

        Without `managed` it stays what it was.
        """
        with self.transaction():
            shelf = self._shelf(resource)
            version = self._next()
            metadata = obj["metadata"]
            before = shelf.records.get((metadata.get("namespace", ""), metadata["name"]))
            if managed is None:
                managed = before.managed if before else ()
            record = stamped(obj, version, managed)
            shelf.records[record.key] = record
            if before is None:
                insort(shelf.keys, record.key)
            self._link(resource, before, record)
            self._log(resource, shelf, Event(version, before, record, deleted=False))
            return record

    def remove(self, resource: str, obj: Mapping[str, Any]) -> Record:
        """Remove the object; `obj` is its last state, which watches see. Raises KeyError."""
        with self.transaction():
            shelf = self._shelf(resource)
            metadata = obj["metadata"]
            key = (metadata.get("namespace", ""), metadata["name"])
            before = shelf.records.pop(key)
            del shelf.keys[bisect_left(shelf.keys, key)]
            version = self._next()
            record = stamped(obj, version, before.managed)
            self._link(resource, before, None)
            self._log(resource, shelf, Event(version, before, record, deleted=True))
            return record

    def dependents(self, uid: str) -> Sequence[tuple[str, Record]]:
        """(resource, object) of everything that names `uid` as an owner."""
        with self._lock:
            found = sorted(self._dependents.get(uid, ()))
            return [(resource, self._shelves[resource].records[key]) for resource, key in found]

    def namespaced(self, namespace: str) -> Sequence[tuple[str, Record]]:
        """(resource, object) of everything in one namespace."""
        with self._lock:
            return [
                (resource, record)
                for resource, shelf in self._shelves.items()
                for record in within(self._view(shelf), namespace)
            ]

    def has_uid(self, uid: str) -> bool:
        """Whether some object has this uid."""
        with self._lock:
            return uid in self._uids

    def cursor(self, resource: str, version: int) -> int:
        """A place in the log from where on everything is newer than `version`. Raises Expired."""
        with self._lock:
            shelf = self._shelf(resource)
            if version < shelf.floor:
                raise Expired(shelf.floor)
            return shelf.dropped + bisect_right(shelf.log, version, key=lambda event: event.version)

    def events(self, resource: str, cursor: int, wait: float = 0.0) -> tuple[Sequence[Event], int]:
        """The events from `cursor` on, and the next cursor; waits up to `wait` seconds for one.

        Raises Expired when the log was cut behind the cursor.
        """
        with self._lock:
            shelf = self._shelf(resource)
            if wait > 0 and cursor >= shelf.dropped + len(shelf.log):
                self._condition(resource).wait(wait)
            if cursor < shelf.dropped:
                raise Expired(shelf.floor)
            return shelf.log[cursor - shelf.dropped :], shelf.dropped + len(shelf.log)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each change (in the writer's thread); returns what ends that."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def wake(self) -> None:
        """Let everyone who waits for events look around, though nothing happened."""
        with self._lock:
            for condition in self._changed.values():
                condition.notify_all()

    def _shelf(self, resource: str) -> _Shelf:
        shelf = self._shelves.get(resource)
        if shelf is None:
            shelf = self._shelves[resource] = _Shelf(self._first)
        return shelf

    def _condition(self, resource: str) -> threading.Condition:
        condition = self._changed.get(resource)
        if condition is None:
            condition = self._changed[resource] = threading.Condition(self._lock)
        return condition

    def _view(self, shelf: _Shelf) -> tuple[Record, ...]:
        if shelf.view is None:
            records = shelf.records
            shelf.view = tuple([records[key] for key in shelf.keys])
        return shelf.view

    def _next(self) -> int:
        self._version += 1
        self._pending = True
        return self._version

    def _link(self, resource: str, before: Record | None, after: Record | None) -> None:
        if before:
            self._uids.discard(before.uid)
        if after:
            self._uids.add(after.uid)
        old = before.owners if before else ()
        new = after.owners if after else ()
        if old == new:
            return
        record = after or before
        assert record is not None
        place = (resource, record.key)
        for uid in old:
            places = self._dependents.get(uid, set())
            places.discard(place)
            if not places:
                self._dependents.pop(uid, None)
        for uid in new:
            self._dependents.setdefault(uid, set()).add(place)

    def _log(self, resource: str, shelf: _Shelf, event: Event) -> None:
        shelf.view = None
        shelf.latest = event.version
        shelf.log.append(event)
        shelf.log_bytes += _kept_by(event)
        if len(shelf.log) > self._history or shelf.log_bytes > self._history_bytes:
            # A quarter at a time: cutting the front of a list costs as much as its length.
            cut = max(1, len(shelf.log) // 4)
            gone = shelf.log[:cut]
            del shelf.log[:cut]
            shelf.dropped += cut
            shelf.floor = gone[-1].version
            shelf.log_bytes -= sum(map(_kept_by, gone))
        condition = self._changed.get(resource)
        if condition is not None:
            condition.notify_all()


def within(records: Sequence[Record], namespace: str | None) -> Sequence[Record]:
    """Those of sorted `records` in `namespace`; all for None."""
    if namespace is None:
        return records
    start = bisect_left(records, (namespace, ""), key=lambda record: record.key)
    end = bisect_left(records, (namespace + "\0", ""), key=lambda record: record.key)
    return records[start:end]


def restamped(record: Record, version: int) -> Record:
    """The same object as of another version."""
    return stamped(record.decode(), version, record.managed)


def _kept_by(event: Event) -> int:
    """Bytes that only the log keeps in memory because of this event, about."""
    return len(event.before.raw) if event.before else 0


def stamped(obj: Mapping[str, Any], version: int, managed: tuple[Managed, ...]) -> Record:
    """The record of `obj` as of one version."""
    metadata = dict(obj["metadata"])
    metadata["resourceVersion"] = str(version)
    metadata.pop("managedFields", None)
    content = {key: value for key, value in obj.items() if key not in _APART}
    labels = metadata.get("labels")
    raw = b'{"metadata":' + _encoder.encode(metadata)
    return Record(
        key=(intern(metadata.get("namespace", "")), metadata["name"]),
        version=version,
        uid=metadata["uid"],
        labels={intern(name): intern(value) for name, value in labels.items()} if labels else _NONE,
        owners=tuple(owner["uid"] for owner in metadata.get("ownerReferences") or ()),
        raw=raw + b"," + _encoder.encode(content)[1:] if content else raw + b"}",
        managed=managed,
    )
