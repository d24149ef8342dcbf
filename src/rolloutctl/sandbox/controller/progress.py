"""The conditions of a rollout, above all whether it makes progress.

Source: argo-rollouts, rollout/sync.go (calculateRolloutConditions, requeueStuckRollout).
"""

from __future__ import annotations

from . import scale_down
from .conditions import (
    Conditions,
    condition,
    find,
    is_complete,
    is_healthy,
    made_progress,
    of_status,
    put,
    remove,
)
from .context import Context
from .objects import Obj, dig, mapping, name, number, pod_hash, revision, text
from .saturation import is_saturated
from .steps import RUNS, current_step, is_kind

DEADLINE_SECONDS = 600


def write(context: Context, status: Obj) -> None:
    """Bring `status`' conditions in line with the rest of it. May abort the rollout."""
    conditions: Conditions = status["conditions"]
    at = context.cluster.timing.stamp()
    rollout, old = context.rollout, context.status
    paused = bool(old.get("pauseConditions")) or dig(rollout, "spec", "paused") is True
    healthy = is_healthy(rollout, status)
    became_unhealthy = False
    if healthy and not paused:
        _put(conditions, at, "Healthy", True, "RolloutHealthy", "Rollout is healthy")
    elif find(conditions, "Healthy"):
        became_unhealthy = _put(
            conditions, at, "Healthy", False, "RolloutHealthy", "Rollout is not healthy"
        )
    if context.pausing.aborted:
        _aborted(context, conditions, at)
    else:
        # Live, but paused before its promotion: to say both would never come to an end.
        finished = healthy and (is_complete(status) or not paused)
        _progress(
            context,
            status,
            conditions,
            at,
            finished=finished,
            became_unhealthy=became_unhealthy,
        )
    availability(context, conditions, status)
    _replica_failure(context, conditions)
    done = is_complete(status)
    if _put(conditions, at, "Completed", done, "RolloutCompleted", "RolloutCompleted") and not done:
        said = f"Rollout not completed, started update to revision {revision(context.new)}"
        context.event("Normal", "RolloutNotCompleted", f"{said} ({status['currentPodHash']})")


def _put(
    conditions: Conditions, at: str, kind: str, value: bool, reason: str, message: str
) -> bool:
    return put(conditions, condition(kind, str(value), reason, message, at))


def _aborted(context: Context, conditions: Conditions, at: str) -> None:
    said = f"Rollout aborted update to revision {revision(context.rollout)}"
    if context.pausing.abort_cause:
        said += f": {context.pausing.abort_cause}"
    if _put(conditions, at, "Progressing", False, "RolloutAborted", said):
        context.event("Warning", "RolloutAborted", said)


def _progress(
    context: Context,
    status: Obj,
    conditions: Conditions,
    at: str,
    *,
    finished: bool,
    became_unhealthy: bool,
) -> None:
    current = find(conditions, "Progressing")
    named = f'ReplicaSet "{name(context.new)}"' if context.new else ""
    if finished:
        said = f"{named} has successfully progressed."
        _put(conditions, at, "Progressing", True, "NewReplicaSetAvailable", said)
    elif made_progress(context.status, status) or became_unhealthy:
        reason, said = "ReplicaSetUpdated", f"{named} is progressing."
        if became_unhealthy and is_complete(status):
            reason = "ReplicaSetNotAvailable"
            said = "Rollout does not have minimum availability"
        new = condition("Progressing", "True", reason, said, at)
        if current is not None and current.get("status") == "True":
            new["lastTransitionTime"] = current.get("lastTransitionTime")
        remove(conditions, "Progressing")
        conditions.append(new)
    elif not _is_indefinite(context) and _timed_out(context, conditions):
        _time_out(context, conditions, at)
    written = find(conditions, "Progressing")
    if written is not None and written is not current:
        context.cluster.timing.stamped(context.rollout["metadata"]["uid"], "progress", at)


def _timed_out(context: Context, conditions: Conditions) -> bool:
    current = find(conditions, "Progressing")
    paused = find(conditions, "Paused")
    if current is None or current.get("reason") in ("RolloutAborted", "RolloutPaused"):
        return False
    if current.get("reason") == "ProgressDeadlineExceeded":
        return True
    if paused is not None and paused.get("status") == "True":
        return False
    return _since_progress(context, current) > _deadline(context)


def _time_out(context: Context, conditions: Conditions, at: str) -> None:
    said = f'ReplicaSet "{name(context.new)}" has timed out progressing.' if context.new else ""
    if dig(context.rollout, "spec", "progressDeadlineAbort") is True:
        if not context.fully_promoted:
            context.pausing.abort(said)
            context.event("Warning", "RolloutAborted", said)
            _aborted(context, conditions, at)
        return
    _put(conditions, at, "Progressing", False, "ProgressDeadlineExceeded", said)


def availability(context: Context, conditions: Conditions, status: Obj) -> None:
    """Available: whether there are as many ready pods as wanted.

    Of whichever version for a canary, of the live one for blue-green.
    """
    enough = context.total("availableReplicas") >= context.replicas
    if context.is_blue_green:
        active = text(status, "blueGreen", "activeSelector")
        enough = any(
            pod_hash(each) == active and is_saturated(each, context.replicas)
            for each in context.replica_sets
        )
    has = "has" if enough else "does not have"
    said = f"Rollout {has} minimum availability"
    at = context.cluster.timing.stamp()
    _put(conditions, at, "Available", enough, "AvailableReason", said)


def _replica_failure(context: Context, conditions: Conditions) -> None:
    sets = [*([context.new] if context.new else []), *context.old]
    for each in sets:
        failure = find(of_status(mapping(each, "status")), "ReplicaFailure")
        if failure is not None:
            at = context.cluster.timing.stamp()
            put(
                conditions,
                condition(
                    "ReplicaFailure",
                    text(failure, "status"),
                    text(failure, "reason"),
                    text(failure, "message"),
                    at,
                ),
            )
            return
    remove(conditions, "ReplicaFailure")


def watch_deadline(context: Context, status: Obj) -> None:
    """Have another look when the deadline of an update without progress will have passed."""
    current = find(of_status(context.status), "Progressing")
    paused = context.status.get("pauseConditions") or dig(context.rollout, "spec", "paused")
    if (
        current is None
        or current.get("reason") == "ProgressDeadlineExceeded"
        or paused
        or status.get("abort")
        or _is_indefinite(context)
        or is_healthy(context.rollout, status)
    ):
        return
    left = _deadline(context) - _since_progress(context, current)
    context.again(max(0.0, left) + 1.0)


def _deadline(context: Context) -> int:
    return number(context.rollout, "spec", "progressDeadlineSeconds", default=DEADLINE_SECONDS)


def _since_progress(context: Context, progressing: Obj) -> float:
    since = text(progressing, "lastUpdateTime")
    return context.cluster.timing.elapsed(context.rollout["metadata"]["uid"], "progress", since)


def _is_indefinite(context: Context) -> bool:
    step = current_step(context.rollout)
    if any(is_kind(step, kind) for kind in ("pause", *RUNS)):
        return True
    return scale_down.is_waiting(context)
