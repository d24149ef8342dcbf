"""A fleet that is kept up to date in the background: one watch a cluster feeds one board."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from time import monotonic

from rolloutctl.actions.fleet import Member
from rolloutctl.actions.pumping import Pump, Taken
from rolloutctl.actions.reading import Keeping, known_from, load, utc_now
from rolloutctl.domain import wire
from rolloutctl.domain.cluster import ROLLOUTS, Known, Unreadable, WatchEvent
from rolloutctl.domain.connections import Connection, Link
from rolloutctl.domain.facts import Place
from rolloutctl.domain.fleet.board import Board
from rolloutctl.domain.fleet.entry import Entry, entry
from rolloutctl.domain.fleet.tally import Tally
from rolloutctl.domain.refs import Ref

_RETRY = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between two tries of a watch that ended with an error; the last one goes on."""
_SNAPSHOT = "SNAPSHOT"
_AT_ONCE = 5_000
"""So many events are taken at most before the screen gets a turn."""
_MANY = 500
"""So many rows at once are sorted anew instead of being put in their places one by one."""


class LiveFleet:
    """All rollouts of some clusters, for a screen.

    `start` begins to read, `take` hands what has come to the board: both, and everything that
    looks at the board, in one thread. A watch that ends with an error is begun anew, for ever:
    whoever looks at a screen would rather see old rows that say so than none.
    """

    def __init__(
        self,
        members: Sequence[Member],
        board: Board,
        *,
        label_selector: str = "",
        clock: Callable[[], float] = monotonic,
        now: Callable[[], datetime] = utc_now,
        retry: Sequence[float] = _RETRY,
    ) -> None:
        self.board = board
        self.members = {member.label: member for member in members}
        self.connections = {label: Connection(Link.READING, now()) for label in self.members}
        self.unreadable: dict[Place, str] = {}
        """Rollouts that do not have the form of one, and what is wrong with them."""
        self.changed: dict[Place, float] = {}
        """When a row changed last, by `clock`; those of the first reading are not in it."""
        self._label_selector = label_selector
        self._clock = clock
        self._now = now
        self._retry = retry
        self._pump = Pump()
        self._closed = threading.Event()
        self._again: dict[str, set[Ref]] = {}
        """Of a cluster that is read anew: the rollouts of before that did not come up yet."""
        self._tally: Tally | None = None

    def start(self) -> None:
        """Begins one watch for each cluster, in threads."""
        for label, member in self.members.items():
            self._pump.add(label, lambda member=member: self._watch(member))  # type: ignore[misc]

    def close(self) -> None:
        """Lets the threads end at their next event; nobody waits for them."""
        self._closed.set()
        self._pump.close()

    @property
    def complete(self) -> bool:
        """Whether all there is has been read, or cannot be read now."""
        return all(found.link in (Link.LIVE, Link.STALE) for found in self.connections.values())

    @property
    def tally(self) -> Tally:
        """The counts behind a summary: made when first asked for, and then kept up to date."""
        if self._tally is None:
            several = len(self.members) > 1
            self._tally = Tally(clusters=self.members if several else ())
            for cluster, found in self.board.entries():
                self._tally.put(found, cluster)
        return self._tally

    # --- in the threads ------------------------------------------------------------------------

    def _watch(self, member: Member) -> Iterator[WatchEvent]:
        known = None
        if member.snapshots is not None and not self._label_selector:
            snapshot = load(member.snapshots, member.cluster, member.namespace, self._now())
            if snapshot is not None:
                known = known_from(snapshot)
                yield WatchEvent(_SNAPSHOT, (snapshot.entries, snapshot.read_at))
        keeping = None
        if known is None and member.snapshots is not None and not self._label_selector:
            keeping = Keeping(member.snapshots, member.cluster, member.namespace, self._now)
        tries = 0
        while not self._closed.is_set():
            try:
                for event in self._events(member, known):
                    if event.type == "SYNCED":
                        tries = 0
                    if keeping is not None:
                        keeping.take(event)
                        if event.type == "SYNCED":
                            keeping.save()
                            keeping = None
                    yield event
            except Exception as error:  # whatever it is, it is said, and tried again
                known, keeping = None, None
                problem = str(getattr(error, "message", "")) or type(error).__name__
                yield WatchEvent("STALE", problem=problem)
            yield WatchEvent("ANEW")
            self._closed.wait(self._retry[min(tries, len(self._retry) - 1)])
            tries += 1

    def _events(self, member: Member, known: Known | None) -> Iterator[WatchEvent]:
        return member.cluster.watch(
            ROLLOUTS,
            member.namespace,
            wire.Rollout,
            label_selector=self._label_selector,
            compact=entry,
            known=known,
        )

    # --- in the thread of the screen -----------------------------------------------------------

    def take(self, seconds: float = 0.03) -> bool:
        """Hands the board what has come, for at most so long; whether anything shown changed."""
        end = time.perf_counter() + seconds
        changed = False
        puts: list[tuple[str, Entry]] = []
        for _ in range(_AT_ONCE):
            taken = self._pump.take(0)
            if taken is None:
                break
            event = taken.event
            if event is not None and event.type in ("ADDED", "MODIFIED"):
                puts.append((taken.source, event.object))
                continue
            changed = self._put(puts) or changed
            changed = self._take(taken) or changed
            if time.perf_counter() > end:
                break
        return self._put(puts) or changed

    def _put(self, puts: list[tuple[str, Entry]]) -> bool:
        if not puts:
            return False
        changed = False
        here = self._clock()
        for cluster in dict.fromkeys(cluster for cluster, _ in puts):
            entries = [found for label, found in puts if label == cluster]
            left = self._again.get(cluster)
            for found in entries:
                self.unreadable.pop((cluster, found.row.ref), None)
                if left is not None:
                    left.discard(found.row.ref)
                if self._tally is not None:
                    self._tally.put(found, cluster)
            if len(entries) > _MANY:
                self.board.put_all(entries, cluster)
                changed = True
                continue
            live = self.connections[cluster].link is Link.LIVE
            for found in entries:
                if self.board.put(found, cluster):
                    changed = True
                    if live:
                        self.changed[cluster, found.row.ref] = here
        puts.clear()
        return changed

    def _take(self, taken: Taken) -> bool:
        label, event = taken.source, taken.event
        if event is None:
            return False
        match event.type:
            case "SNAPSHOT":
                entries, read_at = event.object
                self.board.put_all(entries, label)
                self._say(label, Link.KEPT, since=read_at)
            case "SYNCED":
                for ref in self._again.pop(label, ()):
                    self._drop(label, ref)
                self._say(label, Link.LIVE)
            case "STALE":
                if self.connections[label].link is Link.STALE:
                    return False
                self._say(label, Link.STALE, event.problem or "the connection dropped")
            case "ANEW":
                self._again[label] = {
                    ref for cluster, ref in self.board.places() if cluster == label
                }
                return False
            case "DELETED":
                self._drop(label, event.object.row.ref)
            case "UNREADABLE":
                found: Unreadable | None = event.object
                if found is not None:
                    ref = Ref(found.namespace, found.name)
                    # What it was before is not what it is.
                    self._drop(label, ref)
                    self.unreadable[label, ref] = event.problem
            case _:
                return False
        return True

    def _say(
        self, label: str, link: Link, problem: str = "", since: datetime | None = None
    ) -> None:
        self.connections[label] = Connection(link, since or self._now(), problem)

    def _drop(self, label: str, ref: Ref) -> None:
        self.board.drop(ref, label)
        self.unreadable.pop((label, ref), None)
        self.changed.pop((label, ref), None)
        if self._tally is not None:
            self._tally.drop(ref, label)

    def fresh(self, seconds: float) -> frozenset[Place]:
        """The rows that changed within the last `seconds`."""
        start = self._clock() - seconds
        for place in [place for place, at in self.changed.items() if at < start]:
            del self.changed[place]
        return frozenset(self.changed)
