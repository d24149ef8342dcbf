"""What the status of every strategy has in common, and the one write each reconcile ends with.

Source: argo-rollouts, rollout/sync.go.
"""

from __future__ import annotations

from . import progress
from .attempt import duration_of
from .conditions import is_complete, of_status, remove
from .context import Context
from .hashing import steps_hash
from .objects import (
    WORKLOAD_GENERATION,
    Obj,
    annotation,
    items,
    mapping,
    number,
    pod_hash,
    text,
)
from .phase import phase_of
from .steps import steps_of


def changed(context: Context) -> bool:
    """Whether template or steps are others than those the status is about."""
    if text(context.status, "currentPodHash") != context.hash:
        return True
    return not context.is_blue_green and text(context.status, "currentStepHash") != steps_hash_of(
        context
    )


def resized(context: Context) -> None:
    """After a change of `spec.replicas` only the counts of pods are brought up to date."""
    status = context.status_copy()
    put(status, "availableReplicas", context.total("availableReplicas"))
    put(status, "HPAReplicas", context.total("replicas"))
    conditions = of_status(status)
    progress.availability(context, conditions, status)
    status["conditions"] = conditions
    write(context, status, None)


def steps_hash_of(context: Context) -> str:
    return steps_hash(items(context.rollout, "spec", "strategy", "canary", "steps"))


def put(status: Obj, key: str, value: object) -> None:
    """Zero values are not written."""
    if value:
        status[key] = value
    else:
        status.pop(key, None)


def base(context: Context) -> Obj:
    """What every strategy's status starts with; nothing is decided yet."""
    old = context.status
    status: Obj = {"blueGreen": mapping(old, "blueGreen"), "canary": dict(mapping(old, "canary"))}
    put(status, "replicas", context.total("replicas"))
    put(status, "updatedReplicas", context.total("replicas", [context.new] if context.new else []))
    put(status, "collisionCount", old.get("collisionCount"))
    put(status, "stableRS", text(old, "stableRS"))
    put(status, "restartedAt", context.restarted_at)
    put(status, "workloadObservedGeneration", annotation(context.rollout, WORKLOAD_GENERATION))
    status["currentPodHash"] = pod_hash(context.new) or context.hash
    conditions = of_status(old)
    remove(conditions, "InvalidSpec")
    status["conditions"] = conditions
    if not is_complete(status):
        put(status, "promoteFull", context.promote_full)
    return status


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
    put(status, "message", message)
    before = mapping(context.status, "duration")
    again = before.get("completionStatus") == "Aborted" and "finishedAt" in before
    put(
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
