"""The status one reconcile of a canary ends with: promotion, abort and advance are decided here.

Source: argo-rollouts, rollout/sync.go and rollout/canary.go (syncRolloutStatusCanary).
"""

from __future__ import annotations

from . import canary, step_plugins
from .attempt import duration_of
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
from .hashing import steps_hash
from .invalid import selector_text
from .objects import Obj, dig, items, mapping, name, number, pod_hash, revision, text
from .pausing import STEP_PAUSE
from .phase import phase_of
from .sizes import available
from .steps import NOT_SIMULATED, current_step, index_of, is_kind, step_text, steps_of

DEADLINE_SECONDS = 600


def changed(context: Context) -> bool:
    """Whether template or steps are others than those the status is about."""
    return text(context.status, "currentPodHash") != context.hash or text(
        context.status, "currentStepHash"
    ) != _steps_hash(context)


def synchronise(context: Context) -> None:
    """Compute the status, decide, write it."""
    status = _base(context)
    steps, index = steps_of(context.rollout), index_of(context.rollout)
    pausing, how = context.pausing, None
    if changed(context):
        how = _reset(context, status)
        finish(context, status, how)
        return
    if context.promote_full:
        pausing.clear()
        pausing.remove_abort()
        if steps:
            status["currentStepIndex"] = len(steps)
    elif in_rollback_window(context):
        if index < len(steps) and context.new is not None and available(context.new):
            said = "Rollback to active ReplicaSets within RollbackWindow"
            context.event("Normal", "SkipSteps", said)
        pausing.clear()
        pausing.remove_abort()
        if steps:
            status["currentStepIndex"] = len(steps)
    if pausing.aborted:
        if steps:
            done = context.fully_promoted
            status["currentStepIndex"] = len(steps) if done else 0
        finish(context, status, "Aborted")
        return
    reason = _promotion(context)
    if reason:
        how = _promote(context, status, reason)
    elif steps and "currentStepIndex" not in status:
        status["currentStepIndex"] = _advance(context, status)
    finish(context, status, how)


def resized(context: Context) -> None:
    """After a change of `spec.replicas` only the counts of pods are brought up to date."""
    status = context.status_copy()
    _set(status, "availableReplicas", context.total("availableReplicas"))
    _set(status, "HPAReplicas", context.total("replicas"))
    conditions = of_status(status)
    _availability(context, conditions)
    status["conditions"] = conditions
    write(context, status, None)


def _steps_hash(context: Context) -> str:
    return steps_hash(items(context.rollout, "spec", "strategy", "canary", "steps"))


def _set(status: Obj, key: str, value: object) -> None:
    """Zero values are not written."""
    if value:
        status[key] = value
    else:
        status.pop(key, None)


def _base(context: Context) -> Obj:
    old = context.status
    status: Obj = {"blueGreen": mapping(old, "blueGreen")}
    inner = dict(mapping(old, "canary"))
    records = context.plugins.records if context.plugins else items(inner, "stepPluginStatuses")
    _set(inner, "stepPluginStatuses", records)
    status["canary"] = inner
    new = [context.new] if context.new else []
    _set(status, "replicas", context.total("replicas"))
    _set(status, "updatedReplicas", context.total("replicas", new))
    _set(status, "readyReplicas", context.total("readyReplicas"))
    _set(status, "availableReplicas", context.total("availableReplicas"))
    _set(status, "HPAReplicas", context.total("replicas"))
    _set(status, "collisionCount", old.get("collisionCount"))
    _set(status, "stableRS", text(old, "stableRS"))
    _set(status, "restartedAt", context.restarted_at)
    status["currentPodHash"] = pod_hash(context.new) or context.hash
    status["currentStepHash"] = _steps_hash(context)
    status["selector"] = selector_text(dig(context.rollout, "spec", "selector"))
    conditions = of_status(old)
    remove(conditions, "InvalidSpec")
    status["conditions"] = conditions
    if not is_complete(status):
        _set(status, "promoteFull", context.promote_full)
    return status


def _reset(context: Context, status: Obj) -> str | None:
    """Another template or other steps: everything of the attempt before is dropped."""
    context.pausing.clear()
    context.pausing.remove_abort()
    status.pop("promoteFull", None)
    status["canary"].pop("stepPluginStatuses", None)
    _set(status, "restartedAt", dig(context.rollout, "spec", "restartAt"))
    steps = steps_of(context.rollout)
    if steps:
        status["currentStepIndex"] = 0
    if not is_complete(status):
        return None
    if steps:
        context.event("Normal", "SkipSteps", "Rollback to stable ReplicaSets")
        status["currentStepIndex"] = len(steps)
    if text(context.status, "currentPodHash") in ("", text(status, "currentPodHash")):
        return None
    return "RolledBack"


def in_rollback_window(context: Context) -> bool:
    """Whether the new ReplicaSet is an older one, few enough revisions before the stable one."""
    window = number(context.rollout, "spec", "rollbackWindow", "revisions")
    new, stable = context.new, context.separate_stable
    if window <= 0 or new is None or stable is None or context.fully_promoted:
        return False
    made, limit = _made(new), _made(stable)
    if made >= limit:
        return False
    between = sum(made < _made(each) < limit for each in context.replica_sets)
    return between < window


