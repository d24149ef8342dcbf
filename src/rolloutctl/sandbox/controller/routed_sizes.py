"""How many pods the canary and the stable ReplicaSet should have where a router splits traffic.

Pods then do not make the weight, they only have to bear it: no surge, no limit of unavailability.

Source: argo-rollouts, utils/replicaset/canary.go (CalculateReplicaCountsForTrafficRoutedCanary).
"""

from __future__ import annotations

from .objects import Obj, dig, mapping, number, spec_replicas, text
from .sizes import Sizes
from .steps import index_of, is_kind, set_weight, steps_of

DEFAULT_ABORT_DELAY = 30


def strategy_of(rollout: Obj) -> Obj:
    """The canary strategy, {} in a blue-green rollout."""
    return mapping(rollout, "spec", "strategy", "canary")


def is_routed(rollout: Obj) -> bool:
    """Whether the strategy has traffic routing, even one without any router."""
    return dig(rollout, "spec", "strategy", "canary", "trafficRouting") is not None


def max_weight(rollout: Obj) -> int:
    """What all traffic comes to: 100, unless the strategy says otherwise."""
    return number(strategy_of(rollout), "trafficRouting", "maxTrafficWeight", default=100) or 100


def is_dynamic(rollout: Obj) -> bool:
    """Whether the stable ReplicaSet shrinks as traffic leaves it."""
    return is_routed(rollout) and strategy_of(rollout).get("dynamicStableScale") is True


def abort_delay(rollout: Obj) -> int | None:
    """Seconds an aborted canary keeps its pods; None if it is left as it is (an explicit 0)."""
    found = strategy_of(rollout).get("abortScaleDownDelaySeconds")
    if not isinstance(found, int):
        return DEFAULT_ABORT_DELAY
    return found or None


def weight_in_force(rollout: Obj) -> int:
    """The `setWeight` in force, as a share of `max_weight`."""
    if not dig(rollout, "status", "abort") and index_of(rollout) >= len(steps_of(rollout)):
        return max_weight(rollout)
    return set_weight(rollout)


def canary_scale(rollout: Obj, *, aborted: bool) -> Obj:
    """The `setCanaryScale` in force, {} if the canary's size follows the weight."""
    if aborted and abort_delay(rollout) is not None:
        return {}
    steps, index = steps_of(rollout), index_of(rollout)
    if index >= len(steps):
        return {}
    for step in reversed(steps[: index + 1]):
        if is_kind(step, "setCanaryScale"):
            found = mapping(step, "setCanaryScale")
            return {} if found.get("matchTrafficWeight") is True else found
    return {}


def routed(rollout: Obj, *, aborted: bool, weights: Obj, alone: bool) -> Sizes:
    """The sizes wanted now.

    `weights`: the `status.canary.weights` the pods have to bear at least, {} for none.
    `alone`: whether there is no stable ReplicaSet beside the new one.
    """
    replicas, most = spec_replicas(rollout), max_weight(rollout)
    if alone:
        return Sizes(replicas, 0)

    def pods(weight: int) -> int:
        return -(-weight * replicas // most)

    def at_least(size: int) -> int:
        least = number(strategy_of(rollout), "minPodsPerReplicaSet")
        return size if size == 0 else max(size, min(least, replicas))

    weight, exact = _wanted(rollout, aborted=aborted)
    canary = at_least(pods(weight)) if exact is None else exact
    if not is_dynamic(rollout):
        return Sizes(canary, replicas)
    stable = max(pods(most - weight), pods(number(weights, "stable", "weight")))
    if aborted:
        canary = max(canary, pods(number(weights, "canary", "weight")))
    return Sizes(at_least(canary), at_least(stable))


def _wanted(rollout: Obj, *, aborted: bool) -> tuple[int, int | None]:
    """(weight, pods of the canary where a step says so)"""
    status = mapping(rollout, "status")
    stable, most = text(status, "stableRS"), max_weight(rollout)
    if status.get("promoteFull") is True or stable in ("", text(status, "currentPodHash")):
        return most, None
    scale = canary_scale(rollout, aborted=aborted)
    if isinstance(scale.get("replicas"), int):
        return 0, number(scale, "replicas")
    if isinstance(scale.get("weight"), int):
        # A percentage of the pods, whatever all traffic comes to.
        return number(scale, "weight") * most // 100, None
    return (0 if aborted else weight_in_force(rollout)), None
