"""The second half of `undo --full`: once the controller has turned to the earlier version, promote
it in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from rolloutctl.actions import promotion
from rolloutctl.actions.crew import Crew
from rolloutctl.actions.promotion import Intent
from rolloutctl.actions.waiting import events
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.decision import Action, Decision, NothingToDo, Seen
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Result
from rolloutctl.domain.status import is_observed
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import Conflict, Failed, NotFound, RolloutctlError, Timeout


class NotPromoted(RolloutctlError):
    """The template went back, and the promotion in full that was to follow did not come about."""

    def __init__(self, ref: Ref, cause: RolloutctlError) -> None:
        super().__init__(
            f"its template went back, but it was not promoted in full: {cause.message}",
            subject=str(ref),
            hint=[
                f"rolloutctl promote {ref.name} -n {ref.namespace} --full goes on",
                *([cause.hint] if cause.hint else []),
            ],
        )
        self.exit_code = cause.exit_code


def finish(
    cluster: Cluster, decision: Decision, intent: Intent, *, timeout: float | None = None
) -> Decision | None:
    """Promotes in full what an undo that was sent brought back; None where that was not needed.

    `timeout` in seconds is how long the controller is given to turn to it, else
    `promotion.OBSERVE_TIMEOUT`. Raises NotPromoted.
    """
    full = msgspec.structs.replace(intent, action=Action.PROMOTE_FULL, full=False)

    def still_that(seen: Seen) -> None:
        _must_be_target(decision, seen.rollout)

    limit = promotion.OBSERVE_TIMEOUT if timeout is None else timeout
    try:
        _wait(cluster, decision, limit)
        planned = promotion.plan(cluster, decision.ref, full, timeout=limit, check=still_that)
        return promotion.carry_out(cluster, planned, full, check=still_that)
    except NothingToDo:
        return None
    except RolloutctlError as error:
        raise NotPromoted(decision.ref, error) from error


def _wait(cluster: Cluster, decision: Decision, limit: float) -> None:
    """Until the controller rolls out the template that was brought back.

    A promotion in full before that would be of the version that was undone.
    """
    for event in events(cluster, decision.ref, limit):
        if event.type == "DELETED":
            raise NotFound("it was deleted meanwhile", subject=str(decision.ref))
        if isinstance(event.object, Rollout) and _is_target(decision, event.object):
            return
    raise Timeout(f"the controller has not turned to the earlier version in {limit:.3g} s")


def _is_target(decision: Decision, now: Rollout) -> bool:
    undo = decision.undo
    assert undo is not None
    if now.metadata.uid != decision.seen.rollout.metadata.uid:
        raise NotFound("it was deleted meanwhile", subject=str(decision.ref))
    if now.status.current_pod_hash == undo.target.hash:
        return is_observed(now)
    _must_be_target(decision, now, before=decision.seen.rollout.status.current_pod_hash)
    return False


def _must_be_target(decision: Decision, now: Rollout, *, before: str = "") -> None:
    """Raises Conflict where yet another version is rolled out."""
    undo = decision.undo
    assert undo is not None
    known = {undo.target.hash, before} - {""}
    if is_observed(now) and now.status.current_pod_hash not in known:
        raise Conflict("another version came meanwhile", subject=str(decision.ref))


def finish_all(
    cluster: Cluster,
    results: Iterable[Result],
    intent: Intent,
    *,
    at_once: int,
    timeout: float | None = None,
    report: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """The same for each undo that was made, each told as it is done; raises nothing of theirs."""

    def one(result: Result) -> Decision | None:
        assert result.decision is not None
        return finish(cluster, result.decision, intent, timeout=timeout)

    crew: Crew[Result, Decision | None] = Crew(one, at_once)
    queue = list(results)
    found: list[Result] = []
    count = len(queue)
    try:
        while len(found) < count:
            while queue and crew.free:
                crew.begin(queue.pop(0))
            done = crew.take()
            if done is None:
                continue
            error = done.error
            if error is not None and not isinstance(error, RolloutctlError):
                error = Failed(f"internal error: {type(error).__name__}: {error}")
            result = msgspec.structs.replace(
                done.item, then=done.result, finished=error is None, error=error
            )
            found.append(result)
            report(result)
    finally:
        crew.close()
    return found
