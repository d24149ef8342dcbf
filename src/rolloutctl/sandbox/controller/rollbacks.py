"""Going back to an older version, which some rules make quicker than an update.

Source: argo-rollouts, rollout/sync.go (isRollbackWithinWindow) and bluegreen.go.
"""

from __future__ import annotations

from . import scale_down
from .context import Context
from .objects import REVISION_HISTORY, Obj, annotation, number, revision, text


def in_window(context: Context) -> bool:
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


def in_delay(context: Context) -> bool:
    """Whether the new version is older than the stable one, and its pods are still counted out.

    A preview whose pods are counted out after an abort has to take its pause and its analysis
    again, be it an older version or not.
    """
    new, stable = context.new, context.separate_stable
    if new is None or stable is None or _made(new) >= _made(stable):
        return False
    if context.pausing.aborted or context.status.get("abortedAt") is not None:
        return False  # it is counted out because of the abort, also where that is taken back now
    return scale_down.left(context, new) > 0


def is_fast(context: Context) -> bool:
    """Whether blue-green goes back at once: to what is stable, or to what still has its pods."""
    return context.fully_promoted or in_delay(context)


def _made(replica_set: Obj) -> tuple[str, int]:
    """When it was made; within one second the number it had first tells."""
    noted = annotation(replica_set, REVISION_HISTORY).split(",")
    numbers = [revision(replica_set), *(int(each) for each in noted if each.isdecimal())]
    return text(replica_set, "metadata", "creationTimestamp"), min(numbers)
