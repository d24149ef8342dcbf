"""Reading many rollouts: page by page, or warm, from a snapshot and what changed since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from rolloutctl.domain import wire
from rolloutctl.domain.cluster import ROLLOUTS, Cluster, Known, Unreadable
from rolloutctl.domain.fleet.entry import Entry, entry
from rolloutctl.domain.fleet.snapshot import Snapshot, Snapshots
from rolloutctl.errors import RolloutctlError

if TYPE_CHECKING:
    from collections.abc import Generator

    from rolloutctl.domain.cluster import WatchEvent

WORTH = 500
"""Lists of fewer entries are one request, and quicker read than resumed: they are not kept."""
OLDEST = timedelta(hours=6)
"""A snapshot older than that is not tried: no server remembers what happened since."""
_SLACK = timedelta(minutes=5)
_RENEW_AFTER = timedelta(minutes=1)
_RENEW_CHANGES = 500
"""A snapshot is written anew when it is older than that or as much has changed since."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def known_from(snapshot: Snapshot) -> Known:
    """What a watch (with `compact=entry`) needs to go on from a snapshot."""
    items = {(e.row.ref.namespace, e.row.ref.name): (e.version, e) for e in snapshot.entries}
    return Known(snapshot.resource_version, items)


def load(
    snapshots: Snapshots, cluster: Cluster, namespace: str | None, at: datetime
) -> Snapshot | None:
    """The snapshot of a scope, if there is one that a server may still be able to go on from."""
    snapshot = snapshots.load(cluster, namespace)
    if snapshot is None or not -_SLACK < at - snapshot.read_at < OLDEST:
        return None
    return snapshot


def save(
    snapshots: Snapshots,
    cluster: Cluster,
    namespace: str | None,
    version: str,
    at: datetime,
    entries: Iterable[Entry],
) -> None:
    """Keeps all entries of a scope, as read at `at`; not where the cluster cannot be told."""
    uid = cluster.uid()
    if uid:
        snapshots.save(cluster, namespace, Snapshot(uid, version, at, tuple(entries)))


