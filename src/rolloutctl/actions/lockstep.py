"""Moving a group of rollouts step by step together, and aborting all when one fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import msgspec

from rolloutctl.actions import promotion
from rolloutctl.actions.promotion import Intent
from rolloutctl.domain.cluster import ROLLOUTS, Cluster, WatchEvent
from rolloutctl.domain.decision import Action, Decision, NothingToDo
from rolloutctl.domain.lockstep import (
    ENDED,
    Came,
    Member,
    Outcome,
    Sent,
    Watching,
    broken,
    due,
    to_abort,
)
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ClusterError, Failed, NotFound, RolloutctlError

T = TypeVar("T")

AT_ONCE = 8
"""Members that are promoted or aborted at the same time."""


Report = Callable[[Watching | Sent], None]


def members(cluster: Cluster, namespace: str | None, selector: str) -> tuple[Member, ...]:
    """The rollouts with the group's label, as they are now. Raises what the cluster raises, and
    ClusterError for one that cannot be read: a group is moved whole or not at all."""
    found: list[Member] = []
    for page in cluster.pages(ROLLOUTS, namespace, Rollout, label_selector=selector):
        found += [Member(item, item) for item in page.items]
        for bad in page.unreadable:
            named = f"{bad.namespace}/{bad.name}"
            raise ClusterError(
                f"the group cannot be moved: {named} is not readable: {bad.problem}", subject=named
            )
    return tuple(sorted(found, key=lambda member: member.ref))


def advance(
    cluster: Cluster,
    namespace: str | None,
    selector: str,
    group: tuple[Member, ...],
    *,
    once: bool = False,
    timeout: float | None = None,
    report: Report = lambda news: None,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Promotes the group round by round until all are done; aborts the others when one fails.

    `once`: one round of promotions, then until all are at rest again. `timeout` in seconds; at its
    end nothing is aborted. Raises what the cluster raises when it can no longer be watched; what
    was sent until then was told to `report`.
    """
    return _Group(cluster, namespace, selector, group, once, timeout, report, clock).run()


