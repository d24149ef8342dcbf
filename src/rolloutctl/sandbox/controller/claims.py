"""Which ReplicaSets are a rollout's, and which of them is the one of its template.

Source: argo-rollouts, rollout/replicaset.go and utils/replicaset/replicaset.go (FindNewReplicaSet).
"""

from __future__ import annotations

import json
from typing import Any

from rolloutctl.sandbox.api.defaults import fill_template

from .cluster import Cluster
from .ephemeral import inject
from .hashing import normalised
from .invalid import matches
from .objects import (
    EPHEMERAL_METADATA,
    HASH_LABEL,
    Obj,
    annotation,
    items,
    mapping,
    name,
    namespace,
    owner_reference,
    pod_hash,
    uid,
)


def claim(cluster: Cluster, rollout: Obj) -> None:
    """Adopt the orphans `rollout` selects, and let go of its own that it no longer does."""
    selector = mapping(rollout, "spec", "selector")
    for each in cluster.replica_sets.owned(rollout):
        if pod_hash(each) and not matches(selector, mapping(each, "metadata", "labels")):
            kept = [one for one in _owners(each) if one.get("uid") != uid(rollout)]
            _write_owners(cluster, each, kept)
    for each in cluster.replica_sets.orphans(namespace(rollout)):
        if "deletionTimestamp" in each["metadata"] or not pod_hash(each):
            continue
        if matches(selector, mapping(each, "metadata", "labels")):
            _write_owners(cluster, each, [*_owners(each), owner_reference(rollout)])


def same_template(template: Obj, replica_sets: list[Obj]) -> Obj | None:
    """The oldest of `replica_sets` whose pods are those of `template`, whatever its hash says.

    What a server fills in counts as equal to what says the same, so a template that only spells
    out a default is no new version.
    """
    wanted = _comparable(template)
    return next((each for each in replica_sets if _template_of(each) == wanted), None)


def _template_of(replica_set: Obj) -> Any:
    template = mapping(replica_set, "spec", "template")
    try:
        injected = json.loads(annotation(replica_set, EPHEMERAL_METADATA) or "{}")
    except ValueError:
        injected = {}
    metadata = inject(mapping(template, "metadata"), injected, {})
    return _comparable({**template, "metadata": metadata})


def _comparable(template: Obj) -> Any:
    spec: dict[str, Any] = {"template": normalised(template)}
    fill_template(spec)
    filled = spec["template"]
    metadata = {key: value for key, value in filled["metadata"].items() if value}
    labels = dict(mapping(metadata, "labels"))
    labels.pop(HASH_LABEL, None)
    return {**filled, "metadata": {**metadata, "labels": labels}}


def _owners(replica_set: Obj) -> list[Any]:
    found = items(replica_set, "metadata", "ownerReferences")
    return [each for each in found if isinstance(each, dict)]


def _write_owners(cluster: Cluster, replica_set: Obj, owners: list[Any]) -> None:
    body = {"metadata": {"ownerReferences": owners or None}}
    written = cluster.client.patch("replicasets", name(replica_set), body, namespace(replica_set))
    cluster.replica_sets.put(written)
