"""The ReplicaSet of the present template: made, found again, numbered.

Source: argo-rollouts, rollout/sync.go and utils/annotations/annotations.go.
"""

from __future__ import annotations

import copy
from typing import Any

from rolloutctl.sandbox.client import ApiError

from .conditions import condition, of_status, put
from .context import Context
from .ephemeral import inject, metadata_for_new
from .hashing import normalised, normalised_steps
from .objects import (
    DESIRED_REPLICAS,
    EPHEMERAL_METADATA,
    HASH_LABEL,
    REVISION,
    REVISION_HISTORY,
    Obj,
    annotation,
    mapping,
    name,
    namespace,
    number,
    owned_by,
    owner_reference,
    pod_hash,
    revision,
    spec_replicas,
)

_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        "notified.notifications.argoproj.io",
    }
)


def create(context: Context) -> None:
    """Make the new ReplicaSet, with no pods yet, and tell of it; the reconcile ends with that."""
    rollout = context.rollout
    number_ = max((revision(each) for each in context.old), default=0) + 1
    try:
        made = context.cluster.client.create(
            "replicasets", _replica_set(context, number_), namespace(rollout)
        )
    except ApiError as error:
        if error.reason == "AlreadyExists":
            _collided(context)
            return
        named = f"{name(rollout)}-{context.hash}"
        said = f'Failed to create new replica set "{named}": {error.message}'
        context.event("Warning", "ReplicaSetCreateError", said)
        _note(context, "ReplicaSetCreateError", said, made=False)
        raise
    context.took(made)
    _number(context, number_)
    context.event(
        "Normal", "NewReplicaSetCreated", f"Created ReplicaSet {name(made)} (revision {number_})"
    )
    _note(context, "NewReplicaSetCreated", f'Created new replica set "{name(made)}"')


def synchronise(context: Context) -> None:
    """Bring annotations and revision of the found ReplicaSet, and the rollout's, up to date."""
    new = context.new
    assert new is not None
    copied = {
        key: value
        for key, value in mapping(context.rollout, "metadata", "annotations").items()
        if key not in _NOT_COPIED and annotation(new, key) != value
    }
    number_ = max((revision(each) for each in context.old), default=0) + 1
    changed: dict[str, Any] = dict(copied)
    if revision(new) < number_:
        changed[REVISION] = str(number_)
    if changed and annotation(new, REVISION):
        history = [each for each in annotation(new, REVISION_HISTORY).split(",") if each]
        changed[REVISION_HISTORY] = ",".join([*history, annotation(new, REVISION)])
    body: Obj = {"metadata": {"annotations": changed}} if changed else {}
    ready = number(context.rollout, "spec", "minReadySeconds")
    if number(new, "spec", "minReadySeconds") != ready:
        body["spec"] = {"minReadySeconds": ready}
    if body:
        new = context.patch_set(new, body)
    _number(context, revision(new))
    if not any(each.get("type") == "Progressing" for each in of_status(context.status)):
        _note(context, "FoundNewReplicaSet", f'Found new replica set "{name(new)}"')


def clean_up(context: Context) -> None:
    """Delete the oldest of the other ReplicaSets when there are more than are to be kept."""
    keep = number(context.rollout, "spec", "revisionHistoryLimit", default=10)
    surplus = len(context.others) - keep
    for each in context.others[: max(0, surplus)]:
        if spec_replicas(each) == 0 and number(each, "status", "replicas") == 0:
            context.cluster.client.delete("replicasets", name(each), namespace(each))


def _replica_set(context: Context, number_: int) -> Obj:
    rollout = context.rollout
    template = normalised(copy.deepcopy(context.template))
    labels = {**mapping(template, "metadata", "labels"), HASH_LABEL: context.hash}
    template["metadata"] = {**template["metadata"], "labels": labels}
    selector = context.selector
    copied = {
        key: value
        for key, value in mapping(rollout, "metadata", "annotations").items()
        if key not in _NOT_COPIED
    }
    made: Obj = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name(rollout)}-{context.hash}",
            "namespace": namespace(rollout),
            "labels": dict(labels),
            "annotations": {
                **copied,
                REVISION: str(number_),
                DESIRED_REPLICAS: str(context.replicas),
            },
            "ownerReferences": [owner_reference(rollout)],
        },
        "spec": {
            "replicas": 0,
            "selector": {
                **selector,
                "matchLabels": {**mapping(selector, "matchLabels"), HASH_LABEL: context.hash},
            },
            "template": template,
        },
    }
    ready = number(rollout, "spec", "minReadySeconds")
    if ready:
        made["spec"]["minReadySeconds"] = ready
    metadata, written = metadata_for_new(context)
    if written:
        made["metadata"]["annotations"][EPHEMERAL_METADATA] = written
        made["spec"]["template"]["metadata"] = inject(template["metadata"], {}, metadata)
    return made


def _collided(context: Context) -> None:
    rollout = context.rollout
    taken = context.cluster.client.get(
        "replicasets", f"{name(rollout)}-{context.hash}", namespace(rollout)
    )
    if owned_by(taken, rollout) and pod_hash(taken) == context.hash:
        context.took(taken)
        return
    count = number(rollout, "status", "collisionCount") + 1
    context.rollout = context.cluster.write_status(
        "rollouts",
        context.cluster.rollouts,
        rollout,
        {**context.status, "collisionCount": count},
    )


def _number(context: Context, number_: int) -> None:
    """The rollout's own revision, written with an update of the whole object."""
    if annotation(context.rollout, REVISION) == str(number_):
        return
    rollout = copy.deepcopy(context.rollout)
    rollout["metadata"].setdefault("annotations", {})[REVISION] = str(number_)
    # As Go's types would have it: what is empty is left out, resources are always there.
    spec = rollout["spec"]
    if context.workload is None:
        spec["template"] = normalised(spec.get("template") or {})
    canary = (spec.get("strategy") or {}).get("canary")
    if canary and canary.get("steps"):
        canary["steps"] = normalised_steps(canary["steps"])
    for key in ("paused", "restartAt"):
        if not spec.get(key):
            spec.pop(key, None)
    context.rollout = context.cluster.client.update("rollouts", rollout)
    context.cluster.rollouts.put(context.rollout)
    context.event("Normal", "RolloutUpdated", f"Rollout updated to revision {number_}")


def _note(context: Context, reason: str, message: str, *, made: bool = True) -> None:
    """Write a Progressing condition, and nothing but that: the phase stays what it was."""
    status = context.status_copy()
    conditions = of_status(status)
    at = context.cluster.timing.stamp()
    put(conditions, condition("Progressing", str(made), reason, message, at))
    context.cluster.timing.stamped(context.rollout["metadata"]["uid"], "progress", at)
    status["conditions"] = conditions
    status.setdefault("canary", {})
    status.setdefault("blueGreen", {})
    context.rollout = context.cluster.write_status(
        "rollouts", context.cluster.rollouts, context.rollout, status
    )
