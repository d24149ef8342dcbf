"""One reconcile of a blue-green rollout.

Source: argo-rollouts, rollout/bluegreen.go, pause.go, service.go and replicaset.go.
"""

from __future__ import annotations

from . import (
    bluegreen_status,
    ephemeral,
    restart,
    revisions,
    rollbacks,
    rollout_analysis,
    scale_down,
    services,
    status,
)
from .canary import is_scaling_event
from .context import Context
from .objects import (
    HASH_LABEL,
    SCALE_DOWN_DEADLINE,
    Obj,
    annotation,
    dig,
    mapping,
    namespace,
    number,
    pod_hash,
    revision,
    spec_replicas,
    text,
)
from .pausing import BLUE_GREEN_PAUSE, pause_condition
from .saturation import is_saturated
from .sizes import available

DEFAULT_DELAY = 30


def reconcile(context: Context) -> None:
    """Bring it one step on. `context.new` is there and carries its revision."""
    if is_scaling_event(context):
        _resize(context)
        bluegreen_status.resized(context)
        return
    if not context.halted:
        _point(context, "previewService", pod_hash(context.new))
    if status.changed(context):
        bluegreen_status.synchronise(context)
        return
    if restart.reconcile(context):
        return
    if context.promote_full or rollbacks.in_window(context):
        context.pausing.remove_abort()
    _resize(context)
    revisions.clean_up(context)
    _pause(context)
    _switch(context)
    rollout_analysis.reconcile(context)
    ephemeral.reconcile(context)
    bluegreen_status.synchronise(context)


def service_hash(context: Context, key: str) -> str:
    """The pod hash the Service named by `key` of the strategy selects, "" if none."""
    return text(_service(context, key), "spec", "selector", HASH_LABEL)


def is_fast_tracked(context: Context) -> bool:
    """Whether the new version goes live without pause and analysis."""
    active = service_hash(context, "activeService")
    return (
        context.promote_full
        or active in ("", pod_hash(context.new))
        or rollbacks.is_fast(context)
        or rollbacks.in_window(context)
    )


def pause_is_over(context: Context) -> bool:
    """Whether no pause keeps the new version from going live.

    With a countdown only its end counts: who clears the condition starts it again.
    """
    rollout = context.rollout
    if mapping(rollout, "status", "blueGreen").get("scaleUpPreviewCheckPoint"):
        return True
    if not pauses(rollout):
        return True
    condition, seconds = pause_condition(rollout, BLUE_GREEN_PAUSE), countdown(rollout)
    if seconds:
        return condition is not None and context.pausing.waited(condition) > seconds
    return condition is None and dig(rollout, "status", "controllerPause") is True


def pauses(rollout: Obj) -> bool:
    """Whether the controller pauses before the switch at all."""
    strategy = mapping(rollout, "spec", "strategy", "blueGreen")
    return strategy.get("autoPromotionEnabled") is False or countdown(rollout) > 0


def countdown(rollout: Obj) -> int:
    """Seconds after which a pause ends by itself; 0 if it does not."""
    strategy = mapping(rollout, "spec", "strategy", "blueGreen")
    if strategy.get("autoPromotionEnabled") is False:
        return 0
    return number(strategy, "autoPromotionSeconds")


def _service(context: Context, key: str) -> Obj | None:
    wanted = text(context.rollout, "spec", "strategy", "blueGreen", key)
    return context.cluster.services.get(namespace(context.rollout), wanted) if wanted else None


def _point(context: Context, key: str, hashed: str) -> None:
    wanted = text(context.rollout, "spec", "strategy", "blueGreen", key)
    services.point(context, wanted, hashed)


def _new_size(context: Context) -> int:
    """How many pods the new version should have now.

    Source: argo-rollouts, utils/replicaset/replicaset.go (NewRSNewReplicas).
    """
    rollout, replicas = context.rollout, context.replicas
    preview = dig(rollout, "spec", "strategy", "blueGreen", "previewReplicaCount")
    if not isinstance(preview, int) or isinstance(preview, bool) or context.promote_full:
        return replicas
    active = text(context.status, "blueGreen", "activeSelector")
    if all(pod_hash(each) != active for each in context.replica_sets):
        return replicas
    if active == context.hash or rollbacks.is_fast(context) or rollbacks.in_window(context):
        return replicas
    paused = dig(rollout, "spec", "paused") is True or context.status.get("pauseConditions")
    passed = mapping(context.status, "blueGreen").get("scaleUpPreviewCheckPoint")
    if text(context.status, "currentPodHash") == context.hash and passed and not paused:
        return replicas
    return preview


def _is_at_size(context: Context) -> bool:
    wanted = _new_size(context)
    return context.new is not None and spec_replicas(context.new) == wanted == available(
        context.new
    )


