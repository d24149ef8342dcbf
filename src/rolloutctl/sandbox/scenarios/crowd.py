"""`crowd:N`: one namespace with N rollouts, three ReplicaSets and three pods of each.

What a list of all its pods costs shows there. Like a fleet's, the rollouts are another
controller's, so everything stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from . import fleet
from .fleet_states import REVISION, stamp

Json = dict[str, Any]

NAMESPACE = "crowd"
_HASH = "rollouts-pod-template-hash"
_PODS = 3


def rollout(number: int, namespace: str, now: datetime) -> Json:
    """Rollout `number`, in `namespace`."""
    found = fleet.rollout(number, now)
    found["metadata"]["namespace"] = namespace
    found["spec"]["replicas"] = _PODS
    status = found["status"]
    for field in ("HPAReplicas", "availableReplicas", "readyReplicas", "replicas"):
        status[field] = _PODS
    return found


def replica_sets(owner: Json) -> Iterator[Json]:
    """The ReplicaSets of a stored rollout: the stable one has all the pods."""
    metadata, status = owner["metadata"], owner["status"]
    last = int(metadata["annotations"][REVISION])
    current = status["currentPodHash"]
    hashes = dict.fromkeys([current, status["stableRS"]])
    hashes |= dict.fromkeys(f"{status['stableRS'][:-1]}{digit}" for digit in range(3))
    for age, hash in enumerate(list(hashes)[:3]):
        size = _PODS if hash == status["stableRS"] else 0
        yield _replica_set(owner, hash, last - age, size)


def pods(owner: Json, replica_set: Json, now: datetime) -> Iterator[Json]:
    """The pods of a stored ReplicaSet."""
    for number in range(replica_set["spec"]["replicas"]):
        yield _pod(owner, replica_set, number, now)


def _replica_set(owner: Json, hash: str, revision: int, size: int) -> Json:
    metadata = owner["metadata"]
    labels = {"app": metadata["labels"]["app"], _HASH: hash}
    template = owner["spec"]["template"]
    return {
        "metadata": {
            "name": f"{metadata['name']}-{hash}",
            "namespace": metadata["namespace"],
            "labels": labels,
            "annotations": {REVISION: str(max(revision, 1))},
            "ownerReferences": [_reference(owner, "argoproj.io/v1alpha1", "Rollout")],
        },
        "spec": {
            "replicas": size,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template["spec"]},
        },
        "status": {
            "replicas": size,
            "readyReplicas": size,
            "availableReplicas": size,
            "observedGeneration": 1,
        },
    }


def _pod(owner: Json, replica_set: Json, number: int, now: datetime) -> Json:
    metadata, containers = replica_set["metadata"], owner["spec"]["template"]["spec"]["containers"]
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp(now)}
    return {
        "metadata": {
            "name": f"{metadata['name']}-{number:05d}",
            "namespace": metadata["namespace"],
            "labels": metadata["labels"],
            "ownerReferences": [_reference(replica_set, "apps/v1", "ReplicaSet")],
        },
        "spec": {"containers": containers},
        "status": {
            "phase": "Running",
            "startTime": stamp(now),
            "conditions": [ready],
            "containerStatuses": [
                {
                    "name": each["name"],
                    "image": each["image"],
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": stamp(now)}},
                }
                for each in containers
            ],
        },
    }


def _reference(owner: Json, api_version: str, kind: str) -> Json:
    metadata = owner["metadata"]
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
