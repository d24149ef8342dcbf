"""The ReplicaSet controller: as many pods as wanted, and how many of them are ready."""

from __future__ import annotations

import random

from rolloutctl.sandbox.client import ApiError

from . import pods
from .cluster import Cluster
from .objects import Obj, dig, mapping, name, namespace, number, owner_reference, spec_replicas

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
    # The least useful go first: those not ready, and of the others the youngest.
    present.sort(key=lambda pod: (pods.is_ready(pod), -_age(cluster, pod)), reverse=True)
    for surplus in present[wanted:]:
        _delete(cluster, replica_set, surplus)
    _report(cluster, replica_set, present[:wanted])


def _age(cluster: Cluster, pod: Obj) -> float:
    # Younger pods sort behind older ones, see `reconcile`.
    since = pods.moment_of(dig(pod, "metadata", "creationTimestamp"))
    return -(cluster.timing.now() - since).total_seconds() if since else 0.0


def _create(cluster: Cluster, replica_set: Obj) -> Obj:
    template = mapping(replica_set, "spec", "template")
    metadata = mapping(template, "metadata")
    prefix = name(replica_set)
    while cluster.pods.get(namespace(replica_set), made := f"{prefix}-{_suffix()}"):
        pass
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": made,
            "generateName": f"{prefix}-",
            "namespace": namespace(replica_set),
            "labels": dict(mapping(metadata, "labels")),
            "annotations": dict(mapping(metadata, "annotations")),
            "ownerReferences": [owner_reference(replica_set)],
        },
        "spec": dict(mapping(template, "spec")),
    }
    if not pod["metadata"]["annotations"]:
        del pod["metadata"]["annotations"]
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
        waited = (
            cluster.timing.elapsed(pod["metadata"]["uid"], "ready", pods.stamp(since))
            if (since and least)
            else 0.0
        )
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
    status = {key: value for key, value in counts.items() if value or key == "replicas"}
    cluster.write_status("replicasets", cluster.replica_sets, replica_set, status)
