"""Following a rollout until a change has taken effect."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rolloutctl.domain.cluster import ROLLOUTS, Cluster, WatchEvent
from rolloutctl.domain.decision import Decision, position
from rolloutctl.domain.endings import End, Ending, ending, shows
from rolloutctl.domain.plugins import PluginRun, plugin_runs
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Followed, Happened, What
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ClusterError

Clock = Callable[[], float]
Report = Callable[[Happened], None]

GRACE = 15.0
"""Seconds a plugin's Abort or Terminate is waited for when all else has settled.

The controller makes those calls in the reconcile after the one that aborts or promotes. For a
plugin that was disabled or is not configured they never come.
"""


def events(cluster: Cluster, ref: Ref, timeout: float | None) -> Iterator[WatchEvent]:
    """The events of one rollout, beginning with how it is; ends after `timeout` seconds."""
    return cluster.watch(
        ROLLOUTS,
        ref.namespace,
        Rollout,
        field_selector=f"metadata.name={ref.name}",
        timeout=timeout,
    )


def follow(
    cluster: Cluster,
    decision: Decision,
    *,
    timeout: float | None = None,
    clock: Clock = time.monotonic,
    report: Report = lambda happened: None,
) -> Followed:
    """Follows a change that was sent to its end; tells `report` what happens on the way.

    `timeout` in seconds, None: no limit. Raises what the cluster raises.
    """
    one = Follower(decision, clock, report)
    deadline = None if timeout is None else one.started + timeout
    while True:
        times = [moment for moment in (deadline, one.grace) if moment is not None]
        limit = max(0.0, min(times) - clock()) if times else None
        had_grace = one.grace is not None
        by_grace = one.grace is not None and (deadline is None or one.grace <= deadline)
        stream = events(cluster, decision.ref, limit)
        try:
            for event in stream:
                found = one.take(event)
                if found is not None:
                    return one.followed(found)
                if one.grace is not None and not had_grace:
                    break  # watch again, only as long as the grace lasts
            else:
                if by_grace and one.almost is not None:
                    return one.followed(one.almost)
                if limit is None:
                    raise ClusterError("the server ended the watch", subject=str(decision.ref))
                if not by_grace:
                    return one.followed(one.timed_out())
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                close()


class Follower:
    """What was seen of one change since it was sent; fed with the events of its rollout.

    `almost`: how it will have ended once `grace` (by `clock`) is over, when nothing comes between.
    """

    def __init__(
        self,
        decision: Decision,
        clock: Clock = time.monotonic,
        report: Report = lambda happened: None,
    ) -> None:
        self.decision = decision
        self.clock = clock
        self.report = report
        self.started = clock()
        self.last = decision.seen.rollout
        self.reacted = False
        self.aborted: list[PluginRun] = []
        self.terminated: list[PluginRun] = []
        self.called: set[tuple[int, str]] = set()
        self.almost: Ending | None = None
        self.grace: float | None = None

    def followed(self, found: Ending) -> Followed:
        """The whole story, with this end."""
        return Followed(
            found, tuple(self.aborted), tuple(self.terminated), self.clock() - self.started
        )

    def timed_out(self) -> Ending:
        """The end when there is no more time."""
        return Ending(End.TIMED_OUT, position(self.last))

    def take(self, event: WatchEvent) -> Ending | None:
        """One event of this rollout, or one that concerns the whole watch (SYNCED, STALE); the end
        if it brings it."""
        if event.type == "STALE":
            self.report(Happened(self.decision.ref, What.STALE))
            return None
        if event.type == "DELETED":
            return Ending(End.DELETED, position(self.last))
        if event.type == "SYNCED" and self.last is self.decision.seen.rollout:
            # Everything that exists has been told, and it was not among it.
            return Ending(End.DELETED, position(self.last))
        if not isinstance(event.object, Rollout):
            return None
        now = event.object
        version = now.metadata.resource_version
        if version and version == self.decision.seen.rollout.metadata.resource_version:
            self.last = now  # a cache that has not heard of the change yet
            return None
        if now.metadata.uid == self.last.metadata.uid:
            self._tell(now)
        self.last = now
        self.reacted = self.reacted or shows(self.decision, now)
        found = ending(self.decision, now, reacted=self.reacted)
        if found is None or not found.uncalled:
            self.almost = self.grace = None
            return found
        self.almost = found
        if self.grace is None:
            self.grace = self.clock() + GRACE
        return None

    def _tell(self, now: Rollout) -> None:
        """Reports how `now` differs from the state before it."""
        ref, last = self.decision.ref, self.last
        self._tell_plugins(now)
        here, was = position(now), position(last)
        if here.index != was.index and here.index is not None and not here.aborted:
            self.report(Happened(ref, What.STEP, here))
        if here.phase != was.phase:
            self.report(Happened(ref, What.PHASE, here))
        updated, desired = now.status.updated_replicas, now.spec.replicas or 0
        if updated != last.status.updated_replicas:
            self.report(Happened(ref, What.PODS, here, updated=updated, desired=desired))

    def _tell_plugins(self, now: Rollout) -> None:
        ref = self.decision.ref
        runs, old = plugin_runs(now), plugin_runs(self.last)
        before = {
            (record.index, record.operation)
            for record in self.last.status.canary.step_plugin_statuses or ()
        }
        for record in now.status.canary.step_plugin_statuses or ():
            run = runs.get(record.index)
            if run is None:
                continue
            key = (record.index, record.operation)
            if record.operation == "Run":
                known = old.get(record.index)
                if run.phase and (known is None or known.phase != run.phase):
                    self.report(Happened(ref, What.PLUGIN, position(now), run))
            elif key in before or key in self.called:
                continue
            elif record.operation == "Abort":
                self.called.add(key)
                self.aborted.append(run)
                self.report(Happened(ref, What.ABORT_CALL, position(now), run))
            elif record.operation == "Terminate":
                self.called.add(key)
                self.terminated.append(run)
                self.report(Happened(ref, What.TERMINATE_CALL, position(now), run))
