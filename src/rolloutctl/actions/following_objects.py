"""Following the objects of a few lists, whatever their kind."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

from msgspec import Struct

from rolloutctl.actions.following import least
from rolloutctl.actions.pumping import Pump
from rolloutctl.domain.cluster import Cluster, Kind


class Tidings(enum.StrEnum):
    """What following can have to say."""

    CHANGE = "change"
    DELETED = "deleted"
    READ = "read"
    """All there was at the beginning is out."""
    TICK = "tick"
    """Nothing came for as long as was asked: what depends on the time may look different."""
    STALE = "stale"
    BACK = "back"
    UNREADABLE = "unreadable"


class Told(Struct, frozen=True):
    """One thing told: `item` (decoded) of a CHANGE or DELETED, `problem` of the others."""

    what: Tidings
    item: Any = None
    problem: str = ""
    list: int = 0
    """Which of the lists it is of, from 0."""


class Listed(Struct, frozen=True):
    """A list to follow; `as_type` is the struct its objects are decoded to."""

    kind: Kind
    namespace: str | None
    as_type: type[Any]
    labels: str = ""
    fields: str = ""


def follow(
    cluster: Cluster,
    lists: Sequence[Listed],
    *,
    timeout: float | None = None,
    tick: float | None = None,
    clock: Callable[[], float] = monotonic,
) -> Iterator[Told]:
    """What is in the lists, READ once all of it is out, and then what changes.

    Ends quietly after `timeout` seconds; with `tick`, says TICK when nothing came for so many.
    Raises what the cluster raises.
    """
    started = clock()
    pump = Pump()
    for number, each in enumerate(lists):
        pump.add(str(number), _watch(cluster, each))
    waiting = set(range(len(lists)))
    stale: set[int] = set()
    try:
        while pump.open:
            left = None if timeout is None else timeout - (clock() - started)
            if left is not None and left <= 0:
                return
            taken = pump.take(least(left, tick))
            if taken is None:
                if tick is not None:
                    yield Told(Tidings.TICK)
                continue
            if taken.error is not None:
                raise taken.error
            event, number = taken.event, int(taken.source)
            if event is None:
                continue
            if event.type == "STALE":
                if number not in stale:
                    yield Told(Tidings.STALE, problem=event.problem, list=number)
                stale.add(number)
                continue
            if number in stale:
                stale.discard(number)
                yield Told(Tidings.BACK, list=number)
            if event.type == "SYNCED":
                if number in waiting:
                    waiting.discard(number)
                    if not waiting:
                        yield Told(Tidings.READ)
            elif event.type == "UNREADABLE":
                yield Told(Tidings.UNREADABLE, problem=event.problem, list=number)
            else:
                gone = event.type == "DELETED"
                yield Told(Tidings.DELETED if gone else Tidings.CHANGE, event.object, list=number)
    finally:
        pump.close()


def _watch(cluster: Cluster, asked: Listed) -> Callable[[], Iterator[Any]]:
    return lambda: cluster.watch(
        asked.kind,
        asked.namespace,
        asked.as_type,
        label_selector=asked.labels,
        field_selector=asked.fields,
    )
