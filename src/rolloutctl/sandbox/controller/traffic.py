"""The share of traffic the canary gets: decided here, carried out by the routers.

Source: argo-rollouts, rollout/trafficrouting.go.
"""

from __future__ import annotations

from . import services
from .canary import at_desired_sizes
from .context import Context
from .objects import Obj, dig, items, mapping, namespace, number, pod_hash, revision, text
from .routed_sizes import is_dynamic, is_routed, max_weight, strategy_of, weight_in_force
from .routers import Router, routers_of
from .sizes import available
from .steps import current_step, index_of, is_kind, steps_of


def reconcile(context: Context) -> None:
    """Have the routers of the strategy send the canary as much as it should get now.

    Raises RouterError when a router refuses; the reconcile ends with it and is tried again.
    """
    if not is_routed(context.rollout):
        return
    for router in routers_of(context):
        _route(context, router)


def write(context: Context, canary: Obj) -> None:
    """Put `weights` into the canary part of the status."""
    if is_routed(context.rollout) and context.weights:
        canary["weights"] = context.weights
    else:
        canary.pop("weights", None)


def is_verified(context: Context) -> bool:
    """Whether no router says that its weight has not arrived yet."""
    return dig(context.weights, "verified") is not False


def _route(context: Context, router: Router) -> None:
    if _removes_routes(context):
        router.remove_managed_routes()
    weight, additional = _desired(context), experiment_weights(context)
    if not _stable_can_bear(context, max_weight(context.rollout) - weight):
        return
    canary_hash, stable_hash = pod_hash(context.new), pod_hash(context.stable)
    if services.is_rolling_back_slowly(context):
        # What the traffic comes from is the version that was tried, not the new one.
        canary_hash = text(context.status, "canary", "weights", "canary", "podTemplateHash")
    elif context.pausing.aborted and (weight == 0 or not is_dynamic(context.rollout)):
        services.point_back(context)
    _set_routes(context, router)
    if not router.update_hash(canary_hash, stable_hash, additional):
        return
    router.set_weight(weight, additional)
    _record(context, _weights(context, weight, canary_hash, stable_hash, additional))


def _desired(context: Context) -> int:
    """The weight the canary should have; the first rule that fits."""
    rollout, new = context.rollout, context.new
    recorded = number(context.status, "canary", "weights", "canary", "weight")
    if services.is_rolling_back_slowly(context) or (
        context.pausing.aborted and not context.fully_promoted
    ):
        return _stepping_back(context) if is_dynamic(rollout) else 0
    if context.fully_promoted or available(new) == 0:
        return 0
    if context.promote_full:
        if is_dynamic(rollout):
            return max_weight(rollout) * available(new) // max(1, context.replicas)
        return recorded
    steps, index = steps_of(rollout), index_of(rollout)
    if not at_desired_sizes(context):
        earlier = [step for step in steps[:index] if is_kind(step, "setWeight")]
        return number(earlier[-1], "setWeight") if earlier else 0
    return weight_in_force(rollout) if index < len(steps) else max_weight(rollout)


def _stepping_back(context: Context) -> int:
    """The least of the steps' weights that leaves the stable pods no more than they can bear."""
    most = max_weight(context.rollout)
    borne = most * available(context.stable) // max(1, context.replicas)
    recorded = dig(context.status, "canary", "weights", "canary", "weight")
    highest = recorded if isinstance(recorded, int) else most
    steps = [number(each, "setWeight") for each in steps_of(context.rollout)]
    levels = {0, highest, *(each for each in steps if each < highest)}
    return min((each for each in levels if each >= most - borne), default=highest)


def _stable_can_bear(context: Context, weight: int) -> bool:
    stable = context.stable
    if stable is None:
        return False
    return available(stable) * max_weight(context.rollout) >= weight * context.replicas


def _removes_routes(context: Context) -> bool:
    if services.is_rolling_back_slowly(context):
        return False
    promoted = context.fully_promoted or context.promote_full
    return promoted or context.pausing.aborted or available(context.new) == 0


def _set_routes(context: Context, router: Router) -> None:
    step = current_step(context.rollout)
    if step is None or revision(context.rollout) <= 1:
        return
    if is_kind(step, "setHeaderRoute"):
        router.set_header_route(mapping(step, "setHeaderRoute"))
    if is_kind(step, "setMirrorRoute"):
        router.set_mirror_route(mapping(step, "setMirrorRoute"))


def experiment_weights(context: Context) -> list[Obj]:
    """What the templates of a running Experiment get, as `status.canary.weights` has it."""
    if context.fully_promoted or context.pausing.aborted or context.promote_full:
        return []
    running = text(context.status, "canary", "currentExperiment")
    rollout = context.rollout
    steps, index = steps_of(rollout), index_of(rollout)
    if not running or index >= len(steps):
        return []
    found = context.cluster.experiments.get(namespace(rollout), running)
    step = next((s for s in reversed(steps[: index + 1]) if is_kind(s, "experiment")), {})
    if found is None or text(found, "status", "phase") != "Running":
        return []
    weights = {
        text(each, "name"): number(each, "weight")
        for each in items(step, "experiment", "templates")
        if isinstance(dig(each, "weight"), int)
    }
    return [
        {
            "weight": weights[text(each, "name")],
            "serviceName": text(each, "serviceName"),
            "podTemplateHash": text(each, "podTemplateHash"),
        }
        for each in items(found, "status", "templateStatuses")
        if text(each, "name") in weights
    ]


def _weights(
    context: Context, weight: int, canary_hash: str, stable_hash: str, additional: list[Obj]
) -> Obj:
    strategy = strategy_of(context.rollout)
    rest = max_weight(context.rollout) - weight - sum(each["weight"] for each in additional)
    weights: Obj = {
        "canary": _destination(weight, text(strategy, "canaryService"), canary_hash),
        "stable": _destination(rest, text(strategy, "stableService"), stable_hash),
    }
    if additional:
        weights["additional"] = additional
    return weights


def _destination(weight: int, service: str, hashed: str) -> Obj:
    found = {"weight": weight, "serviceName": service, "podTemplateHash": hashed}
    return {key: value for key, value in found.items() if value != ""}


def _record(context: Context, weights: Obj) -> None:
    before = mapping(context.status, "canary", "weights")
    if before == weights:
        return
    context.weights = weights
    said, new = [], weights["canary"]["weight"]
    old = number(before, "canary", "weight")
    if not before:
        said.append(f"to {new}")
    elif old != new:
        said.append(f"from {old} to {new}")
    if before and before.get("additional") != weights.get("additional"):
        said.append(f"additional: {_told(weights.get('additional', []))}")
    context.event("Normal", "TrafficWeightUpdated", f"Traffic weight updated {', '.join(said)}")


def _told(additional: list[Obj]) -> str:
    """As Go prints a list of structs."""
    parts = (f"{{{a['weight']} {a['serviceName']} {a['podTemplateHash']}}}" for a in additional)
    return f"[{' '.join(parts)}]"