def _made(replica_set: Obj) -> tuple[str, str]:
    return text(replica_set, "metadata", "creationTimestamp"), ""


def _promotion(context: Context) -> str:
    """Why the new version becomes the stable one with this write, "" if it does not."""
    if context.stable is None:
        return "Initial deploy"
    new = context.new
    if new is None or not _enough(context, new):
        return ""
    if context.promote_full:
        return "Full promotion requested"
    if in_rollback_window(context):
        return "Rollback within window"
    steps = steps_of(context.rollout)
    if not steps or index_of(context.rollout) >= len(steps):
        return f"Completed all {len(steps)} canary steps"
    return ""


def _enough(context: Context, new: Obj) -> bool:
    wanted = context.replicas
    return available(new) >= wanted or canary.threshold_met(context, new, wanted)


def _promote(context: Context, status: Obj, reason: str) -> str | None:
    context.pausing.clear()
    context.pausing.remove_abort()
    status.pop("promoteFull", None)
    steps = steps_of(context.rollout)
    if steps:
        status["currentStepIndex"] = len(steps)
    if text(status, "stableRS") == status["currentPodHash"]:
        return None
    status["stableRS"] = status["currentPodHash"]
    said = f"Rollout completed update to revision {revision(context.new)}"
    said += f" ({status['currentPodHash']}): {reason}"
    context.event("Normal", "RolloutCompleted", said)
    if reason == "Full promotion requested":
        return "FastPromoted"
    return "FastRolledBack" if reason == "Rollback within window" else "Promoted"


def _advance(context: Context, status: Obj) -> int:
    """The index to write: one further if the current step is done."""
    step, index = current_step(context.rollout), index_of(context.rollout)
    steps = steps_of(context.rollout)
    if step is None:
        return len(steps)
    if not _step_is_done(context, step, index, status):
        return index
    said = f"Rollout step {index + 1}/{len(steps)} completed ({step_text(step)})"
    context.event("Normal", "RolloutStepCompleted", said)
    context.pausing.remove(STEP_PAUSE)
    return index + 1


def _step_is_done(context: Context, step: Obj, index: int, status: Obj) -> bool:
    if dig(context.rollout, "spec", "paused") is True:
        return False
    if is_kind(step, "pause"):
        return context.pausing.step_is_over(step)
    if is_kind(step, "setCanaryScale") or is_kind(step, "setWeight"):
        return canary.at_desired_sizes(context)
    if is_kind(step, "plugin"):
        failed = context.plugins is not None and context.plugins.failed
        records = items(status, "canary", "stepPluginStatuses")
        return not failed and step_plugins.is_done(records, index)
    if any(is_kind(step, kind) for kind in NOT_SIMULATED):
        return False
    return is_kind(step, "setHeaderRoute") or is_kind(step, "setMirrorRoute")


def finish(context: Context, status: Obj, how: str | None) -> None:
    """Conditions and pauses, then the write."""
    started = changed(context) and not is_complete(status)
    _conditions(context, status)
    context.pausing.write(status)
    if status.get("abort"):
        how = "Aborted"
        steps = steps_of(context.rollout)
        if steps and not is_complete(status):
            status["currentStepIndex"] = 0
    write(context, status, how, started=started)


def write(context: Context, status: Obj, how: str | None, *, started: bool = False) -> None:
    """Phase, message and duration, then what of the status differs; and when to look again."""
    rollout, cluster = context.rollout, context.cluster
    status["observedGeneration"] = str(number(rollout, "metadata", "generation"))
    phase, message = phase_of(rollout, status)
    status["phase"] = phase
    _set(status, "message", message)
    before = mapping(context.status, "duration")
    again = before.get("completionStatus") == "Aborted" and "finishedAt" in before
    _set(
        status,
        "duration",
        duration_of(
            rollout,
            status,
            cluster.timing.now(),
            available=number(context.new, "status", "availableReplicas"),
            started=started or (again and not status.get("abort")),
            how=how,
        ),
    )
    written = cluster.write_status("rollouts", cluster.rollouts, rollout, status)
    if written is rollout:
        _look_again_at_the_deadline(context, status)
        return
    paused, was = bool(status.get("pauseConditions")), bool(context.status.get("pauseConditions"))
    if paused and not was:
        said = f"Rollout is paused ({text(status['pauseConditions'][0], 'reason')})"
        context.event("Normal", "RolloutPaused", said)
    elif was and not paused and not status.get("abort"):
        context.event("Normal", "RolloutResumed", "Rollout is resumed")
    context.rollout = written


def _look_again_at_the_deadline(context: Context, status: Obj) -> None:
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
    return any(is_kind(step, kind) for kind in ("pause", *NOT_SIMULATED))


def _conditions(context: Context, status: Obj) -> None:
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
        _progress(context, status, conditions, at, became_unhealthy=became_unhealthy)
    _availability(context, conditions)
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
    context: Context, status: Obj, conditions: Conditions, at: str, *, became_unhealthy: bool
) -> None:
    current = find(conditions, "Progressing")
    named = f'ReplicaSet "{name(context.new)}"' if context.new else ""
    if is_healthy(context.rollout, status):
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


def _availability(context: Context, conditions: Conditions) -> None:
    enough = context.total("availableReplicas") >= context.replicas
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
