"""Following rollouts as they change: one in full, or many as rows."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import Any

import msgspec

from rolloutctl.actions import inspect
from rolloutctl.actions.inspect import Keep, Missing
from rolloutctl.actions.pumping import Pump, Taken
from rolloutctl.domain import wire
from rolloutctl.domain.cluster import (
    ANALYSIS_RUNS,
    EXPERIMENTS,
    PODS,
    REPLICA_SETS,
    ROLLOUTS,
    Cluster,
    WatchEvent,
)
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.tree import RolloutPicture, RolloutRow, picture, row
from rolloutctl.errors import ClusterError, Forbidden, RolloutctlError

_SETTLE = 0.05
"""Seconds in which a burst of pod and ReplicaSet events becomes one picture."""
_AT_MOST = 0.25
"""Seconds for which a steady flow of row changes is held together."""
_HEALED = 60.0
"""A dropped connection says so at each attempt; silence for longer means that it is back."""
_RUNS_EVERY = 5.0
"""Seconds between two looks at the analysis runs of a rollout that has some."""


class News(enum.StrEnum):
    """Why a picture comes out."""

    CHANGE = "change"
    TICK = "tick"
    """Nothing changed but the time."""
    STALE = "stale"
    """The connection dropped; the picture may be old until the next change."""
    UNREADABLE = "unreadable"
    """A new version of an object does not have the form it should have; it is left out."""
    DELETED = "deleted"
    TIMEOUT = "timeout"


class Update(msgspec.Struct, frozen=True):
    """The picture as it is now, and why it comes."""

    news: News
    picture: RolloutPicture
    missing: tuple[Missing, ...] = ()
    problem: str = ""
    """Of STALE: what happened to the connection. Of UNREADABLE: what is wrong with the object."""


class _Parts:
    """The objects of one picture, kept up to date from several watches."""

    def __init__(self) -> None:
        self.rollout: wire.Rollout | None = None
        self.replica_sets: dict[str, wire.ReplicaSet] = {}
        self.pods: dict[str, wire.Pod] = {}
        self.runs: list[wire.AnalysisRun] = []
        self.experiments: list[wire.Experiment] = []
        self.config: Any = None
        self.missing: dict[str, Missing] = {}
        self.synced: set[str] = set()

    def apply(self, source: str, event: WatchEvent) -> None:
        if event.type == "SYNCED":
            self.synced.add(source)
            return
        if source == "rollouts":
            self.rollout = event.object
            return
        kept: dict[str, Any] = self.replica_sets if source == "replicasets" else self.pods
        name = event.object.metadata.name
        if event.type == "DELETED":
            kept.pop(name, None)
        else:
            kept[name] = event.object

    def picture(self) -> RolloutPicture:
        assert self.rollout is not None
        return picture(
            self.rollout,
            list(self.replica_sets.values()),
            list(self.pods.values()),
            self.runs,
            self.experiments,
            self.config,
        )


def follow(
    cluster: Cluster,
    ref: Ref,
    *,
    timeout: float | None = None,
    tick: float | None = None,
    clock: Callable[[], float] = monotonic,
) -> Iterator[Update]:
    """The rollout now and after every change, until it is deleted or `timeout` seconds are over.

    `tick`: seconds after which a picture comes even if nothing changed. Every version of the
    rollout that the watch delivers comes out; changes of pods and ReplicaSets are taken together.
    Raises NotFound (with near names) if it is not there at the start, and ClusterError when the
    rollout may not be read. What else may not be read is named in `missing`.
    """
    started = clock()
    parts = _Parts()
    pump = Pump()
    pump.add(
        "rollouts",
        lambda: cluster.watch(
            ROLLOUTS, ref.namespace, wire.Rollout, field_selector=f"metadata.name={ref.name}"
        ),
    )
    try:
        yield from _follow(cluster, ref, parts, pump, clock, started, timeout, tick)
    finally:
        pump.close()


def _follow(
    cluster: Cluster,
    ref: Ref,
    parts: _Parts,
    pump: Pump,
    clock: Callable[[], float],
    started: float,
    timeout: float | None,
    tick: float | None,
) -> Iterator[Update]:
    children = False
    shown = False
    runs_at = 0.0
    waiting: deque[Taken] = deque()
    early: deque[Taken] = deque()
    """What the rollout's watch said before its pods and ReplicaSets were known."""
    stale = ""
    stale_at = 0.0

    def update(news: News) -> Update:
        return Update(news, parts.picture(), tuple(parts.missing.values()), stale)

    while waiting or pump.open:
        left = None if timeout is None else timeout - (clock() - started)
        if left is not None and left <= 0:
            if parts.rollout is not None:
                yield update(News.TIMEOUT)
            return
        taken = waiting.popleft() if waiting else pump.take(_least(left, tick))
        if taken is None:
            if shown and _runs_due(parts, clock() - runs_at):
                _read_runs(cluster, parts)
                runs_at = clock()
            if stale and clock() - stale_at > _HEALED:
                stale = ""
            if shown and tick is not None:
                yield update(News.TICK)
            continue
        if children and not shown and taken.source == "rollouts":
            early.append(taken)
            continue

        if taken.error is not None:
            if taken.source == "rollouts":
                raise taken.error
            parts.synced.add(taken.source)
            parts.missing[taken.source] = Missing(taken.source, taken.error.message)
            if not isinstance(taken.error, Forbidden):
                stale = taken.error.message
        elif taken.event is None:
            parts.synced.add(taken.source)
            if shown:
                continue
        elif taken.event.type == "STALE":
            stale = taken.event.problem or "the connection dropped"
            stale_at = clock()
            if shown:
                yield update(News.STALE)
            continue
        elif taken.event.type == "UNREADABLE":
            problem = taken.event.problem
            if taken.source != "rollouts":
                name = f"{taken.source} {taken.event.object.name}"
                parts.missing[name] = Missing(name, problem)
            elif shown:
                unreadable = update(News.UNREADABLE)
                yield Update(News.UNREADABLE, unreadable.picture, unreadable.missing, problem)
            else:
                raise ClusterError(f"{ref} is not readable: {problem}", subject=str(ref))
            continue
        else:
            if taken.source == "rollouts" and taken.event.type == "DELETED":
                parts.rollout = parts.rollout or taken.event.object
                yield update(News.DELETED)
                return
            parts.apply(taken.source, taken.event)
            healed = bool(stale)
            stale = ""
            if shown and not healed and taken.event.type == "SYNCED":
                continue

        if parts.rollout is None:
            if "rollouts" in parts.synced:
                raise inspect.not_found(cluster, ref)
            continue
        if not children:
            children = True
            _add_children(cluster, parts, pump)
            _read_configuration(cluster, parts)
        if not shown and not {"replicasets", "pods"} <= parts.synced:
            continue
        if taken.source == "rollouts" or not shown:
            _read_runs(cluster, parts)
            runs_at = clock()
        else:
            following = _settle(parts, pump, clock)
            if following is not None:
                waiting.append(following)
        if not shown:
            waiting.extend(early)
            early.clear()
        shown = True
        yield update(News.CHANGE)


