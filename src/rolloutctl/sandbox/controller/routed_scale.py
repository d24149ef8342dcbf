"""Resizing the ReplicaSets of a canary with traffic routing: pods leave after their traffic has.

Source: argo-rollouts, rollout/canary.go and rollout/replicaset.go.
"""

from __future__ import annotations

from . import scale_down
from .context import Context
from .objects import (
    HASH_LABEL,
    SCALE_DOWN_DEADLINE,
    Obj,
    annotation,
    dig,
    items,
    mapping,
    namespace,
    number,
    pod_hash,
    revision,
    spec_replicas,
    text,
)
from .routed_sizes import abort_delay, is_dynamic, is_routed, strategy_of
from .sizes import available, limits

DEFAULT_DELAY = 30


def keeps_aborted(context: Context) -> bool:
    """Whether the canary of an aborted update keeps its pods for a while."""
    if not context.pausing.aborted or context.stable is None or not is_routed(context.rollout):
        return False
    if abort_delay(context.rollout) is None:
        return False
    given = strategy_of(context.rollout).get("abortScaleDownDelaySeconds") is not None
    return given or not is_dynamic(context.rollout)


def resize_new(context: Context, new: Obj) -> bool:
    """Size the new ReplicaSet; whether that changed anything."""
    wanted = context.sizes(context.weights).canary
    if not keeps_aborted(context):
        return context.scale(new, wanted)
    if annotation(new, SCALE_DOWN_DEADLINE):
        left = scale_down.left(context, new)
        if left > 0:
            context.again(left)
            return False
        return context.scale(new, 0)
    # The stable pods have to be complete before those of the canary are counted out.
    if available(context.stable) >= context.replicas:
        scale_down.delay(context, new, float(abort_delay(context.rollout) or 0))
    return False


def empty_others(context: Context) -> bool:
    """Take the pods of ReplicaSets nothing refers to; whether a size changed."""
    others = [each for each in context.others if spec_replicas(each)]
    if not others:
        return False
    scaled = scale_down.drop_what_does_not_run(context)
    least = context.replicas - limits(context.rollout).unavailable
    spare = context.total("availableReplicas") - least
    strategy = strategy_of(context.rollout)
    limit = strategy.get("scaleDownDelayRevisionLimit")
    places = limit if isinstance(limit, int) else len(others)
    present = [each for each in context.others if spec_replicas(each)]
    for each in sorted(present, key=revision, reverse=True):
        if spare <= 0:
            break
        if _is_referred_to(context, each):
            continue
        size = spec_replicas(each)
        wanted = _wanted(context, each, has_place=places > 0)
        places -= _is_delayed(context, each)
        if context.scale(each, wanted):
            scaled = True
            spare -= size - wanted
    return scaled


def _is_delayed(context: Context, each: Obj) -> bool:
    waits = context.fully_promoted or annotation(each, SCALE_DOWN_DEADLINE) != ""
    return waits and not is_dynamic(context.rollout)


def _wanted(context: Context, each: Obj, *, has_place: bool) -> int:
    """The size of a ReplicaSet that is neither new nor stable, and gets no traffic."""
    if not _is_delayed(context, each) or not has_place:
        return 0
    delay = number(strategy_of(context.rollout), "scaleDownDelaySeconds", default=DEFAULT_DELAY)
    return 0 if scale_down.is_over(context, each, delay) else spec_replicas(each)


def _is_referred_to(context: Context, each: Obj) -> bool:
    """Whether traffic may still reach the pods of `each`."""
    hashed = pod_hash(each)
    weights = mapping(context.status, "canary", "weights")
    known = {
        text(context.status, "stableRS"),
        text(context.status, "currentPodHash"),
        text(weights, "canary", "podTemplateHash"),
        text(weights, "stable", "podTemplateHash"),
    }
    return hashed in known or hashed in _selected(context)


def _selected(context: Context) -> set[str]:
    """The hashes the Services of the strategy and the subsets of its DestinationRule select."""
    rollout, cluster = context.rollout, context.cluster
    strategy, place = strategy_of(rollout), namespace(rollout)
    ping_pong = mapping(strategy, "pingPong")
    names = [text(strategy, key) for key in ("stableService", "canaryService")]
    names += [text(ping_pong, key) for key in ("pingService", "pongService")]
    found = {
        text(cluster.services.get(place, each), "spec", "selector", HASH_LABEL)
        for each in names
        if each
    }
    rule = text(strategy, "trafficRouting", "istio", "destinationRule", "name")
    if rule:
        subsets = items(cluster.destination_rules.get(place, rule), "spec", "subsets")
        found |= {text(dig(each, "labels"), HASH_LABEL) for each in subsets}
    return found
