"""The ReplicaSet and the Service of each template of an Experiment.

Source: argo-rollouts, experiments/replicaset.go and service.go.
"""

from __future__ import annotations

import copy

from rolloutctl.sandbox.client import ApiError
from rolloutctl.sandbox.controller.hashing import normalised, template_hash
from rolloutctl.sandbox.controller.objects import (
    HASH_LABEL,
    SCALE_DOWN_DEADLINE,
    Obj,
    annotation,
    dig,
    items,
    mapping,
    moment_of,
    name,
    namespace,
    number,
    owned_by,
    owner_reference,
    pod_hash,
    spec_replicas,
    text,
    uid,
)
from rolloutctl.sandbox.controller.run_history import FINAL
from rolloutctl.sandbox.controller.sizes import available

from .look import HAIR, Look

EXPERIMENT = "experiment.argoproj.io/name"
TEMPLATE = "experiment.argoproj.io/template-name"
DEADLINE_SECONDS = 600


def reconcile(look: Look, template: Obj) -> None:
    """Bring what there is of `template` one step on, and its entry in the status with it."""
    entry = look.template_status(text(template, "name"))
    found = of(look, template)
    if found is None and not look.is_ending and text(entry, "status") not in FINAL:
        found = _create(look, template, entry)
        _move_on(look, template, entry, None)
    else:
        if found is not None:
            found = _scale(look, template, entry, found)
        _move_on(look, template, entry, found)
    _serve(look, template, entry, found)
    _count(entry, found)


def of(look: Look, template: Obj) -> Obj | None:
    """The ReplicaSet of that template."""
    for each in look.cluster.replica_sets.owned(look.experiment):
        if annotation(each, TEMPLATE) == text(template, "name"):
            return each
    return None


def _create(look: Look, template: Obj, entry: Obj) -> Obj | None:
    """Made without pods: it is resized with the next look."""
    body = _replica_set(look, template)
    place = namespace(look.experiment)
    try:
        made = look.cluster.client.create("replicasets", body, place)
    except ApiError as error:
        if error.reason == "AlreadyExists":
            taken = look.cluster.client.get("replicasets", name(body), place)
            if owned_by(taken, look.experiment):
                look.cluster.replica_sets.put(taken)
                return taken
        said = f"Failed to create ReplicaSet '{name(body)}' for template '{entry['name']}'"
        look.move(entry, "Error", f"{said}: {error.message}")
        return None
    look.cluster.replica_sets.put(made)
    return made


def _replica_set(look: Look, template: Obj) -> Obj:
    pods = normalised(copy.deepcopy(mapping(template, "template")))
    labels = {
        key: value
        for key, value in mapping(pods, "metadata", "labels").items()
        if key != HASH_LABEL
    }
    # The hash of the ReplicaSet it was taken from is no part of what is hashed.
    pods["metadata"] = {**pods["metadata"], "labels": labels}
    if not labels:
        pods["metadata"].pop("labels")
    hashed = template_hash(pods)
    pods["metadata"]["labels"] = {**labels, HASH_LABEL: hashed}
    selector = mapping(template, "selector")
    wanted = {**mapping(selector, "matchLabels"), HASH_LABEL: hashed}
    made: Obj = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name(look.experiment)}-{text(template, 'name')}",
            "namespace": namespace(look.experiment),
            "labels": dict(pods["metadata"]["labels"]),
            "annotations": _annotations(look, template),
            "ownerReferences": [owner_reference(look.experiment)],
        },
        "spec": {
            "replicas": 0,
            "selector": {**selector, "matchLabels": wanted},
            "template": pods,
        },
    }
    ready = number(template, "minReadySeconds")
    if ready:
        made["spec"]["minReadySeconds"] = ready
    return made


def _annotations(look: Look, template: Obj) -> Obj:
    return {EXPERIMENT: name(look.experiment), TEMPLATE: text(template, "name")}


def _wanted(template: Obj) -> int:
    return number(template, "replicas", default=1)