def _least(*seconds: float | None) -> float | None:
    known = [value for value in seconds if value is not None]
    return min(known) if known else None


def _settle(parts: _Parts, pump: Pump, clock: Callable[[], float]) -> Taken | None:
    """Takes what else the children's watches say just now; gives back what is not theirs."""
    until = clock() + _SETTLE
    while True:
        taken = pump.take(until - clock())
        if taken is None:
            return None
        if taken.source == "rollouts" or taken.event is None or taken.event.type == "STALE":
            return taken
        parts.apply(taken.source, taken.event)


def _add_children(cluster: Cluster, parts: _Parts, pump: Pump) -> None:
    assert parts.rollout is not None
    selector = inspect.children_selector(parts.rollout)
    namespace = parts.rollout.metadata.namespace
    for kind, as_type in ((REPLICA_SETS, wire.ReplicaSet), (PODS, wire.Pod)):
        if selector:
            pump.add(
                kind.plural,
                partial(cluster.watch, kind, namespace, as_type, label_selector=selector),
            )
        else:
            parts.synced.add(kind.plural)


def _read_configuration(cluster: Cluster, parts: _Parts) -> None:
    assert parts.rollout is not None
    if inspect.uses_plugins(parts.rollout):
        parts.config, problem = inspect.plugin_configuration(cluster)
        if problem is not None:
            parts.missing[problem.what] = problem


def _runs_due(parts: _Parts, since: float) -> bool:
    assert parts.rollout is not None
    return since >= _RUNS_EVERY and (
        inspect.uses_analysis(parts.rollout) or inspect.uses_experiments(parts.rollout)
    )


def _read_runs(cluster: Cluster, parts: _Parts) -> None:
    rollout = parts.rollout
    assert rollout is not None
    of_hash = inspect.revision_selector(rollout)
    if not of_hash:
        return
    namespace = rollout.metadata.namespace
    try:
        if inspect.uses_analysis(rollout):
            parts.runs = inspect.listed(
                cluster, ANALYSIS_RUNS, namespace, wire.AnalysisRun, of_hash
            )
        if inspect.uses_experiments(rollout):
            parts.experiments = inspect.listed(
                cluster, EXPERIMENTS, namespace, wire.Experiment, of_hash
            )
        parts.missing.pop("analysis", None)
    except RolloutctlError as error:
        parts.missing["analysis"] = Missing("analysis", error.message)


class RowUpdate(msgspec.Struct, frozen=True):
    """One row of a list that is followed.

    `news` is CHANGE (`row` is as it is now), DELETED (`row` as it was last), STALE or UNREADABLE
    (no row), TICK (no row: all that came in the meantime is out).
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
    synced = False
    pump = Pump()
    pump.add(
        "rollouts",
        lambda: cluster.watch(ROLLOUTS, namespace, wire.Rollout, label_selector=label_selector),
    )
    pending = False
    ticked = clock()
    try:
        while pump.open or pending:
            left = None if timeout is None else timeout - (clock() - started)
            if left is not None and left <= 0:
                return
            taken = pump.take(_SETTLE if pending else _least(left, tick))
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
            if event.type == "SYNCED":
                synced = pending = True
            elif event.type == "STALE":
                yield RowUpdate(News.STALE, problem=event.problem or "the connection dropped")
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
    facts = row(event.object)
    before = rows.get(facts.ref)
    gone = event.type == "DELETED" or (keep is not None and not keep(event.object, facts))
    if gone:
        if before is None:
            return None
        del rows[facts.ref]
        return RowUpdate(News.DELETED, before, before)
    if before == facts:
        return None
    rows[facts.ref] = facts
    return RowUpdate(News.CHANGE, facts, before, first)
