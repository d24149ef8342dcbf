"""A small Deployment controller: Recreate, and a rolling update one pod at a time."""

from __future__ import annotations

import json

from .cluster import Cluster
from .conditions import condition, of_status, put
from .hashing import encode, fnv
from .objects import (
    Obj,
    annotation,
    dig,
    mapping,
    name,
    namespace,
    number,
    owner_reference,
    spec_replicas,
    text,
)
from .sizes import pods_of

_HASH = "pod-template-hash"
_REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MOST = "deployment.kubernetes.io/max-replicas"


def reconcile(cluster: Cluster, place: str, named: str) -> None:
    """Bring the Deployment `place`/`named` one step on."""
    deployment = cluster.deployments.get(place, named)
    if deployment is None or "deletionTimestamp" in deployment["metadata"]:
        return
    owned = cluster.replica_sets.owned(deployment)
    wanted = _hash_of(deployment)
    new = next((each for each in owned if text(each, "metadata", "labels", _HASH) == wanted), None)
    old = [each for each in owned if each is not new]
    recreate = text(deployment, "spec", "strategy", "type") == "Recreate"
    if recreate and any(spec_replicas(each) or _count(each, "replicas") for each in old):
        for each in old:
            _scale(cluster, deployment, each, 0)
    else:
        new = new or _create(cluster, deployment, wanted, owned)
        replicas = spec_replicas(deployment)
        _scale(cluster, deployment, new, replicas)
        if _count(new, "availableReplicas") >= replicas:
            for each in old:
                _scale(cluster, deployment, each, 0)
    _clean_up(cluster, deployment, old)
    _follow_revision(cluster, deployment, new)
    _report(cluster, deployment, new, cluster.replica_sets.owned(deployment))


def _clean_up(cluster: Cluster, deployment: Obj, old: list[Obj]) -> None:
    keep = number(deployment, "spec", "revisionHistoryLimit", default=10)
    idle = [each for each in old if spec_replicas(each) == _count(each, "replicas") == 0]
    for each in idle[: max(0, len(idle) - keep)]:
        cluster.client.delete("replicasets", name(each), namespace(each))


def _hash_of(deployment: Obj) -> str:
    template = mapping(deployment, "spec", "template")
    return encode(fnv(json.dumps(template, sort_keys=True).encode()))


def _count(replica_set: Obj | None, key: str) -> int:
    return number(replica_set, "status", key)


def _create(cluster: Cluster, deployment: Obj, hashed: str, owned: list[Obj]) -> Obj:
    revision = max((_revision(each) for each in owned), default=0) + 1
    template = json.loads(json.dumps(mapping(deployment, "spec", "template")))
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    labels[_HASH] = hashed
    selector = mapping(deployment, "spec", "selector")
    replicas = spec_replicas(deployment)
    made = cluster.client.create(
        "replicasets",
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"{name(deployment)}-{hashed}",
                "namespace": namespace(deployment),
                "labels": dict(labels),
                "annotations": {_REVISION: str(revision), **_sized_for(deployment)},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": replicas,
                "selector": {
                    **selector,
                    "matchLabels": {**mapping(selector, "matchLabels"), _HASH: hashed},
                },
                "template": template,
            },
        },
        namespace(deployment),
    )
    cluster.replica_sets.put(made)
    said = f"Scaled up replica set {name(made)} from 0 to {replicas}"
    cluster.deployment_events.event(deployment, "Normal", "ScalingReplicaSet", said)
    return made


def _sized_for(deployment: Obj) -> dict[str, str]:
    """The note of what the Deployment wanted when it sized a ReplicaSet."""
    replicas = spec_replicas(deployment)
    surge = 0
    if text(deployment, "spec", "strategy", "type") != "Recreate":
        given = dig(deployment, "spec", "strategy", "rollingUpdate", "maxSurge")
        surge = pods_of(given, replicas, up=True) if replicas else 0
    return {_DESIRED: str(replicas), _MOST: str(replicas + surge)}


def _revision(replica_set: Obj) -> int:
    found = annotation(replica_set, _REVISION)
    return int(found) if found.isdecimal() else 0


def _scale(cluster: Cluster, deployment: Obj, replica_set: Obj, replicas: int) -> None:
    before = spec_replicas(replica_set)
    if before == replicas:
        return
    cluster.replica_sets.put(
        cluster.client.patch(
            "replicasets",
            name(replica_set),
            {
                "metadata": {"annotations": _sized_for(deployment)},
                "spec": {"replicas": replicas},
            },
            namespace(replica_set),
        )
    )
    way = "up" if replicas > before else "down"
    said = f"Scaled {way} replica set {name(replica_set)} from {before} to {replicas}"
    cluster.deployment_events.event(deployment, "Normal", "ScalingReplicaSet", said)


def _follow_revision(cluster: Cluster, deployment: Obj, new: Obj | None) -> None:
    if new is None or annotation(deployment, _REVISION) == annotation(new, _REVISION):
        return
    body = {"metadata": {"annotations": {_REVISION: annotation(new, _REVISION)}}}
    cluster.deployments.put(
        cluster.client.patch("deployments", name(deployment), body, namespace(deployment))
    )


def _report(cluster: Cluster, deployment: Obj, new: Obj | None, owned: list[Obj]) -> None:
    replicas = spec_replicas(deployment)
    available = sum(_count(each, "availableReplicas") for each in owned)
    updated = _count(new, "replicas")
    enough = available >= replicas
    # Of the new version alone: during a crash loop nothing of it is available.
    complete = updated == replicas == sum(_count(each, "replicas") for each in owned)
    complete = complete and _count(new, "availableReplicas") >= replicas
    at = cluster.timing.stamp()
    conditions = of_status(mapping(deployment, "status"))
    has = "has" if enough else "does not have"
    put(
        conditions,
        condition(
            "Available",
            str(enough),
            f"MinimumReplicas{'Available' if enough else 'Unavailable'}",
            f"Deployment {has} minimum availability.",
            at,
        ),
    )
    subject = f'ReplicaSet "{name(new)}"' if new else f'Deployment "{name(deployment)}"'
    put(
        conditions,
        condition(
            "Progressing",
            "True",
            "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated",
            f"{subject} {'has successfully progressed' if complete else 'is progressing'}.",
            at,
        ),
    )
    counts = {
        "replicas": sum(_count(each, "replicas") for each in owned),
        "updatedReplicas": updated,
        "readyReplicas": sum(_count(each, "readyReplicas") for each in owned),
        "availableReplicas": available,
        "unavailableReplicas": max(0, replicas - available),
        "observedGeneration": number(deployment, "metadata", "generation"),
    }
    status: Obj = {key: value for key, value in counts.items() if value}
    status["conditions"] = conditions
    cluster.write_status("deployments", cluster.deployments, deployment, status)
