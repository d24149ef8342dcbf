"""Following the rows of several clusters as one list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any, cast

from msgspec.structs import replace

from rolloutctl.actions.following import News, least
from rolloutctl.actions.following_rows import RowUpdate
from rolloutctl.actions.pumping import Pump
from rolloutctl.errors import RolloutctlError

_AT_LEAST = 0.1
"""Seconds between two ticks, however many clusters tick."""


def follow_clusters(
    members: Mapping[str, Callable[[], Iterator[RowUpdate]]],
    failed: Callable[[str, RolloutctlError], None],
    *,
    tick: float | None = None,
    timeout: float | None = None,
    clock: Callable[[], float] = monotonic,
) -> Iterator[RowUpdate]:
    """What each member's following says, with its cluster's name in it, as it comes.

    `members` are followings by the name of their cluster, without ticks of their own accord; each
    runs in a thread. One that ends with an error is handed to `failed` and the others go on;
    raises the last error when none is left.
    """
    started = ticked = clock()
    pump = Pump()
    for name, follow in members.items():
        # The pump does not look at what it carries.
        pump.add(name, cast(Any, follow))
    pending = begun = False
    reading = set(members)
    errors: list[RolloutctlError] = []
    try:
        while pump.open:
            left = None if timeout is None else timeout - (clock() - started)
            if left is not None and left <= 0:
                return
            pause = max(0.0, _AT_LEAST - (clock() - ticked)) if pending else tick
            taken = pump.take(least(left, pause))
            if (pending and clock() - ticked >= _AT_LEAST) or (taken is None and begun and tick):
                pending = False
                ticked = clock()
                yield RowUpdate(News.TICK, first=bool(reading))
            if taken is None:
                continue
            update = cast("RowUpdate | None", taken.event)
            if taken.error is not None:
                errors.append(taken.error)
                reading.discard(taken.source)
                failed(taken.source, taken.error)
                pending = begun = True
            elif update is not None and update.news is News.TICK:
                pending = begun = True
                if not update.first:
                    reading.discard(taken.source)
            elif update is not None:
                yield _of(update, taken.source)
        if pending:
            yield RowUpdate(News.TICK)
        if errors and len(errors) == len(members):
            raise errors[-1]
    finally:
        pump.close()


def _of(update: RowUpdate, cluster: str) -> RowUpdate:
    row, before = update.row, update.before
    if row is not None:
        row = replace(row, cluster=cluster)
    if before is not None:
        before = replace(before, cluster=cluster)
    return replace(update, cluster=cluster, row=row, before=before)
