"""`status.phase` and `status.message`.

Source: argo-rollouts, utils/rollout/rolloututil.go (CalculateRolloutPhase).
"""

from __future__ import annotations

from .objects import Obj, dig, items, number, spec_replicas, text


def phase_of(rollout: Obj, status: Obj) -> tuple[str, str]:
    """(phase, message) of `rollout`'s spec with `status`; the first rule that fits wins."""
    for condition in items(status, "conditions"):
        message = condition.get("message", "")
        if condition.get("type") == "InvalidSpec":
            return "Degraded", f"InvalidSpec: {message}"
        if condition.get("reason") in ("RolloutAborted", "ProgressDeadlineExceeded"):
            return "Degraded", f"{condition['reason']}: {message}"
    if dig(rollout, "spec", "paused"):
        return "Paused", "manually paused"
    pauses = items(status, "pauseConditions")
    if pauses:
        return "Paused", text(pauses[0], "reason")
    waiting = _waiting(rollout, status)
    return ("Progressing", waiting) if waiting else ("Healthy", "")


def _waiting(rollout: Obj, status: Obj) -> str:
    restart = dig(rollout, "spec", "restartAt")
    if restart is not None and restart != status.get("restartedAt"):
        return "rollout is restarting"
    updated = number(status, "updatedReplicas")
    if updated < spec_replicas(rollout):
        return "more replicas need to be updated"
    if number(status, "availableReplicas") < updated:
        return "updated replicas are still becoming available"
    if dig(rollout, "spec", "strategy", "blueGreen") is not None:
        return _waiting_for_the_switch(rollout, status)
    canary = dig(rollout, "spec", "strategy", "canary")
    if not dig(canary, "trafficRouting") and number(status, "replicas") > updated:
        return "old replicas are pending termination"
    stable = text(status, "stableRS")
    if stable == "" or stable != text(status, "currentPodHash"):
        return "waiting for all steps to complete"
    return ""


def _waiting_for_the_switch(rollout: Obj, status: Obj) -> str:
    current = text(status, "currentPodHash")
    active = text(status, "blueGreen", "activeSelector")
    if active == "" or active != current:
        return "active service cutover pending"
    stable = text(status, "stableRS")
    if stable != "" and stable == current:
        return ""
    if dig(rollout, "spec", "strategy", "blueGreen", "postPromotionAnalysis") is not None:
        run = text(status, "blueGreen", "postPromotionAnalysisRunStatus", "status")
        if run not in _FINAL:
            return "waiting for analysis to complete"
    return "waiting for post-promotion verification to complete"


_FINAL = ("Successful", "Failed", "Error", "Inconclusive")