class _Group:
    def __init__(
        self,
        cluster: Cluster,
        namespace: str | None,
        selector: str,
        group: tuple[Member, ...],
        once: bool,
        timeout: float | None,
        report: Report,
        clock: Callable[[], float],
    ) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.selector = selector
        self.members = {member.ref: member for member in group}
        self.once = once
        self.timeout = timeout
        self.report = report
        self.clock = clock
        self.sent: list[Sent] = []
        self.rounds = 0
        self.seen: set[Ref] = set()
        self.synced = False

    def run(self) -> Outcome:
        events = self.cluster.watch(
            ROLLOUTS,
            self.namespace,
            Rollout,
            label_selector=self.selector,
            timeout=self.timeout,
        )
        try:
            for event in events:
                self._take(event)
                outcome = self._decide() if self.synced else None
                if outcome is not None:
                    return outcome
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()
        if self.timeout is None:
            raise ClusterError("the server ended the watch of the group")
        return self._outcome(Came.TIMED_OUT)

    def _take(self, event: WatchEvent) -> None:
        if event.type == "SYNCED":
            if not self.synced:
                for ref in self.members.keys() - self.seen:
                    self._replace(ref, None)
            self.synced = True
            return
        if event.type == "UNREADABLE":
            raise Failed(f"the group's way cannot be followed: {event.problem}")
        if not isinstance(event.object, Rollout):
            return
        now = event.object
        ref = Ref(now.metadata.namespace, now.metadata.name)
        self.seen.add(ref)
        if ref in self.members:
            self._replace(ref, None if event.type == "DELETED" else now)

    def _replace(self, ref: Ref, now: Rollout | None) -> None:
        member = self.members[ref]
        fresh = msgspec.structs.replace(member, now=now)
        self.members[ref] = fresh
        moved = fresh.standing is not member.standing or fresh.place.index != member.place.index
        if moved:
            self.report(Watching(fresh, member.standing))

    def _decide(self) -> Outcome | None:
        group = tuple(self.members.values())
        failed = broken(group)
        if failed:
            self._send(to_abort(group), Action.ABORT)
            return self._outcome(Came.ABORTED, failed)
        if all(member.standing in ENDED for member in group):
            return self._outcome(Came.DONE)
        ready = due(group)
        if not ready:
            return None
        if self.once and self.rounds:
            return self._outcome(Came.AT_REST)
        done = self._send(ready, Action.PROMOTE)
        self.rounds += any(sent.decision is not None for sent in done)
        refused = [sent for sent in done if sent.error is not None]
        if not refused:
            return None
        # Something came in between. What that was decides: a failure ends the group's way.
        before = {sent.ref: self.members[sent.ref].now for sent in refused}
        for sent in refused:
            self._look_again(sent)
        if broken(self.members.values()):
            return self._decide()
        stuck = any(self.members[ref].now == now for ref, now in before.items())
        return self._outcome(Came.STOPPED) if stuck else None

    def _look_again(self, refused: Sent) -> None:
        """Reads a member that would not be promoted; what cannot be read stays as it was."""
        try:
            self._replace(refused.ref, promotion.read(self.cluster, refused.ref).rollout)
        except NotFound:
            self._replace(refused.ref, None)
        except RolloutctlError:
            return

    def _send(self, chosen: tuple[Member, ...], action: Action) -> list[Sent]:
        """The same to several members at once; what became of each.

        All are decided before anything is promoted: where one refuses, none moves. An abort is
        sent to whom it can be.
        """
        planned = self._each(chosen, partial(self._plan, Intent(action)))
        if action is Action.PROMOTE and any(item.error is not None for item in planned):
            done = [item for item in planned if item.error is not None]
        else:
            done = self._each(planned, partial(self._carry_out, Intent(action)))
        for sent in done:
            self.sent.append(sent)
            self.report(sent)
            if sent.decision is not None and action is Action.PROMOTE:
                member = self.members[sent.ref]
                self.members[sent.ref] = msgspec.structs.replace(member, sent=sent.decision)
        return done

    def _plan(self, intent: Intent, member: Member) -> Sent:
        try:
            decision = promotion.plan(self.cluster, member.ref, intent)
        except NothingToDo:
            return Sent(member.ref, intent.action)
        except RolloutctlError as error:
            return Sent(member.ref, intent.action, error=error)
        if intent.action is Action.PROMOTE and not _same_stop(member, decision):
            return Sent(member.ref, intent.action)  # what the watch has yet to tell decides
        return Sent(member.ref, intent.action, decision)

    def _carry_out(self, intent: Intent, planned: Sent) -> Sent:
        if planned.decision is None:
            return planned
        try:
            decision = promotion.carry_out(self.cluster, planned.decision, intent)
        except NothingToDo:
            return Sent(planned.ref, intent.action)
        except RolloutctlError as error:
            return Sent(planned.ref, intent.action, error=error)
        return Sent(planned.ref, intent.action, decision)

    @staticmethod
    def _each(items: Sequence[T], work: Callable[[T], Sent]) -> list[Sent]:
        if not items:
            return []
        with ThreadPoolExecutor(min(AT_ONCE, len(items))) as threads:
            return list(threads.map(work, items))

    def _outcome(self, came: Came, failed: tuple[Member, ...] = ()) -> Outcome:
        return Outcome(came, tuple(self.members.values()), tuple(self.sent), failed, self.rounds)


def _same_stop(member: Member, decision: Decision) -> bool:
    """Whether it was decided at the stop the group saw: it may have moved on to another one."""
    assert member.now is not None
    seen = decision.seen.rollout
    return (
        member.place.index == decision.before.index
        and member.now.status.pause_conditions == seen.status.pause_conditions
    )
