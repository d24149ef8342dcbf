"""The status one reconcile of a canary ends with: promotion, abort and advance are decided here.

Source: argo-rollouts, rollout/sync.go and rollout/canary.go (syncRolloutStatusCanary).
"""

from __future__ import annotations

from . import canary, progress, step_plugins
from .attempt import duration_of
from .conditions import is_complete, of_status, remove
from .context import Context
from .hashing import steps_hash
from .invalid import selector_text
from .objects import Obj, dig, items, mapping, number, pod_hash, revision, text
from .pausing import STEP_PAUSE
from .phase import phase_of
from .sizes import available
from .steps import NOT_SIMULATED, current_step, index_of, is_kind, step_text, steps_of


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
    progress.availability(context, conditions)
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
    progress.write(context, status)
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
        progress.watch_deadline(context, status)
        return
    paused, was = bool(status.get("pauseConditions")), bool(context.status.get("pauseConditions"))
    if paused and not was:
        said = f"Rollout is paused ({text(status['pauseConditions'][0], 'reason')})"
        context.event("Normal", "RolloutPaused", said)
    elif was and not paused and not status.get("abort"):
        context.event("Normal", "RolloutResumed", "Rollout is resumed")
    context.rollout = written
