"""Following many rollouts as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

import msgspec

from rolloutctl.actions.following import SETTLE, News, least
from rolloutctl.actions.pumping import Pump
from rolloutctl.domain import wire
from rolloutctl.domain.cluster import ROLLOUTS, Cluster, WatchEvent
from rolloutctl.domain.fleet.entry import Entry, Keep, entry
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.tree import RolloutRow

_AT_MOST = 0.25
"""Seconds for which a steady flow of row changes is held together."""


class RowUpdate(msgspec.Struct, frozen=True):
    """One row of a list that is followed.

    `news` is CHANGE (`row` is as it is now), DELETED (`row` as it was last), STALE, BACK or
    UNREADABLE (no row), TICK (no row: all that came in the meantime is out).
    """

    news: News
    row: RolloutRow | None = None
    before: RolloutRow | None = None
    first: bool = False
    """Whether it was there when following began."""
    problem: str = ""


def follow_rows(
    cluster: Cluster,
    namespace: str | None,
    *,
    label_selector: str = "",
    keep: Keep | None = None,
    tick: float | None = None,
    timeout: float | None = None,
    clock: Callable[[], float] = monotonic,
) -> Iterator[RowUpdate]:
    """The rows there are, a TICK, then each row that changes; a TICK follows every burst.

    A rollout that no longer meets `keep` comes out as DELETED. Versions that change nothing that
    a row shows do not come out.
    """
    started = clock()
    rows: dict[Ref, RolloutRow] = {}
    synced = stale = False
    pump = Pump()
    pump.add(
        "rollouts",
        lambda: cluster.watch(
            ROLLOUTS, namespace, wire.Rollout, label_selector=label_selector, compact=entry
        ),
    )
    pending = False
    ticked = clock()
    try:
        while pump.open or pending:
            left = None if timeout is None else timeout - (clock() - started)
            if left is not None and left <= 0:
                return
            taken = pump.take(SETTLE if pending else least(left, tick))
            # In a steady flow of changes there is no pause to wait for.
            if synced and pending and (taken is None or clock() - ticked > _AT_MOST):
                pending = False
                ticked = clock()
                yield RowUpdate(News.TICK)
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
            if event.type == "SYNCED":
                synced = pending = True
            elif event.type == "UNREADABLE":
                yield RowUpdate(News.UNREADABLE, problem=event.problem)
            else:
                changed = _row_update(event, rows, keep, first=not synced)
                if changed is not None:
                    pending = True
                    yield changed
    finally:
        pump.close()


def _row_update(
    event: WatchEvent, rows: dict[Ref, RolloutRow], keep: Keep | None, *, first: bool
) -> RowUpdate | None:
    found: Entry = event.object
    facts = found.row
    before = rows.get(facts.ref)
    gone = event.type == "DELETED" or (keep is not None and not keep(found))
    if gone:
        if before is None:
            return None
        del rows[facts.ref]
        return RowUpdate(News.DELETED, before, before)
    if before == facts:
        return None
    rows[facts.ref] = facts
    return RowUpdate(News.CHANGE, facts, before, first)
