"""Small readers of the dict objects the API returns. Missing and null mean the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Obj = dict[str, Any]

HASH_LABEL = "rollouts-pod-template-hash"
REVISION = "rollout.argoproj.io/revision"
REVISION_HISTORY = "rollout.argoproj.io/revision-history"
DESIRED_REPLICAS = "rollout.argoproj.io/desired-replicas"
EPHEMERAL_METADATA = "rollout.argoproj.io/ephemeral-metadata"
WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation"
SCALE_DOWN_DEADLINE = "scale-down-deadline"
MANAGED_BY = "argo-rollouts.argoproj.io/managed-by-rollouts"


def dig(obj: Any, *path: str) -> Any:
    """The value at `path`, None where any part of it is missing or no object."""
    for key in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj


def mapping(obj: Any, *path: str) -> Obj:
    found = dig(obj, *path)
    return found if isinstance(found, dict) else {}


def items(obj: Any, *path: str) -> list[Any]:
    found = dig(obj, *path)
    return found if isinstance(found, list) else []


def number(obj: Any, *path: str, default: int = 0) -> int:
    found = dig(obj, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def text(obj: Any, *path: str) -> str:
    found = dig(obj, *path)
    return found if isinstance(found, str) else ""


def name(obj: Obj) -> str:
    return text(obj, "metadata", "name")


def namespace(obj: Obj) -> str:
    return text(obj, "metadata", "namespace")


def uid(obj: Obj) -> str:
    return text(obj, "metadata", "uid")


def annotation(obj: Obj, key: str) -> str:
    return text(obj, "metadata", "annotations", key)


def pod_hash(replica_set: Obj | None) -> str:
    return text(replica_set, "metadata", "labels", HASH_LABEL) if replica_set else ""


def revision(obj: Obj | None) -> int:
    """The number in the revision annotation, 0 without one."""
    found = annotation(obj, REVISION) if obj else ""
    return int(found) if found.isdecimal() else 0


def spec_replicas(obj: Obj | None) -> int:
    """How many pods are wanted; 1 where it is not said, 0 for no object."""
    return number(obj, "spec", "replicas", default=1) if obj else 0


def owner(obj: Obj) -> Obj | None:
    """The controller among the owner references."""
    for reference in items(obj, "metadata", "ownerReferences"):
        if isinstance(reference, dict) and reference.get("controller"):
            return reference
    return None


def owned_by(obj: Obj, other: Obj) -> bool:
    found = owner(obj)
    return found is not None and found.get("uid") == uid(other)


def owner_reference(obj: Obj) -> Obj:
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": name(obj),
        "uid": uid(obj),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def stamp(moment: datetime) -> str:
    """RFC 3339, UTC, whole seconds, as the API writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(stamped: Any) -> datetime | None:
    """The moment an RFC 3339 text names, None when it names none."""
    if not isinstance(stamped, str):
        return None
    try:
        found = datetime.fromisoformat(stamped.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