def _scale(look: Look, template: Obj, entry: Obj, found: Obj) -> Obj:
    """Up when pods are wanted, down some time after they are not."""
    if not look.is_ending and text(entry, "status") not in FINAL:
        body: Obj = {}
        if annotation(found, SCALE_DOWN_DEADLINE):
            body["metadata"] = {"annotations": {SCALE_DOWN_DEADLINE: None}}
        return _resize(look, found, _wanted(template), body)
    if spec_replicas(found) == 0:
        return found
    delay = look.scale_down_delay()
    deadline = moment_of(annotation(found, SCALE_DOWN_DEADLINE))
    if deadline is None and delay > 0:
        at = look.cluster.timing.stamp_in(delay)
        found = _patch(look, found, {"metadata": {"annotations": {SCALE_DOWN_DEADLINE: at}}})
        deadline = moment_of(at)
    if deadline is not None:
        timing = look.cluster.timing
        left = (deadline - timing.now()).total_seconds() * look.cluster.clock.speed
        if left > 0:
            look.again(left + HAIR)
            return found
    return _resize(look, found, 0, {})


def _resize(look: Look, found: Obj, to: int, body: Obj) -> Obj:
    before = spec_replicas(found)
    if before != to:
        body = {**body, "spec": {"replicas": to}}
    if not body:
        return found
    written = _patch(look, found, body)
    if before != to:
        way = "up" if to > before else "down"
        said = f"Scaled {way} ReplicaSet {name(found)} from {before} to {to}"
        look.event("Normal", "ScalingReplicaSet", said)
    return written


def _patch(look: Look, found: Obj, body: Obj) -> Obj:
    written = look.cluster.client.patch("replicasets", name(found), body, namespace(found))
    look.cluster.replica_sets.put(written)
    return written


def _move_on(look: Look, template: Obj, entry: Obj, found: Obj | None) -> None:
    """Progressing, Running, and how it ends."""
    if text(entry, "status") in FINAL:
        return
    if look.is_ending:
        look.move(entry, "Successful")
        return
    wanted = _wanted(template)
    if found is not None and spec_replicas(found) == wanted and available(found) >= wanted:
        look.move(entry, "Running")
        return
    look.move(entry, "Progressing")
    deadline = number(look.experiment, "spec", "progressDeadlineSeconds", default=DEADLINE_SECONDS)
    since = text(entry, "lastTransitionTime")
    waited = look.cluster.timing.elapsed(uid(look.experiment), text(entry, "name"), since)
    if waited > deadline:
        said = f"Template '{entry['name']}' exceeded its progressDeadlineSeconds ({deadline})"
        look.move(entry, "Failed", said)
    else:
        look.again(deadline - waited + HAIR)


def _count(entry: Obj, found: Obj | None) -> None:
    replicas = number(found, "status", "replicas")
    entry.update(
        replicas=replicas,
        updatedReplicas=replicas,
        readyReplicas=number(found, "status", "readyReplicas"),
        availableReplicas=available(found),
    )


def _serve(look: Look, template: Obj, entry: Obj, found: Obj | None) -> None:
    """The Service is there as long as there are pods to serve."""
    asked, ports = template.get("service"), _ports(template)
    if not isinstance(asked, dict) or not ports or found is None:
        return
    wanted, place = text(asked, "name") or name(found), namespace(look.experiment)
    present = look.cluster.services.get(place, wanted)
    if spec_replicas(found) == 0:
        ours = present is not None and owned_by(present, look.experiment)
        if ours and (look.is_ending or text(entry, "status") in FINAL):
            look.cluster.client.delete("services", wanted, place)
            entry.pop("serviceName", None)
            entry.pop("podTemplateHash", None)
        return
    if present is None:
        body = _service(look, template, wanted, found, ports)
        try:
            present = look.cluster.client.create("services", body, place)
        except ApiError as error:
            said = f"Failed to create Service '{wanted}' for template '{entry['name']}'"
            look.move(entry, "Error", f"{said}: {error.message}")
            return
        look.cluster.services.put(present)
    entry.update(serviceName=wanted, podTemplateHash=pod_hash(found))


def _ports(template: Obj) -> list[Obj]:
    return [
        {
            "port": port["containerPort"],
            "targetPort": port["containerPort"],
            "protocol": text(port, "protocol") or "TCP",
            "name": text(port, "name")
            or f"{text(port, 'protocol') or 'TCP'}-{port['containerPort']}".lower(),
        }
        for container in items(template, "template", "spec", "containers")
        for port in items(container, "ports")
        if isinstance(dig(port, "containerPort"), int)
    ]


def _service(look: Look, template: Obj, wanted: str, found: Obj, ports: list[Obj]) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": wanted,
            "namespace": namespace(look.experiment),
            "annotations": _annotations(look, template),
            "ownerReferences": [owner_reference(look.experiment)],
        },
        "spec": {"selector": mapping(found, "spec", "selector", "matchLabels"), "ports": ports},
    }
