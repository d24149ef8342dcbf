"""Resizing the ReplicaSets of a canary, one per reconcile.

Source: argo-rollouts, rollout/canary.go and rollout/replicaset.go.
"""

from __future__ import annotations

from . import routed_scale, scale_down
from .context import Context
from .objects import DESIRED_REPLICAS, Obj, annotation, mapping, number, revision, spec_replicas
from .routed_sizes import is_dynamic, is_routed
from .sizes import available, limits


def is_scaling_event(context: Context) -> bool:
    """Whether `spec.replicas` is another than when the ReplicaSets with pods got their size."""
    for each in (context.new, context.separate_stable):
        if each is None or spec_replicas(each) == 0:
            continue
        wanted = annotation(each, DESIRED_REPLICAS)
        if wanted and wanted != str(context.replicas):
            return True
    return False


def resize(context: Context) -> bool:
    """Resize one ReplicaSet: stable first, then new, then others. Whether one was."""
    if context.halted:
        return False
    _remove_deadlines(context)
    stable, is_split = context.separate_stable, is_routed(context.rollout)
    # What traffic the stable pods get is what is recorded: it moves before they go.
    recorded = mapping(context.status, "canary", "weights")
    if stable is not None and context.scale(stable, context.sizes(recorded).stable):
        return True
    if is_split:
        new = context.new
        return (new is not None and routed_scale.resize_new(context, new)) or (
            routed_scale.empty_others(context)
        )
    if context.new is not None and context.scale(context.new, context.sizes().canary):
        return True
    return _empty_others(context)


def _remove_deadlines(context: Context) -> None:
    """New and stable are in use, also where they had been counted out before."""
    if not routed_scale.keeps_aborted(context):
        scale_down.remove(context, context.new)
    scale_down.remove(context, context.stable)


def at_desired_sizes(context: Context) -> bool:
    """Whether all pods of the present weight are there, and no others."""
    sizes, new, stable = context.sizes(), context.new, context.separate_stable
    if new is None or spec_replicas(new) != sizes.canary or not _enough(context, new, sizes.canary):
        return False
    if stable is not None and not is_dynamic(context.rollout):
        present = number(stable, "status", "replicas")
        if not spec_replicas(stable) == present == sizes.stable:
            return False
    return is_routed(context.rollout) or not any(available(each) for each in context.others)


def _enough(context: Context, new: Obj, target: int) -> bool:
    return available(new) == target or threshold_met(context, new, target)


def threshold_met(context: Context, new: Obj, target: int) -> bool:
    """Whether the strategy's `replicaProgressThreshold` says that so many pods will do."""
    threshold = mapping(context.rollout, "spec", "strategy", "canary", "replicaProgressThreshold")
    if not threshold:
        return False
    value = number(threshold, "value")
    if threshold.get("type") == "Pods":
        return available(new) >= value
    return target > 0 and available(new) * 100 / target >= value


def _empty_others(context: Context) -> bool:
    scaled = scale_down.drop_what_does_not_run(context)
    least = context.replicas - limits(context.rollout).unavailable
    spare = context.total("availableReplicas") - least
    present = [each for each in context.others if spec_replicas(each)]
    for each in sorted(present, key=revision, reverse=True):
        if spare <= 0:
            break
        size = spec_replicas(each)
        scaled |= context.scale(each, max(0, size - spare))
        spare -= min(size, spare)
    return scaled