class Keeping:
    """All entries of the first list of a watch, to be kept for the next time."""

    def __init__(
        self,
        snapshots: Snapshots,
        cluster: Cluster,
        namespace: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self._snapshots = snapshots
        self._cluster = cluster
        self._namespace = namespace
        self._at = now()
        self._entries: list[Entry] = []
        self._version = ""
        self._sound = True

    def take(self, event: WatchEvent) -> None:
        if event.type == "ADDED":
            self._entries.append(event.object)
        elif event.type == "SYNCED":
            self._version = event.resource_version
        else:
            self._sound = False

    def save(self) -> None:
        if self._sound and self._version and len(self._entries) >= WORTH:
            entries, at = self._entries, self._at
            save(self._snapshots, self._cluster, self._namespace, self._version, at, entries)


class Reading:
    """The rollouts of a scope, to be iterated once; the facts about it hold from the first on.

    `warm`: it goes on from a snapshot that was read at `since`, of which `changed` entries had
    changed. `as_of`: when it was true, by this machine's clock. A namespace has a snapshot of its
    own: it is read sooner than one of all namespaces is decoded. A selection is made from a
    snapshot of all where there is one, else by the server, and then nothing is kept.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str | None,
        *,
        label_selector: str = "",
        snapshots: Snapshots | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._label_selector = label_selector
        self._snapshots = snapshots
        self._now = now
        self.warm = False
        self.since: datetime | None = None
        self.as_of = now()
        self.changed = 0

    def __iter__(self) -> Iterator[Entry | Unreadable]:
        """In the order of namespace and name. Raises what the cluster raises, maybe after some."""
        self.as_of = self._now()
        found = self._resumed()
        yield from self._cold() if found is None else found

    def _cold(self) -> Iterator[Entry | Unreadable]:
        keeping = self._snapshots is not None and not self._label_selector
        kept: list[Entry] = []
        version: str | None = None
        for page in self._cluster.pages(
            ROLLOUTS, self._namespace, wire.Rollout, label_selector=self._label_selector
        ):
            version = page.resource_version if version is None else version
            keeping = keeping and not page.unreadable
            for item in page.items:
                read = entry(item)
                if keeping:
                    kept.append(read)
                yield read
            yield from page.unreadable
        if keeping and version and len(kept) >= WORTH:
            self._save(version, kept)

    def _resumed(self) -> Iterator[Entry | Unreadable] | None:
        """All there is, from a snapshot and what changed since; None where that is not possible."""
        snapshot = self._load()
        if snapshot is None:
            return None
        try:
            keep = _selection(self._label_selector)
            known = known_from(snapshot)
            changes = _Changes(self._cluster, self._namespace, known)
        except RolloutctlError:
            # Reading it in full says what is wrong, if anything is.
            return None
        self.warm = not changes.anew
        self.since = snapshot.read_at if self.warm else None
        self.changed = len(changes.keys) if self.warm else 0
        self.as_of = self._now()
        return self._entries(snapshot, known, changes, keep)

    def _entries(
        self, snapshot: Snapshot, known: Known, changes: _Changes, keep: Callable[[Entry], bool]
    ) -> Iterator[Entry | Unreadable]:
        entries: list[Entry] = [kept for _, kept in known.items.values()]
        if changes.added:
            entries.sort(key=_order(snapshot))
        for one in entries:
            if (one.row.ref.namespace, one.row.ref.name) not in changes.unreadable and keep(one):
                yield one
        yield from changes.unreadable.values()
        if changes.unreadable or changes.version in ("", snapshot.resource_version):
            return
        aged = self.as_of - snapshot.read_at > _RENEW_AFTER
        if changes.anew or aged or len(changes.keys) > _RENEW_CHANGES:
            self._save(changes.version, entries)

    def _load(self) -> Snapshot | None:
        if self._snapshots is None:
            return None
        return load(self._snapshots, self._cluster, self._namespace, self.as_of)

    def _save(self, version: str, entries: list[Entry]) -> None:
        assert self._snapshots is not None
        save(self._snapshots, self._cluster, self._namespace, version, self.as_of, entries)


class _Changes:
    """Brings `known` up to date; what changed. Raises what the watch raises."""

    def __init__(self, cluster: Cluster, namespace: str | None, known: Known) -> None:
        self.keys: set[tuple[str, str]] = set()
        self.added = False
        self.unreadable: dict[tuple[str, str], Unreadable] = {}
        self.version = ""
        self.anew = False
        """Whether the snapshot was of no use, and everything was read instead."""
        watch = cast(
            "Generator[WatchEvent, None, None]",
            cluster.watch(ROLLOUTS, namespace, wire.Rollout, compact=entry, known=known),
        )
        with closing(watch):
            for event in watch:
                if event.type == "SYNCED":
                    self.version, self.anew = event.resource_version, bool(event.problem)
                    return
                if event.type == "UNREADABLE":
                    key = (event.object.namespace, event.object.name)
                    self.unreadable[key] = event.object
                elif event.type in ("ADDED", "MODIFIED", "DELETED"):
                    ref = event.object.row.ref
                    key = (ref.namespace, ref.name)
                    self.unreadable.pop(key, None)
                    self.added = self.added or event.type == "ADDED"
                else:
                    continue
                self.keys.add(key)
        raise RolloutctlError("the watch ended before it had caught up")


def _selection(text: str) -> Callable[[Entry], bool]:
    """The filter a label selector is. Raises UsageError."""
    if not text:
        return lambda _: True
    from rolloutctl.domain.fleet.selectors import parse

    selector = parse(text)
    return lambda one: selector.matches(one.labels)


def _order(snapshot: Snapshot) -> Callable[[Entry], tuple[str, ...]]:
    """The order its server lists in, for what was added.

    A server sorts by the key in its store, in which "a-b/x" stands before "a/x".
    """
    paths = [str(one.row.ref) for one in snapshot.entries]
    if all(before < after for before, after in pairwise(paths)):
        return lambda one: (str(one.row.ref),)
    return lambda one: (one.row.ref.namespace, one.row.ref.name)
