"""Following many rollouts as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from time import monotonic

import msgspec

from rolloutctl.actions.following import SETTLE, News, least
from rolloutctl.actions.pumping import Pump
from rolloutctl.actions.reading import Keeping, known_from, load, utc_now
from rolloutctl.domain import wire
from rolloutctl.domain.cluster import ROLLOUTS, Cluster, Known, WatchEvent
from rolloutctl.domain.fleet.entry import Entry, Keep, entry
from rolloutctl.domain.fleet.snapshot import Snapshots
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.tree import RolloutRow

_AT_MOST = 0.25
"""Seconds for which a steady flow of row changes is held together."""
_AT_LEAST = 0.1
"""Seconds between two ticks, however short the pauses in the flow are."""


class RowUpdate(msgspec.Struct, frozen=True):
    """One row of a list that is followed.

    `news` is CHANGE (`row` is as it is now), DELETED (`row` as it was last), STALE, BACK or
    UNREADABLE (no row, and of UNREADABLE `ref`), TICK (no row: all that came in the meantime is
    out; `first` as long as not all there is has been read).
    """

    news: News
    row: RolloutRow | None = None
    before: RolloutRow | None = None
    first: bool = False
    """Whether it was there when following began."""
    problem: str = ""
    ref: Ref | None = None
    cluster: str = ""
    """What its cluster is called, where several are followed."""


def follow_rows(
    cluster: Cluster,
    namespace: str | None,
    *,
    label_selector: str = "",
    keep: Keep | None = None,
    snapshots: Snapshots | None = None,
    tick: float | None = None,
    timeout: float | None = None,
    clock: Callable[[], float] = monotonic,
    now: Callable[[], datetime] = utc_now,
) -> Iterator[RowUpdate]:
    """The rows there are, then each row that changes; a TICK follows every burst.

    A rollout that no longer meets `keep` comes out as DELETED. Versions that change nothing that
    a row shows do not come out. With `snapshots` (and no selector: the server applies that) it
    goes on from the list kept there, and keeps the one it has read.
    """
    started = clock()
    kept = None if label_selector else snapshots
    rows = _Rows(keep)
    known = _resumed(kept, cluster, namespace, rows, now())
    reading = Keeping(kept, cluster, namespace, now) if kept is not None and known is None else None
    synced = stale = False
    pump = Pump()
    pump.add(
        "rollouts",
        lambda: cluster.watch(
            ROLLOUTS,
            namespace,
            wire.Rollout,
            label_selector=label_selector,
            compact=entry,
            known=known,
        ),
    )
    pending = False
    ticked = clock()
    try:
        while pump.open or pending:
            left = None if timeout is None else timeout - (clock() - started)
            if left is not None and left <= 0:
                return
            pause = max(SETTLE, _AT_LEAST - (clock() - ticked)) if pending else tick
            taken = pump.take(least(left, pause))
            # In a steady flow of changes there is no pause to wait for.
            if pending and ((taken is None and synced) or clock() - ticked > _AT_MOST):
                pending = False
                ticked = clock()
                yield RowUpdate(News.TICK, first=not synced)
                if reading is not None and synced:
                    reading.save()
                    reading = None
            elif taken is None and synced and tick is not None:
                yield RowUpdate(News.TICK)
            if taken is None:
                pending = pending and not synced and bool(pump.open)
                continue
            if taken.error is not None:
                raise taken.error
            event = taken.event
            if event is None:
                continue
            if event.type == "STALE":
                if not stale:
                    yield RowUpdate(News.STALE, problem=event.problem or "the connection dropped")
                stale = True
                continue
            if stale:
                stale = False
                yield RowUpdate(News.BACK)
            if reading is not None and not synced:
                reading.take(event)
            if event.type == "SYNCED":
                if known is not None and not synced:
                    yield from rows.all()
                synced = pending = True
            else:
                update = rows.take(event, first=not synced)
                # What is known from before comes out when it is known to be true.
                if update is not None and (synced or known is None or update.row is None):
                    pending = pending or update.row is not None
                    yield update
    finally:
        pump.close()


def _resumed(
    snapshots: Snapshots | None,
    cluster: Cluster,
    namespace: str | None,
    rows: _Rows,
    now: datetime,
) -> Known | None:
    """Takes the rows of a snapshot; what a watch needs to go on from there, None without one."""
    snapshot = None if snapshots is None else load(snapshots, cluster, namespace, now)
    if snapshot is None:
        return None
    rows.start(snapshot.entries)
    return known_from(snapshot)


class _Rows:
    """The rows that are kept, as they are now; each is the one that the watch holds on to."""

    def __init__(self, keep: Keep | None) -> None:
        self._keep = keep
        self._rows: dict[Ref, RolloutRow] = {}
        self._unreadable: set[Ref] = set()
        self._added = False

    def start(self, entries: tuple[Entry, ...]) -> None:
        keep = self._keep
        self._rows = {one.row.ref: one.row for one in entries if keep is None or keep(one)}

    def all(self) -> Iterator[RowUpdate]:
        rows = sorted(self._rows.values(), key=_ref) if self._added else self._rows.values()
        for row in rows:
            yield RowUpdate(News.CHANGE, row, first=True)

    def take(self, event: WatchEvent, *, first: bool) -> RowUpdate | None:
        """What an event means for the rows, None for nothing."""
        if event.type == "UNREADABLE":
            ref = Ref(event.object.namespace, event.object.name) if event.object else None
            if ref is not None:
                self._unreadable.add(ref)
            return RowUpdate(News.UNREADABLE, problem=event.problem, ref=ref)
        found: Entry = event.object
        row = found.row
        before = self._rows.get(row.ref)
        readable_again = row.ref in self._unreadable
        self._unreadable.discard(row.ref)
        if event.type == "DELETED" or (self._keep is not None and not self._keep(found)):
            if before is None:
                return RowUpdate(News.DELETED, row) if readable_again else None
            del self._rows[row.ref]
            return RowUpdate(News.DELETED, before, before)
        self._added = self._added or before is None
        self._rows[row.ref] = row
        if before == row and not readable_again:
            return None
        return RowUpdate(News.CHANGE, row, before, first)


def _ref(row: RolloutRow) -> Ref:
    return row.ref
