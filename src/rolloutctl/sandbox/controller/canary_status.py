"""The status one reconcile of a canary ends with: promotion, abort and advance are decided here.

Source: argo-rollouts, rollout/canary.go (syncRolloutStatusCanary).
"""

from __future__ import annotations

from . import canary, rollbacks, rollout_analysis, rollout_experiments, step_plugins, traffic
from .conditions import is_complete
from .context import Context
from .invalid import selector_text
from .objects import Obj, dig, items, mapping, revision, text
from .pausing import STEP_PAUSE
from .sizes import available
from .status import base, changed, finish, put, steps_hash_of
from .steps import current_step, index_of, is_kind, step_text, steps_of


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
    elif rollbacks.in_window(context):
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


def _base(context: Context) -> Obj:
    """What of the status does not depend on what is decided."""
    status = base(context)
    inner = status["canary"]
    records = context.plugins.records if context.plugins else items(inner, "stepPluginStatuses")
    put(inner, "stepPluginStatuses", records)
    traffic.write(context, inner)
    rollout_experiments.write(context, inner)
    rollout_analysis.write(context, status)
    status["blueGreen"] = {}
    put(status, "readyReplicas", context.total("readyReplicas"))
    put(status, "availableReplicas", context.total("availableReplicas"))
    put(status, "HPAReplicas", context.total("replicas"))
    status["currentStepHash"] = steps_hash_of(context)
    status["selector"] = selector_text(context.selector)
    return status


def _reset(context: Context, status: Obj) -> str | None:
    """Another template or other steps: everything of the attempt before is dropped."""
    context.pausing.clear()
    context.pausing.remove_abort()
    status.pop("promoteFull", None)
    for key in ("stepPluginStatuses", *rollout_analysis.CANARY_FIELDS, "currentExperiment"):
        status["canary"].pop(key, None)
    put(status, "restartedAt", dig(context.rollout, "spec", "restartAt"))
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


def _promotion(context: Context) -> str:
    """Why the new version becomes the stable one with this write, "" if it does not."""
    if context.stable is None:
        return "Initial deploy"
    new = context.new
    if new is None or not _enough(context, new):
        return ""
    if context.promote_full:
        return "Full promotion requested"
    if rollbacks.in_window(context):
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
    if mapping(context.rollout, "spec", "strategy", "canary", "pingPong"):
        # Who was the canary's Service until now is the stable one from here on.
        was_ping = text(status, "canary", "stablePingPong") == "ping"
        status["canary"]["stablePingPong"] = "pong" if was_ping else "ping"
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
    status["canary"].pop(rollout_analysis.STEP.field, None)
    return index + 1


def _step_is_done(context: Context, step: Obj, index: int, status: Obj) -> bool:
    if dig(context.rollout, "spec", "paused") is True:
        return False
    if is_kind(step, "pause"):
        return context.pausing.step_is_over(step)
    if is_kind(step, "setWeight"):
        return canary.at_desired_sizes(context) and traffic.is_verified(context)
    if is_kind(step, "setCanaryScale"):
        return canary.at_desired_sizes(context)
    if is_kind(step, "plugin"):
        failed = context.plugins is not None and context.plugins.failed
        records = items(status, "canary", "stepPluginStatuses")
        return not failed and step_plugins.is_done(records, index)
    if is_kind(step, "analysis"):
        return rollout_analysis.step_is_done(context)
    if is_kind(step, "experiment"):
        return rollout_experiments.step_is_done(context)
    return is_kind(step, "setHeaderRoute") or is_kind(step, "setMirrorRoute")
