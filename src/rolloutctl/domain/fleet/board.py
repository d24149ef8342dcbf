"""Rollouts of a fleet as rows in an order: those that a query keeps. A change sorts nothing."""

from __future__ import annotations

import enum
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from rolloutctl.domain.facts import Place, RolloutRow
from rolloutctl.domain.fleet.entry import Entry
from rolloutctl.domain.fleet.query import Query, haystack_of
from rolloutctl.domain.fleet.ranking import urgency
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import HEALTHY

_Key = tuple[Any, ...]


class Sort(enum.StrEnum):
    """In what order rows stand; what is equal in it stands by namespace and name."""

    URGENCY = "urgency"
    """Degraded, awaiting a person, paused, progressing, unknown, Healthy."""
    NAME = "name"
    WAITING = "waiting"
    """The longest in its present state first, what is Healthy last."""
    CHANGED = "changed"
    """What came into its present state last first."""


class _Kept:
    """(No struct: a new order changes `key` and `shown` of all of them.)"""

    __slots__ = ("entry", "haystack", "key", "row", "shown")

    def __init__(
        self, entry: Entry, row: RolloutRow, key: _Key, haystack: str, shown: bool
    ) -> None:
        self.entry = entry
        self.row = row
        self.key = key
        self.haystack = haystack
        self.shown = shown


class Board:
    """`len` is the number of rows the query keeps, `total` that of all."""

    def __init__(self) -> None:
        self._query = Query()
        self._sort = Sort.URGENCY
        self._reverse = False
        self._kept: dict[Place, _Kept] = {}
        self._order: list[_Key] = []
        """The keys of the rows that are shown, sorted; the last part of each is its place."""
        self._phases: Counter[str] = Counter()
        self._namespaces: Counter[str] = Counter()
        self._plugins: Counter[str] = Counter()
        self.awaiting = 0
        """How many of all wait for a person."""

    # --- what there is ---------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._order)

    @property
    def total(self) -> int:
        return len(self._kept)

    @property
    def phases(self) -> Mapping[str, int]:
        """How many of all are in each phase, none with 0."""
        return self._phases

    @property
    def namespaces(self) -> Mapping[str, int]:
        return self._namespaces

    @property
    def plugins(self) -> Mapping[str, int]:
        """How many of all use each step plugin."""
        return self._plugins

    def row(self, index: int) -> RolloutRow:
        """The row at a place of the order. Raises IndexError."""
        return self._kept[self._order[self._turned(index)][-1]].row

    def rows(self, start: int, stop: int) -> list[RolloutRow]:
        """The rows of a part of the order."""
        return [self.row(index) for index in range(max(0, start), min(stop, len(self)))]

    def entry(self, place: Place) -> Entry | None:
        """What is kept of a rollout, shown or not; None when it is not there."""
        kept = self._kept.get(place)
        return None if kept is None else kept.entry

    def index(self, place: Place) -> int | None:
        """Where a rollout stands in the order, None when it is not shown."""
        kept = self._kept.get(place)
        if kept is None or not kept.shown:
            return None
        return self._turned(bisect_left(self._order, kept.key))

    def places(self) -> Iterator[Place]:
        """All rollouts, shown or not."""
        return iter(self._kept)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """All of them with their clusters."""
        for (cluster, _), kept in self._kept.items():
            yield cluster, kept.entry

    def _turned(self, index: int) -> int:
        return len(self._order) - 1 - index if self._reverse else index

    # --- what changes ----------------------------------------------------------------------------

    def put(self, entry: Entry, cluster: str = "") -> bool:
        """Takes a rollout in, in place of what it was; whether its row is another one now."""
        place = (cluster, entry.row.ref)
        before = self._kept.get(place)
        if before is not None:
            if before.entry == entry:
                return False
            self._forget(place, before)
        kept = self._take(place, entry)
        if kept.shown:
            insort(self._order, kept.key)
        return before is None or before.row != kept.row

    def put_all(self, entries: Iterable[Entry], cluster: str = "") -> None:
        """Takes many in at once: the rows are sorted once."""
        for entry in entries:
            place = (cluster, entry.row.ref)
            before = self._kept.get(place)
            if before is not None:
                self._count(before, -1)
            self._take(place, entry)
        self._order = sorted(kept.key for kept in self._kept.values() if kept.shown)

    def drop(self, ref: Ref, cluster: str = "") -> bool:
        """Forgets a rollout; whether it was there."""
        place = (cluster, ref)
        kept = self._kept.get(place)
        if kept is None:
            return False
        self._forget(place, kept)
        return True

    def leave(self, cluster: str) -> None:
        """Forgets all rollouts of a cluster."""
        for label, ref in [place for place in self._kept if place[0] == cluster]:
            self.drop(ref, label)

    def arrange(self, query: Query, sort: Sort, *, reverse: bool = False) -> None:
        """Shows what `query` keeps, in the order of `sort`."""
        if sort is not self._sort:
            key = _KEYS[sort]
            for place, kept in self._kept.items():
                kept.key = key(kept.row, place)
        if query != self._query:
            for (cluster, _), kept in self._kept.items():
                kept.shown = query.keeps(kept.entry, cluster, kept.haystack)
        self._query, self._sort, self._reverse = query, sort, reverse
        self._order = sorted(kept.key for kept in self._kept.values() if kept.shown)

    def _take(self, place: Place, entry: Entry) -> _Kept:
        cluster = place[0]
        row = replace(entry.row, cluster=cluster) if cluster else entry.row
        haystack = haystack_of(entry)
        kept = _Kept(
            entry,
            row,
            _KEYS[self._sort](row, place),
            haystack,
            self._query.keeps(entry, cluster, haystack),
        )
        self._kept[place] = kept
        self._count(kept, 1)
        return kept

    def _forget(self, place: Place, kept: _Kept) -> None:
        del self._kept[place]
        self._count(kept, -1)
        if kept.shown:
            del self._order[bisect_left(self._order, kept.key)]

    def _count(self, kept: _Kept, by: int) -> None:
        self.awaiting += by * (kept.row.awaiting is not None)
        _add(self._phases, kept.row.phase, by)
        _add(self._namespaces, kept.row.ref.namespace, by)
        for name in set(kept.entry.plugins):
            _add(self._plugins, name, by)


def _add(counter: Counter[str], name: str, by: int) -> None:
    counter[name] += by
    if not counter[name]:
        del counter[name]


def _by_urgency(row: RolloutRow, place: Place) -> _Key:
    return (urgency(row), place[1], place[0], place)


def _by_name(_row: RolloutRow, place: Place) -> _Key:
    return (place[1], place[0], place)


def _by_waiting(row: RolloutRow, place: Place) -> _Key:
    since = row.since.timestamp() if row.since is not None else float("inf")
    return (row.phase == HEALTHY, since, place[1], place)


def _by_change(row: RolloutRow, place: Place) -> _Key:
    since = -row.since.timestamp() if row.since is not None else float("inf")
    return (since, place[1], place)


_KEYS = {
    Sort.URGENCY: _by_urgency,
    Sort.NAME: _by_name,
    Sort.WAITING: _by_waiting,
    Sort.CHANGED: _by_change,
}
