"""`stableService` and `canaryService` of a canary, or its ping and pong, follow the two versions.

Source: argo-rollouts, rollout/service.go and rollout/trafficrouting/service_helper.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from .cluster import Cluster
from .context import Context
from .objects import (
    HASH_LABEL,
    MANAGED_BY,
    Obj,
    annotation,
    mapping,
    name,
    namespace,
    pod_hash,
    spec_replicas,
    text,
)
from .references import Named
from .routed_sizes import is_dynamic, is_routed, strategy_of
from .sizes import available


def reconcile(context: Context) -> None:
    """Point the Services at the ReplicaSets whose pods can serve."""
    strategy = strategy_of(context.rollout)
    stable_service, canary_service = (
        text(strategy, "stableService"),
        text(strategy, "canaryService"),
    )
    if mapping(strategy, "pingPong") and not context.fully_promoted:
        _point(context, context.routed_services()[0], context.new, check=False)
    if not text(context.status, "stableRS"):
        _point(context, stable_service, context.new)
        _point(context, canary_service, context.new)
        return
    _point(context, stable_service, context.stable)
    if not context.pausing.aborted or context.fully_promoted:
        if not is_rolling_back_slowly(context):
            _point(context, canary_service, context.new)
    elif not is_routed(context.rollout):
        _point(context, canary_service, context.stable)


def point_back(context: Context) -> None:
    """The traffic of an aborted canary has gone: its Service selects the stable pods, ready or not.

    A real controller points it at the canary again in each reconcile, and then back.
    """
    wanted = text(strategy_of(context.rollout), "canaryService")
    _point(context, wanted, context.stable, check=False)


def is_rolling_back_slowly(context: Context) -> bool:
    """Whether the template is the stable one again, whose pods cannot bear all traffic yet."""
    if not (context.fully_promoted and is_dynamic(context.rollout)):
        return False
    sent = text(context.status, "canary", "weights", "canary", "podTemplateHash")
    return sent not in ("", pod_hash(context.new)) and available(context.new) < context.replicas


def _point(context: Context, wanted: str, target: Obj | None, *, check: bool = True) -> None:
    service = context.cluster.services.get(namespace(context.rollout), wanted) if wanted else None
    if service is None or target is None:
        return
    old, new = text(service, "spec", "selector", HASH_LABEL), pod_hash(target)
    managed = annotation(service, MANAGED_BY) != ""
    if old == new and managed:
        return
    # One that is not yet ours is taken over only when the pods behind it are complete.
    if check and managed and available(target) == 0:
        return
    if check and not managed and available(target) < max(1, spec_replicas(target)):
        return
    _select(context, service, new)


def point(context: Context, wanted: str, hashed: str) -> None:
    """Let the Service `wanted` select the pods of `hashed`, ready or not."""
    service = context.cluster.services.get(namespace(context.rollout), wanted) if wanted else None
    if service is None or not hashed:
        return
    same = text(service, "spec", "selector", HASH_LABEL) == hashed
    if not same or not annotation(service, MANAGED_BY):
        _select(context, service, hashed)


def _select(context: Context, service: Obj, new: str) -> None:
    wanted, old = name(service), text(service, "spec", "selector", HASH_LABEL)
    body: Obj = {"spec": {"selector": {**mapping(service, "spec", "selector"), HASH_LABEL: new}}}
    if not annotation(service, MANAGED_BY):
        body["metadata"] = {"annotations": {MANAGED_BY: name(context.rollout)}}
    cluster = context.cluster
    cluster.services.put(cluster.client.patch("services", name(service), body, namespace(service)))
    said = f"Switched selector for service '{wanted}' from '{old}' to '{new}'"
    context.event("Normal", "SwitchService", said)


def let_go(cluster: Cluster, rollout: Obj, names: Iterable[Named]) -> None:
    """`rollout` no longer refers to these Services: they select all pods of their labels again."""
    for plural, place, named in names:
        service = cluster.services.get(place, named) if plural == "services" else None
        if service is None or annotation(service, MANAGED_BY) != name(rollout):
            continue
        body = {
            "metadata": {"annotations": {MANAGED_BY: None}},
            "spec": {"selector": {HASH_LABEL: None}},
        }
        cluster.services.put(
            cluster.client.patch("services", name(service), body, namespace(service))
        )
