"""`scale-down-deadline`: how long a ReplicaSet without traffic keeps its pods.

Source: argo-rollouts, rollout/replicaset.go.
"""

from __future__ import annotations

from .context import Context
from .objects import SCALE_DOWN_DEADLINE, Obj, annotation, spec_replicas, uid
from .sizes import available


def delay(context: Context, replica_set: Obj, seconds: float) -> Obj:
    """Let it keep its pods for `seconds` of the cluster from now."""
    timing = context.cluster.timing
    deadline = timing.deadline(uid(replica_set), "scale down", seconds)
    return context.patch_set(
        replica_set, {"metadata": {"annotations": {SCALE_DOWN_DEADLINE: deadline}}}
    )


def left(context: Context, replica_set: Obj) -> float:
    """Seconds of the cluster until its deadline; 0 if that has passed, or there is none."""
    written = annotation(replica_set, SCALE_DOWN_DEADLINE)
    return context.cluster.timing.left(uid(replica_set), "scale down", written)


def is_over(context: Context, replica_set: Obj, seconds: int) -> bool:
    """Whether its time is over; of one that is not counted out yet, `seconds` begin now."""
    if annotation(replica_set, SCALE_DOWN_DEADLINE):
        rest = left(context, replica_set)
        if rest <= 0:
            return True
        context.again(rest)
    elif seconds > 0:
        delay(context, replica_set, float(seconds))
        context.again(float(seconds))
    # With 0 nothing says when it ends, so it stays.
    return False


def is_waiting(context: Context) -> bool:
    """Whether a ReplicaSet that is neither new nor stable still has time left."""
    return any(spec_replicas(each) and left(context, each) > 0 for each in context.others)


def drop_what_does_not_run(context: Context) -> bool:
    """Take the pods of old versions that serve nobody; whether there were any."""
    scaled = False
    for each in context.others:
        if available(each) < spec_replicas(each):
            scaled |= context.scale(each, available(each))
    return scaled


def remove(context: Context, replica_set: Obj | None) -> None:
    """It is in use again."""
    if replica_set is not None and annotation(replica_set, SCALE_DOWN_DEADLINE):
        context.patch_set(replica_set, {"metadata": {"annotations": {SCALE_DOWN_DEADLINE: None}}})
