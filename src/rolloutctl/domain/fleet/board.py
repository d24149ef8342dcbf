"""Rollouts of a fleet as rows in an order: those that a query keeps. A change sorts nothing."""

from __future__ import annotations

import enum
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from msgspec.structs import replace

from rolloutctl.domain.facts import Place, RolloutRow
from rolloutctl.domain.fleet.entry import Entry
from rolloutctl.domain.fleet.query import Query, haystack_of
from rolloutctl.domain.fleet.ranking import urgency
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import HEALTHY

_Key = tuple[Any, ...]
_NEVER = 1e13
"""Seconds: later than any moment."""


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
    """A rollout and where it stands. (No struct: a new order changes all of them.)

    `key`: what it is sorted by, then its place, then itself, to be found from its key.
    """

    __slots__ = ("entry", "haystack", "key", "place", "row", "shown")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.entry: Entry
        self.row: RolloutRow
        self.haystack = ""
        self.key: _Key = ()
        self.shown = False


class Board:
    """`len` is the number of rows the query keeps, `total` that of all."""

    def __init__(self) -> None:
        self._query = Query()
        self._sort = Sort.URGENCY
        self._reverse = False
        self._kept: dict[Place, _Kept] = {}
        self._named: list[_Kept] | None = []
        """All by namespace and name; None when some came or went since."""
        self._every: list[_Key] = []
        """The keys of all, sorted."""
        self._order: list[_Key] = []
        """The keys of the rows that are shown, sorted."""
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
        kept: _Kept = self._order[self._turned(index)][-1]
        return kept.row

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
        kept = self._kept.get(place)
        before = None
        if kept is not None:
            if kept.entry == entry:
                return False
            before = kept.row
            self._take_out(kept)
        kept = self._take(place, entry)
        insort(self._every, kept.key)
        if kept.shown:
            insort(self._order, kept.key)
        return before != kept.row

    def put_all(self, entries: Iterable[Entry], cluster: str = "") -> None:
        """Takes many in at once: the rows are sorted once."""
        for entry in entries:
            place = (cluster, entry.row.ref)
            kept = self._kept.get(place)
            if kept is not None:
                self._count(kept, -1)
            self._take(place, entry)
        self._sort_anew()

    def drop(self, ref: Ref, cluster: str = "") -> bool:
        """Forgets a rollout; whether it was there."""
        kept = self._kept.pop((cluster, ref), None)
        if kept is None:
            return False
        self._take_out(kept)
        self._named = None
        return True

    def leave(self, cluster: str) -> None:
        """Forgets all rollouts of a cluster."""
        for label, ref in [place for place in self._kept if place[0] == cluster]:
            self.drop(ref, label)

    def arrange(self, query: Query, sort: Sort, *, reverse: bool = False) -> None:
        """Shows what `query` keeps, in the order of `sort`."""
        self._reverse = reverse
        if query != self._query:
            self._query = query
            for (cluster, _), kept in self._kept.items():
                kept.shown = query.keeps(kept.entry, cluster, kept.haystack)
            self._order = [key for key in self._every if key[-1].shown]
        if sort is not self._sort:
            self._sort = sort
            first = _FIRST[sort]
            for kept in self._kept.values():
                kept.key = _key(first(kept.row), kept)
            self._sort_anew()

    def _sort_anew(self) -> None:
        """By what comes first in the keys alone, of those in the order of the rest: to compare
        places, tens of thousands of times, would take several times as long."""
        if self._named is None:
            self._named = sorted(self._kept.values(), key=_by_name)
        self._every = [kept.key for kept in self._named]
        self._every.sort(key=itemgetter(0))
        self._order = [key for key in self._every if key[-1].shown]

    def _take(self, place: Place, entry: Entry) -> _Kept:
        cluster = place[0]
        kept = self._kept.get(place)
        if kept is None:
            kept = self._kept[place] = _Kept(place)
            self._named = None
        kept.entry = entry
        kept.row = replace(entry.row, cluster=cluster) if cluster else entry.row
        kept.haystack = haystack_of(entry)
        kept.key = _key(_FIRST[self._sort](kept.row), kept)
        kept.shown = self._query.keeps(entry, cluster, kept.haystack)
        self._count(kept, 1)
        return kept

    def _take_out(self, kept: _Kept) -> None:
        """Out of the order and the counts, before it is another one."""
        self._count(kept, -1)
        del self._every[bisect_left(self._every, kept.key)]
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


def _key(first: Any, kept: _Kept) -> _Key:
    cluster, ref = kept.place
    return (first, ref, cluster, kept)


def _by_name(kept: _Kept) -> _Key:
    cluster, ref = kept.place
    return (ref, cluster)


def _nothing(_row: RolloutRow) -> int:
    return 0


def _wait(row: RolloutRow) -> float:
    since = row.since.timestamp() if row.since is not None else _NEVER
    # (One number: pairs take several times as long to sort.)
    return since + 10 * _NEVER if row.phase == HEALTHY else since


def _change(row: RolloutRow) -> float:
    return -row.since.timestamp() if row.since is not None else _NEVER


_FIRST: Mapping[Sort, Callable[[RolloutRow], Any]] = {
    Sort.URGENCY: urgency,
    Sort.NAME: _nothing,
    Sort.WAITING: _wait,
    Sort.CHANGED: _change,
}
"""What rows are sorted by before their places."""
