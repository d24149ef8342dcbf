"""What is kept of one rollout among tens of thousands: what lists, filters and summaries need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from rolloutctl.domain.failure import cause
from rolloutctl.domain.plugins import ERROR, FAILED, RUNNING, plugin_runs
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.tree import RolloutRow, row
from rolloutctl.domain.wire import Rollout


class EntryRun(Struct, frozen=True, array_like=True):
    """A step plugin's run that is in flight, in Error or Failed; `index` is 0-based."""

    index: int
    name: str
    phase: str
    started: datetime | None = None
    updated: datetime | None = None


class Entry(Struct, frozen=True, array_like=True):
    """One rollout of a fleet.

    `version` is its resourceVersion. `plugins` are the step plugins of its spec, one for each step
    that has one, in their order. `cause`: why it is degraded, in the controller's words, "" when it
    is not or when a person aborted it.
    """

    row: RolloutRow
    uid: str = ""
    version: str = ""
    plugins: tuple[str, ...] = ()
    runs: tuple[EntryRun, ...] = ()
    cause: str = ""
    aborted_at: datetime | None = None

    @property
    def ref(self) -> Ref:
        return self.row.ref

    @property
    def labels(self) -> dict[str, str]:
        return self.row.labels


Keep = Callable[[Entry], bool]
"""A filter of entries."""


def entry(rollout: Rollout) -> Entry:
    """What is kept of a rollout."""
    r = rollout
    facts = row(r)
    canary = r.spec.strategy.canary
    steps = (canary.steps or ()) if canary is not None else ()
    return Entry(
        row=facts,
        uid=r.metadata.uid,
        version=r.metadata.resource_version,
        plugins=tuple(step.plugin.name for step in steps if step.plugin is not None),
        runs=_runs(r),
        cause=cause(r) if facts.phase == "Degraded" else "",
        aborted_at=r.status.aborted_at,
    )


def _runs(r: Rollout) -> tuple[EntryRun, ...]:
    if not r.status.canary.step_plugin_statuses:
        return ()
    return tuple(
        EntryRun(run.index, run.name, run.phase, run.started_at, run.updated_at)
        for run in plugin_runs(r).values()
        if run.phase in (RUNNING, ERROR, FAILED) and (run.in_flight or run.phase != RUNNING)
    )
