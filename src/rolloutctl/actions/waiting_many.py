"""Following many rollouts until their changes have taken effect, on one watch for each scope."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec

from rolloutctl.actions.pumping import Pump
from rolloutctl.actions.waiting import Clock, Follower, Report, follow
from rolloutctl.domain.cluster import ROLLOUTS, Cluster, WatchEvent
from rolloutctl.domain.decision import Decision
from rolloutctl.domain.endings import Ending
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Followed, Happened, What
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ClusterError, RolloutctlError

MOST_WATCHES = 4
"""Namespaces that are watched one by one; of more, all namespaces are watched at once."""


class End(msgspec.Struct, frozen=True):
    """How the wait for one rollout ended, or why it could not be followed."""

    ref: Ref
    followed: Followed | None = None
    error: RolloutctlError | None = None


def follow_all(
    cluster: Cluster,
    decisions: Sequence[Decision],
    *,
    timeout: float | None = None,
    clock: Clock = time.monotonic,
    report: Report = lambda happened: None,
) -> Iterator[End]:
    """Follows changes that were sent, each to its end; yields them as they end.

    `timeout` in seconds is one for all, None: no limit. What the cluster raises is told of each
    that it concerns; nothing is raised.
    """
    if len(decisions) == 1:
        (only,) = decisions
        try:
            followed = follow(cluster, only, timeout=timeout, clock=clock, report=report)
        except RolloutctlError as error:
            yield End(only.ref, error=error)
        else:
            yield End(only.ref, followed)
        return
    if decisions:
        yield from _Many(cluster, decisions, timeout, clock, report).run()


class _Many:
    """The state of one wait for several."""

    def __init__(
        self,
        cluster: Cluster,
        decisions: Sequence[Decision],
        timeout: float | None,
        clock: Clock,
        report: Report,
    ) -> None:
        self.cluster = cluster
        self.clock = clock
        self.report = report
        self.deadline = None if timeout is None else clock() + timeout
        self.pending = {one.ref: Follower(one, clock, report) for one in decisions}
        self.pump = Pump()

    def run(self) -> Iterator[End]:
        namespaces = sorted({ref.namespace for ref in self.pending})
        if len(namespaces) > MOST_WATCHES:
            self._watch(None)
        else:
            for namespace in namespaces:
                self._watch(namespace)
        try:
            while self.pending:
                yield from self._by_time()
                if not self.pending:
                    return
                taken = self.pump.take(self._limit())
                if taken is None:
                    continue
                if taken.event is not None:
                    yield from self._take(taken.source, taken.event)
                else:
                    yield from self._over(taken.source, taken.error)
        finally:
            self.pump.close()

    def _watch(self, namespace: str | None) -> None:
        wanted = {(ref.namespace, ref.name) for ref in self.pending}

        def only_ours(item: Rollout) -> Rollout | None:
            place = (item.metadata.namespace, item.metadata.name)
            return item if place in wanted else None

        def watch() -> Iterator[WatchEvent]:
            return self.cluster.watch(ROLLOUTS, namespace, Rollout, compact=only_ours)

        self.pump.add(namespace or "", watch)

    def _limit(self) -> float | None:
        """Seconds until something has to be decided without an event."""
        times = [one.grace for one in self.pending.values() if one.grace is not None]
        if self.deadline is not None:
            times.append(self.deadline)
        return max(0.0, min(times) - self.clock()) if times else None

    def _by_time(self) -> Iterator[End]:
        """Those whose grace is over, and all of them when the time is up."""
        now = self.clock()
        for one in list(self.pending.values()):
            if one.almost is not None and one.grace is not None and one.grace <= now:
                yield self._end(one, one.almost)
        if self.deadline is not None and now >= self.deadline:
            for one in list(self.pending.values()):
                yield self._end(one, one.timed_out())

    def _end(self, one: Follower, found: Ending) -> End:
        ref = one.decision.ref
        del self.pending[ref]
        return End(ref, one.followed(found))

    def _take(self, scope: str, event: WatchEvent) -> Iterator[End]:
        if event.type == "STALE":
            self.report(Happened(Ref(scope, ""), What.STALE))
        elif event.type == "SYNCED":
            for one in self._of(scope):
                found = one.take(event)
                if found is not None:
                    yield self._end(one, found)
        elif isinstance(event.object, Rollout):
            metadata = event.object.metadata
            follower = self.pending.get(Ref(metadata.namespace, metadata.name))
            if follower is not None:
                found = follower.take(event)
                if found is not None:
                    yield self._end(follower, found)

    def _of(self, scope: str) -> list[Follower]:
        """The followers that a watch serves."""
        return [one for ref, one in self.pending.items() if scope in ("", ref.namespace)]

    def _over(self, scope: str, error: RolloutctlError | None) -> Iterator[End]:
        """A watch that ended or failed: those it served are followed no more."""
        found = error or ClusterError("the server ended the watch")
        for one in self._of(scope):
            del self.pending[one.decision.ref]
            yield End(one.decision.ref, error=found)
