"""The status one reconcile of a blue-green rollout ends with; promotion is decided here.

Source: argo-rollouts, rollout/bluegreen.go (syncRolloutStatusBlueGreen).
"""

from __future__ import annotations

from . import bluegreen, progress, rollbacks, rollout_analysis
from .conditions import is_complete, of_status
from .context import Context
from .invalid import selector_text
from .objects import Obj, dig, mapping, number, pod_hash, revision, text
from .sizes import available
from .status import base, changed, finish, put, write

_CHECK_POINT = "scaleUpPreviewCheckPoint"


def synchronise(context: Context) -> None:
    """Compute the status, decide, write it."""
    status, how = base(context), None
    for key in ("currentStepHash", "currentStepIndex"):
        status.pop(key, None)
    status["canary"] = {}
    status["blueGreen"] = dict(mapping(context.status, "blueGreen"))
    if changed(context):
        how = _reset(context, status)
    else:
        rollout_analysis.write(context, status)
    if context.promote_full or rollbacks.in_window(context):
        context.pausing.clear()
        context.pausing.remove_abort()
    for field, key in (("previewSelector", "previewService"), ("activeSelector", "activeService")):
        put(status["blueGreen"], field, bluegreen.service_hash(context, key))
    reason = _promotion(context, status)
    if reason:
        how = _promote(context, status, reason) or how
    else:
        put(status["blueGreen"], _CHECK_POINT, _passes_check_point(context, status))
    _count(context, status)
    finish(context, status, how)


def resized(context: Context) -> None:
    """After a change of `spec.replicas` only the counts of pods are brought up to date."""
    status = context.status_copy()
    active = _active(context, status)
    sets = [active] if active is not None else None
    put(status, "availableReplicas", context.total("availableReplicas", sets))
    put(status, "HPAReplicas", context.total("replicas", sets))
    conditions = of_status(status)
    progress.availability(context, conditions, status)
    status["conditions"] = conditions
    write(context, status, None)


def _active(context: Context, status: Obj) -> Obj | None:
    hashed = text(status, "blueGreen", "activeSelector")
    return next(
        (each for each in context.replica_sets if hashed and pod_hash(each) == hashed), None
    )


def _count(context: Context, status: Obj) -> None:
    """Of the live version alone; of all while none is."""
    active = _active(context, status)
    sets = [active] if active is not None else None
    put(status, "readyReplicas", context.total("readyReplicas", sets))
    put(status, "availableReplicas", context.total("availableReplicas", sets))
    put(status, "HPAReplicas", context.total("replicas", sets))
    selector = context.selector if active is None else dig(active, "spec", "selector")
    status["selector"] = selector_text(selector)


def _reset(context: Context, status: Obj) -> str | None:
    """Another template: everything of the attempt before is dropped."""
    context.pausing.clear()
    context.pausing.remove_abort()
    status.pop("promoteFull", None)
    for key in (*rollout_analysis.BLUE_GREEN_FIELDS, _CHECK_POINT):
        status["blueGreen"].pop(key, None)
    put(status, "restartedAt", dig(context.rollout, "spec", "restartAt"))
    before = text(context.status, "currentPodHash")
    returns = is_complete(status) and before not in ("", text(status, "currentPodHash"))
    return "RolledBack" if returns else None


def _promotion(context: Context, status: Obj) -> str:
    """Why the new version becomes the stable one with this write, "" if it does not."""
    active = text(status, "blueGreen", "activeSelector")
    if not active or context.stable is None:
        return "Initial deploy"
    if active != text(status, "currentPodHash"):
        return ""
    if context.promote_full:
        return "Full promotion requested"
    if rollbacks.in_window(context):
        return "Rollback within window"
    if rollbacks.is_fast(context):
        return "Fast rollback"
    if context.pausing.aborted or not rollout_analysis.post_promotion_is_done(context):
        return ""
    return "Completed blue-green update"


def _promote(context: Context, status: Obj, reason: str) -> str | None:
    context.pausing.clear()
    context.pausing.remove_abort()
    status.pop("promoteFull", None)
    status["blueGreen"].pop(_CHECK_POINT, None)
    if text(status, "stableRS") == status["currentPodHash"]:
        return None
    status["stableRS"] = status["currentPodHash"]
    said = f"Rollout completed update to revision {revision(context.new)}"
    said += f" ({status['currentPodHash']}): {reason}"
    context.event("Normal", "RolloutCompleted", said)
    return _ENDINGS.get(reason, "Promoted")


_ENDINGS = {
    "Full promotion requested": "FastPromoted",
    "Rollback within window": "FastRolledBack",
    "Fast rollback": "FastRolledBack",
}


def _passes_check_point(context: Context, status: Obj) -> bool:
    """Whether the preview of a few pods has done its work, and the rest may come up."""
    preview = dig(context.rollout, "spec", "strategy", "blueGreen", "previewReplicaCount")
    if not isinstance(preview, int) or isinstance(preview, bool):
        return False
    if status["blueGreen"].get(_CHECK_POINT):
        return True
    if changed(context) or context.pausing.aborted:
        return False
    if not rollout_analysis.pre_promotion_is_done(context) or not bluegreen.pause_is_over(context):
        return False
    return number(status, "updatedReplicas") >= preview == available(context.new)
