"""`stableService` and `canaryService` of a basic canary follow the two versions.

Source: argo-rollouts, rollout/service.go.
"""

from __future__ import annotations

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
from .references import services_named_by
from .sizes import available


def reconcile(context: Context) -> None:
    """Point the Services at the ReplicaSets whose pods can serve."""
    if not text(context.status, "stableRS"):
        canary_target = stable_target = context.new
    else:
        stable_target = context.stable
        back = context.pausing.aborted or context.fully_promoted
        canary_target = stable_target if back else context.new
    _point(context, "stableService", stable_target)
    _point(context, "canaryService", canary_target)


def _point(context: Context, key: str, target: Obj | None) -> None:
    wanted = text(context.rollout, "spec", "strategy", "canary", key)
    service = context.cluster.services.get(namespace(context.rollout), wanted) if wanted else None
    if service is None or target is None:
        return
    old, new = text(service, "spec", "selector", HASH_LABEL), pod_hash(target)
    managed = annotation(service, MANAGED_BY) != ""
    if old == new and managed:
        return
    # One that is not yet ours is taken over only when the pods behind it are complete.
    if managed and available(target) == 0:
        return
    if not managed and available(target) < max(1, spec_replicas(target)):
        return
    body: Obj = {"spec": {"selector": {**mapping(service, "spec", "selector"), HASH_LABEL: new}}}
    if not managed:
        body["metadata"] = {"annotations": {MANAGED_BY: name(context.rollout)}}
    cluster = context.cluster
    cluster.services.put(cluster.client.patch("services", name(service), body, namespace(service)))
    said = f"Switched selector for service '{wanted}' from '{old}' to '{new}'"
    context.event("Normal", "SwitchService", said)


def release(context: Context) -> None:
    """The rollout is gone: its Services select all pods of the labels again."""
    for wanted in services_named_by(context.rollout):
        cluster = context.cluster
        service = cluster.services.get(namespace(context.rollout), wanted)
        if service is None or annotation(service, MANAGED_BY) != name(context.rollout):
            continue
        body = {
            "metadata": {"annotations": {MANAGED_BY: None}},
            "spec": {"selector": {HASH_LABEL: None}},
        }
        cluster.services.put(
            cluster.client.patch("services", name(service), body, namespace(service))
        )
