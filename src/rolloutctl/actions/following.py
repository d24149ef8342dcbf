"""Following one rollout, in full, as it changes."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import Any

import msgspec

from rolloutctl.actions import inspect
from rolloutctl.actions.inspect import Missing
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
from rolloutctl.domain.tree import RolloutPicture, picture
from rolloutctl.errors import ClusterError, RolloutctlError

SETTLE = 0.05
"""Seconds in which a burst of pod and ReplicaSet events becomes one picture."""
_OBJECTS = frozenset({"ADDED", "MODIFIED", "DELETED"})
_RUNS_EVERY = 5.0
"""Seconds between two looks at the analysis runs of a rollout that has some."""
_CONFIGURATION_EVERY = 15.0
"""Seconds between two looks at argo-rollouts-config: plugins are switched off while one watches."""


class News(enum.StrEnum):
    """Why a picture comes out."""

    CHANGE = "change"
    TICK = "tick"
    """Nothing changed but the time."""
    STALE = "stale"
    """The connection dropped; the picture may be old until BACK or a change."""
    BACK = "back"
    """The connection is there again, and nothing was missed."""
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
    """What happened to the connection while it is away. Of UNREADABLE: what is wrong."""


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
        kept = self.kept(source)
        name = event.object.metadata.name
        self.missing.pop(f"{source} {name}", None)
        if event.type == "DELETED":
            kept.pop(name, None)
        else:
            kept[name] = event.object

    def kept(self, source: str) -> dict[str, Any]:
        return self.replica_sets if source == "replicasets" else self.pods

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
    runs_at = configuration_at = 0.0
    waiting: deque[Taken] = deque()
    early: deque[Taken] = deque()
    """What the rollout's watch said before its pods and ReplicaSets were known."""
    stale: dict[str, str] = {}
    """What happened to the connection of each source that is away."""

    def update(news: News, problem: str = "") -> Update:
        problem = problem or next(iter(stale.values()), "")
        return Update(news, parts.picture(), tuple(parts.missing.values()), problem)

    while waiting or pump.open:
        left = None if timeout is None else timeout - (clock() - started)
        if left is not None and left <= 0:
            if parts.rollout is not None:
                yield update(News.TIMEOUT)
            return
        taken = waiting.popleft() if waiting else pump.take(least(left, tick))
        if taken is None:
            if shown and _runs_due(parts, clock() - runs_at):
                _read_runs(cluster, parts)
                runs_at = clock()
            if shown and clock() - configuration_at >= _CONFIGURATION_EVERY:
                _read_configuration(cluster, parts)
                configuration_at = clock()
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
            parts.kept(taken.source).clear()
            stale.pop(taken.source, None)
        elif taken.event is None:
            parts.synced.add(taken.source)
            if shown:
                continue
        elif taken.event.type == "STALE":
            said = bool(stale)
            stale[taken.source] = taken.event.problem or "the connection dropped"
            if shown and not said:
                yield update(News.STALE)
            continue
        elif taken.event.type == "UNREADABLE":
            problem = taken.event.problem
            if taken.source != "rollouts":
                name = f"{taken.source} {taken.event.object.name}"
                parts.missing[name] = Missing(name, problem)
            elif shown:
                yield update(News.UNREADABLE, problem)
            else:
                raise ClusterError(f"{ref} is not readable: {problem}", subject=str(ref))
            continue
        else:
            if taken.source == "rollouts" and taken.event.type == "DELETED":
                parts.rollout = parts.rollout or taken.event.object
                yield update(News.DELETED)
                return
            parts.apply(taken.source, taken.event)
            was_away = stale.pop(taken.source, None) is not None
            if shown and taken.event.type == "SYNCED":
                if was_away and not stale:
                    yield update(News.BACK)
                continue

        if parts.rollout is None:
            if "rollouts" in parts.synced:
                raise inspect.not_found(cluster, ref)
            continue
        if not children:
            children = True
            _add_children(cluster, parts, pump)
            _read_configuration(cluster, parts)
            configuration_at = clock()
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


def least(*seconds: float | None) -> float | None:
    """The shortest of some limits of time, None when there is none."""
    known = [value for value in seconds if value is not None]
    return min(known) if known else None


def _settle(parts: _Parts, pump: Pump, clock: Callable[[], float]) -> Taken | None:
    """Takes what else the children's watches say just now; gives back what is not theirs."""
    until = clock() + SETTLE
    while True:
        taken = pump.take(until - clock())
        if taken is None:
            return None
        event = taken.event
        if taken.source == "rollouts" or event is None or event.type not in _OBJECTS:
            return taken
        parts.apply(taken.source, event)


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
    if not inspect.uses_plugins(parts.rollout):
        return
    config, problem = inspect.plugin_configuration(cluster)
    if problem is None:
        parts.config = config
        parts.missing.pop("configuration", None)
    elif parts.config is None:
        parts.missing["configuration"] = problem


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
    # Most rollouts have neither, and start without what describes them.
    from rolloutctl.domain.wire_details import AnalysisRunDetails, ExperimentDetails

    namespace = rollout.metadata.namespace
    try:
        if inspect.uses_analysis(rollout):
            parts.runs = [
                *inspect.listed(cluster, ANALYSIS_RUNS, namespace, AnalysisRunDetails, of_hash)
            ]
        if inspect.uses_experiments(rollout):
            parts.experiments = [
                *inspect.listed(cluster, EXPERIMENTS, namespace, ExperimentDetails, of_hash)
            ]
        parts.missing.pop("analysis", None)
    except RolloutctlError as error:
        parts.missing["analysis"] = Missing("analysis", error.message)