def _resize(context: Context) -> None:
    """Size the live and the stable version, the new one and what is left of others."""
    in_use = {service_hash(context, "activeService"), text(context.status, "stableRS")} - {""}
    for each in [each for each in context.replica_sets if pod_hash(each) in in_use]:
        if pod_hash(each) != context.hash:
            scale_down.remove(context, each)
        context.scale(each, context.replicas)
    _resize_new(context)
    _empty_others(context)


def _resize_new(context: Context) -> None:
    new = context.new
    assert new is not None
    if not context.pausing.aborted or context.stable is None or context.fully_promoted:
        if not rollbacks.in_delay(context):
            scale_down.remove(context, new)
        context.scale(context.new or new, _new_size(context))
        return
    given = dig(context.rollout, "spec", "strategy", "blueGreen", "abortScaleDownDelaySeconds")
    delay = given if isinstance(given, int) else DEFAULT_DELAY
    if not delay:
        context.scale(new, _new_size(context))  # 0 means that its pods stay
        return
    if not annotation(new, SCALE_DOWN_DEADLINE):
        # Counted out once the stable version can bear everything.
        if available(context.stable) == context.replicas:
            scale_down.delay(context, new, float(delay))
            context.again(float(delay))
        return
    left = scale_down.left(context, new)
    if left > 0:
        context.again(left)
    elif service_hash(context, "activeService") != pod_hash(new):
        context.scale(new, 0)  # not while all traffic still goes there


def _empty_others(context: Context) -> None:
    """Give old versions their time, and take their pods when it is over."""
    if pause_condition(context.rollout, rollout_analysis.PAUSE) is not None:
        return
    strategy = mapping(context.rollout, "spec", "strategy", "blueGreen")
    if strategy.get("scaleDownDelaySeconds") is None and (
        rollout_analysis.is_analysed_after_the_switch(context)
    ):
        return
    limit = strategy.get("scaleDownDelayRevisionLimit")
    counted = 0
    present = [each for each in context.others if spec_replicas(each)]
    for each in sorted(present, key=revision, reverse=True):
        if pod_hash(each) in _referred(context):
            continue
        has_deadline = annotation(each, SCALE_DOWN_DEADLINE) != ""
        has_place = not isinstance(limit, int) or counted < limit
        counted += has_deadline or has_place
        delay = number(strategy, "scaleDownDelaySeconds", default=DEFAULT_DELAY)
        if not has_place or scale_down.is_over(context, each, delay):
            _empty(context, each)


def _empty(context: Context, replica_set: Obj) -> None:
    scale_down.remove(context, replica_set)
    kept = next(each for each in context.replica_sets if pod_hash(each) == pod_hash(replica_set))
    context.scale(kept, 0)


def _referred(context: Context) -> set[str]:
    """The hashes something still points at."""
    blue_green = mapping(context.status, "blueGreen")
    return {
        text(context.status, "stableRS"),
        text(context.status, "currentPodHash"),
        text(blue_green, "activeSelector"),
        text(blue_green, "previewSelector"),
        service_hash(context, "activeService"),
        service_hash(context, "previewService"),
    }


def _pause(context: Context) -> None:
    """Pause before the switch, or end that pause."""
    rollout = context.rollout
    if context.pausing.aborted or context.halted or not _is_at_size(context):
        return
    passed = mapping(rollout, "status", "blueGreen").get("scaleUpPreviewCheckPoint")
    if is_fast_tracked(context) or passed or not pauses(rollout):
        context.pausing.remove(BLUE_GREEN_PAUSE)
        return
    condition = pause_condition(rollout, BLUE_GREEN_PAUSE)
    if condition is not None:
        seconds = countdown(rollout)
        if pause_is_over(context):
            context.pausing.remove(BLUE_GREEN_PAUSE)
        elif seconds:
            # It is over only when more than the seconds have passed.
            context.again(max(0.0, seconds - context.pausing.waited(condition)) + 0.001)
    elif rollout_analysis.pre_promotion_is_done(context) and not pause_is_over(context):
        context.pausing.add(BLUE_GREEN_PAUSE)


def _switch(context: Context) -> None:
    """Let the active Service select the new version when it may go live, or the stable one again.

    Also on the way back the new version has to be complete.
    """
    if (
        context.halted
        or not _is_at_size(context)
        or not is_saturated(context.new, context.replicas)
    ):
        return
    if context.pausing.aborted:
        _point(context, "activeService", text(context.status, "stableRS"))
    elif is_fast_tracked(context) or (
        pause_is_over(context) and rollout_analysis.pre_promotion_is_done(context)
    ):
        _point(context, "activeService", pod_hash(context.new))
