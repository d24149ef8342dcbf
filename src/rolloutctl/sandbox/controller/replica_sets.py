"""The ReplicaSet controller: as many pods as wanted, and how many of them are ready."""

from __future__ import annotations

import random

from rolloutctl.sandbox.client import ApiError

from . import pods
from .cluster import Cluster
from .objects import (
    Obj,
    items,
    mapping,
    name,
    namespace,
    number,
    owner_reference,
    spec_replicas,
    stamp,
    text,
)

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def reconcile(cluster: Cluster, place: str, named: str) -> None:
    """Bring the ReplicaSet `place`/`named` one step on."""
    replica_set = cluster.replica_sets.get(place, named)
    if replica_set is None or "deletionTimestamp" in replica_set["metadata"]:
        return
    present = [each for each in cluster.pods.owned(replica_set) if not pods.is_gone(each)]
    wanted = spec_replicas(replica_set)
    for _ in range(wanted - len(present)):
        present.append(_create(cluster, replica_set))
    # Kept are those that are ready, and of them the oldest.
    present.sort(key=lambda pod: (not pods.is_ready(pod), _made(pod)))
    for surplus in present[wanted:]:
        _delete(cluster, replica_set, surplus)
    _report(cluster, replica_set, present[:wanted])


def _made(pod: Obj) -> str:
    return text(pod, "metadata", "creationTimestamp")


def _create(cluster: Cluster, replica_set: Obj) -> Obj:
    template = mapping(replica_set, "spec", "template")
    metadata = mapping(template, "metadata")
    prefix = name(replica_set)
    while cluster.pods.get(namespace(replica_set), made := f"{prefix}-{_suffix()}"):
        pass
    described: Obj = {
        "name": made,
        "generateName": f"{prefix}-",
        "namespace": namespace(replica_set),
        "labels": dict(mapping(metadata, "labels")),
        "ownerReferences": [owner_reference(replica_set)],
    }
    if mapping(metadata, "annotations"):
        described["annotations"] = dict(mapping(metadata, "annotations"))
    pod: Obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": described,
        "spec": dict(mapping(template, "spec")),
    }
    created = cluster.client.create("pods", pod, namespace(replica_set))
    cluster.pods.put(created)
    cluster.replica_set_events.event(
        replica_set, "Normal", "SuccessfulCreate", f"Created pod: {made}"
    )
    return created


def _suffix() -> str:
    return "".join(random.choices(_LETTERS, k=5))


def _delete(cluster: Cluster, replica_set: Obj, pod: Obj) -> None:
    try:
        cluster.client.delete("pods", name(pod), namespace(pod))
    except ApiError as error:
        if error.status != 404:
            raise
    cluster.replica_set_events.event(
        replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name(pod)}"
    )


def _report(cluster: Cluster, replica_set: Obj, present: list[Obj]) -> None:
    least = number(replica_set, "spec", "minReadySeconds")
    ready = [each for each in present if pods.is_ready(each)]
    available = 0
    for pod in ready:
        since = pods.ready_since(pod)
        waited = 0.0
        if since is not None and least:
            waited = cluster.timing.elapsed(pod["metadata"]["uid"], "ready", stamp(since))
        if waited >= least:
            available += 1
        else:
            cluster.later(("replicaset", namespace(replica_set), name(replica_set)), least - waited)
    counts = {
        "replicas": len(present),
        "fullyLabeledReplicas": len(present),
        "readyReplicas": len(ready),
        "availableReplicas": available,
        "observedGeneration": number(replica_set, "metadata", "generation"),
    }
    status: Obj = {key: value for key, value in counts.items() if value or key == "replicas"}
    if items(replica_set, "status", "conditions"):
        status["conditions"] = items(replica_set, "status", "conditions")  # not this loop's
    cluster.write_status("replicasets", cluster.replica_sets, replica_set, status)
