"""What is said of a whole fleet: the facts of `rolloutctl fleet`."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from rolloutctl.domain.facts import RolloutRow
from rolloutctl.domain.fleet.causes import Why
from rolloutctl.domain.refs import Ref

NAMESPACE = "namespace"
"""Grouping by namespace, where a label's name could stand."""
SINCE = timedelta(hours=6)
STUCK = timedelta(minutes=30)


class Counts(Struct):
    """How many rollouts there are by phase. `aborted` are among the degraded, `awaiting` (a person
    has to go on) among the paused; `other` have a phase that is none of the four.
    """

    total: int = 0
    healthy: int = 0
    progressing: int = 0
    paused: int = 0
    awaiting: int = 0
    degraded: int = 0
    aborted: int = 0
    other: int = 0


class Group(Struct, frozen=True):
    """Rollouts that have something in common; `name` "" are those that lack it."""

    name: str
    counts: Counts


class Place(Struct, frozen=True):
    """Where something happened, and when (None: not known). `cluster` is "" for the only one."""

    cluster: str
    ref: Ref
    at: datetime | None = None


class CauseGroup(Struct, frozen=True):
    """Rollouts that are degraded alike, the newest first; `said` is what the newest one says."""

    why: Why
    places: tuple[Place, ...]
    said: str = ""


class PluginUse(Struct, frozen=True):
    """A step plugin over all rollouts.

    `running`: its runs in flight, the longest first (`at` is when the run began). `failing`: in
    Error and tried again. `failed`: within the time looked back on, the newest first. `disabled`,
    `unconfigured`: the clusters whose argo-rollouts-config says so, `unread`: those of which that
    is not known; of the only cluster its "" is in there.
    """

    name: str
    rollouts: int
    steps: int
    running: tuple[Place, ...] = ()
    failing: tuple[Place, ...] = ()
    failed: tuple[Place, ...] = ()
    disabled: tuple[str, ...] = ()
    unconfigured: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class Stuck(Struct, frozen=True):
    """A rollout on its way for too long. `plugin` has been running since `since`; "": it is the
    rollout that has been Progressing."""

    row: RolloutRow
    since: datetime
    plugin: str = ""


class Summary(Struct, frozen=True):
    """A fleet at one moment.

    `strategies`, `clusters` and `groups` (by `by`: "namespace" or a label) have the worst first;
    `clusters` is empty for a single one. `awaiting`: the longest wait first. `aborted`: those
    within the time looked back on, by cause, the most frequent first; `aborted_before`: how many
    aborts are older. `degraded`: what is degraded but not aborted, however long. `stuck`: the
    longest first. Nothing but the time looked back on depends on when it was made.
    """

    since: timedelta
    longer: timedelta
    """Than which progressing is too long."""
    counts: Counts
    by: str = NAMESPACE
    strategies: tuple[Group, ...] = ()
    clusters: tuple[Group, ...] = ()
    groups: tuple[Group, ...] = ()
    awaiting: tuple[RolloutRow, ...] = ()
    aborted: tuple[CauseGroup, ...] = ()
    aborted_before: int = 0
    degraded: tuple[CauseGroup, ...] = ()
    plugins: tuple[PluginUse, ...] = ()
    stuck: tuple[Stuck, ...] = ()
