"""`workloadRef`: the template of a rollout is that of a Deployment, ReplicaSet or PodTemplate.

Source: argo-rollouts, rollout/templateref.go and rollout/replicaset.go.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rolloutctl.sandbox.api.resources import BY_PLURAL

from .cluster import Cluster
from .objects import (
    WORKLOAD_GENERATION,
    Obj,
    annotation,
    dig,
    mapping,
    name,
    namespace,
    number,
    revision,
    text,
)
from .references import WORKLOADS

if TYPE_CHECKING:
    from .context import Context

RETRY_SECONDS = 20.0
"""Until a workload that is not there is looked for again."""


class Unresolved(Exception):
    """`spec.workloadRef` names nothing usable; the text is the fault as validation words it."""


def resolve(cluster: Cluster, rollout: Obj) -> Obj | None:
    """What `spec.workloadRef` names; None without one. Raises Unresolved."""
    reference = mapping(rollout, "spec", "workloadRef")
    if not reference:
        return None
    if mapping(rollout, "spec", "template"):
        raise Unresolved(
            "spec.template: Internal error: template must be empty for workload reference rollout"
        )
    version, kind = text(reference, "apiVersion"), text(reference, "kind")
    group = version.partition("/")[0] if "/" in version else ""
    plural = WORKLOADS.get(kind)
    if plural is None or BY_PLURAL[plural].group != group:
        raise _fault(reference, f"workload of type {group}/{kind} is not supported")
    wanted = text(reference, "name")
    found = cluster.referred(plural, namespace(rollout), wanted)
    if found is None:
        of_group = f".{group}" if group else ""
        raise _fault(reference, f'{plural}{of_group} "{wanted}" not found')
    return found


def note_generation(cluster: Cluster, rollout: Obj, workload: Obj) -> Obj:
    """The rollout, with an annotation that tells which generation of the workload was seen."""
    seen = str(number(workload, "metadata", "generation"))
    if annotation(rollout, WORKLOAD_GENERATION) == seen:
        return rollout
    body = {"metadata": {"annotations": {WORKLOAD_GENERATION: seen}}}
    written = cluster.client.patch("rollouts", name(rollout), body, namespace(rollout))
    cluster.rollouts.put(written)
    return written


def resolved(rollout: Obj, workload: Obj | None) -> Obj:
    """The rollout as if the workload's template and selector were its own."""
    if workload is None:
        return rollout
    own = {"template": template_of(workload), "selector": selector_of(rollout, workload)}
    return {**rollout, "spec": {**mapping(rollout, "spec"), **own}}


def template_of(workload: Obj) -> Obj:
    """The pod template in a Deployment, ReplicaSet or PodTemplate."""
    if workload.get("kind") == "PodTemplate":
        return mapping(workload, "template")
    return mapping(workload, "spec", "template")


def selector_of(rollout: Obj, workload: Obj | None) -> Obj:
    """The rollout's own selector where it has one, else that of the workload."""
    if dig(rollout, "spec", "selector") is None and workload is not None:
        return mapping(workload, "spec", "selector")
    return mapping(rollout, "spec", "selector")


def scale_down(context: Context) -> None:
    """Take a Deployment's own pods away as those of the rollout's first revision come up."""
    reference, workload = mapping(context.rollout, "spec", "workloadRef"), context.workload
    how = text(reference, "scaleDown")
    if workload is None or workload.get("kind") != "Deployment" or revision(context.rollout) != 1:
        return
    if text(context.status, "phase") == "Healthy" and how in ("onsuccess", "progressively"):
        _scale(context, workload, 0)
    elif how == "progressively":
        ready = number(context.status, "readyReplicas")
        _scale(context, workload, max(0, context.replicas - ready))


def _scale(context: Context, deployment: Obj, replicas: int) -> None:
    if number(deployment, "spec", "replicas", default=1) == replicas:
        return
    context.cluster.client.patch(
        "deployments", name(deployment), {"spec": {"replicas": replicas}}, namespace(deployment)
    )


def _fault(reference: Obj, detail: str) -> Unresolved:
    value = json.dumps(reference, separators=(",", ":"))
    return Unresolved(f"spec.workloadRef: Invalid value: {value}: {detail}")
