"""Waiting until rollouts have come to a state: one watch for each scope, one end for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from rolloutctl.actions import inspect
from rolloutctl.actions.pumping import Pump
from rolloutctl.actions.sighting import Sight
from rolloutctl.domain.cluster import ROLLOUTS, Cluster, Unreadable, WatchEvent
from rolloutctl.domain.decision import Position, position
from rolloutctl.domain.goals import Goal, GoalKind
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.tree import row
from rolloutctl.domain.waited import Came, Moved, Waited
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ClusterError, RolloutctlError

Clock = Callable[[], float]

MOST_WATCHES = 4
"""Namespaces that are watched one by one; of more, all namespaces are watched at once."""


def wait_for(
    cluster: Cluster,
    refs: Sequence[Ref],
    goals: Sequence[Goal],
    *,
    one_is_enough: bool = False,
    timeout: float | None = None,
    clock: Clock = time.monotonic,
    report: Callable[[Moved], None] = lambda moved: None,
) -> Iterator[Waited]:
    """Waits until each of `refs` has come to one of `goals`; yields the end of each as it comes.

    It ends as soon as the whole is certain: when one can no longer come there, or with
    `one_is_enough` when one is there; those that are still on their way are then LEFT. `timeout` in
    seconds is one for all, None: no limit. What the cluster raises is told of each that it
    concerns; nothing is raised.
    """
    yield from _Waiting(cluster, refs, goals, one_is_enough, timeout, clock, report).run()


class _Waiting:
    """The state of one wait."""

    def __init__(
        self,
        cluster: Cluster,
        refs: Sequence[Ref],
        goals: Sequence[Goal],
        one_is_enough: bool,
        timeout: float | None,
        clock: Clock,
        report: Callable[[Moved], None],
    ) -> None:
        self.cluster = cluster
        self.clock = clock
        self.report = report
        self.one_is_enough = one_is_enough
        self.deletion = next((goal for goal in goals if goal.kind is GoalKind.DELETED), None)
        self.started = clock()
        self.deadline = None if timeout is None else self.started + timeout
        self.pending = {ref: Sight(cluster, goals) for ref in dict.fromkeys(refs)}
        self.unsynced: set[str] = set()
        self.certain = False
        self.pump = Pump()

    def run(self) -> Iterator[Waited]:
        self._begin()
        try:
            while self.pending and not (self.certain and not self.unsynced):
                left = None if self.deadline is None else self.deadline - self.clock()
                if left is not None and left <= 0:
                    for ref in list(self.pending):
                        yield self._end(ref, Came.TIMED_OUT)
                    return
                taken = self.pump.take(left)
                if taken is None:
                    continue
                if taken.event is None:
                    self.unsynced.discard(taken.source)
                    error = taken.error or ClusterError("the server ended the watch")
                    for ref in self._of(taken.source):
                        yield self._end(ref, Came.FAILED, error=error)
                else:
                    yield from self._take(taken.source, taken.event)
            for ref in list(self.pending):
                yield self._end(ref, Came.LEFT)
        finally:
            self.pump.close()

    def _begin(self) -> None:
        by_namespace: dict[str, list[str]] = {}
        for ref in self.pending:
            by_namespace.setdefault(ref.namespace, []).append(ref.name)
        if len(by_namespace) > MOST_WATCHES:
            self._watch("", "")
        else:
            for namespace, names in by_namespace.items():
                # One alone is watched by its name: a right to just that is enough.
                self._watch(namespace, names[0] if len(names) == 1 else "")

    def _watch(self, namespace: str, name: str) -> None:
        wanted = {(ref.namespace, ref.name) for ref in self.pending}

        def only_ours(item: Rollout) -> Rollout | None:
            place = (item.metadata.namespace, item.metadata.name)
            return item if place in wanted else None

        def watch() -> Iterator[WatchEvent]:
            return self.cluster.watch(
                ROLLOUTS,
                namespace or None,
                Rollout,
                field_selector=f"metadata.name={name}" if name else "",
                compact=None if name else only_ours,
            )

        self.unsynced.add(namespace)
        self.pump.add(namespace, watch)

    def _of(self, scope: str) -> list[Ref]:
        """Those that a watch serves."""
        return [ref for ref in self.pending if scope in ("", ref.namespace)]

    def _take(self, scope: str, event: WatchEvent) -> Iterator[Waited]:
        if event.type == "STALE":
            self.report(Moved(Ref(scope, ""), stale=True))
        elif event.type == "SYNCED":
            self.unsynced.discard(scope)
            for ref in self._of(scope):
                if self.pending[ref].last is None:
                    yield self._absent(ref)
        elif isinstance(event.object, Unreadable):
            ref = Ref(event.object.namespace, event.object.name)
            if ref in self.pending and self.pending[ref].last is None:
                error = ClusterError(f"it is not readable: {event.problem}", subject=str(ref))
                yield self._end(ref, Came.FAILED, error=error)
        elif isinstance(event.object, Rollout):
            ref = Ref(event.object.metadata.namespace, event.object.metadata.name)
            one = self.pending.get(ref)
            if one is not None:
                yield from self._see(ref, one, event)

    def _see(self, ref: Ref, one: Sight, event: WatchEvent) -> Iterator[Waited]:
        now = event.object
        if event.type == "DELETED" or (
            one.last is not None and one.last.metadata.uid != now.metadata.uid
        ):
            yield self._gone(ref)
            return
        before = position(one.last) if one.last is not None else None
        self._tell(ref, before, position(now))
        verdict = one.see(now)
        if one.problem and before is None:
            self.report(Moved(ref, position(now), problem=one.problem))
        if verdict is None:
            return
        if verdict.reached:
            yield self._end(ref, Came.REACHED, goal=verdict.goal)
        else:
            came = Came.SUPERSEDED if verdict.superseded else Came.UNREACHABLE
            yield self._end(ref, came, reason=verdict.reason)

    def _tell(self, ref: Ref, before: Position | None, now: Position) -> None:
        def place(found: Position) -> tuple[object, ...]:
            return (found.phase, found.message, found.index, found.aborted)

        if before is None or place(before) != place(now):
            self.report(Moved(ref, now, before))

    def _absent(self, ref: Ref) -> Waited:
        if self.deletion is not None:
            return self._end(ref, Came.REACHED, goal=self.deletion)
        return self._end(ref, Came.FAILED, error=inspect.not_found(self.cluster, ref))

    def _gone(self, ref: Ref) -> Waited:
        if self.deletion is not None:
            return self._end(ref, Came.REACHED, goal=self.deletion)
        return self._end(ref, Came.DELETED, reason="it was deleted")

    def _end(
        self,
        ref: Ref,
        came: Came,
        *,
        goal: Goal | None = None,
        reason: str = "",
        error: RolloutctlError | None = None,
    ) -> Waited:
        one = self.pending.pop(ref)
        if came is not Came.LEFT:
            self.certain = self.certain or (came is Came.REACHED) == self.one_is_enough
        last = None if one.last is None else row(one.last)
        return Waited(ref, came, goal, reason, last, self.clock() - self.started, error)
