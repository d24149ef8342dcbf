"""Server-side apply: what a manager says it wants of an object, and nothing else of it.

What others own it changes only with force; what it wanted before and does not want any more goes,
unless somebody else wants it.

kubectl is a case of its own, as on a real server: it may take over what it had applied itself
before, and the annotation in which it remembers that is kept up to date for it.

Source: Kubernetes, structured-merge-diff (merge.Updater.Apply), apimachinery's managedfields
(lastAppliedManager, lastAppliedUpdater).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rolloutctl.sandbox.store import Managed

from . import bodies, errors, fieldsets, managers, shapes, validation
from .fieldsets import Tree
from .managers import Manager
from .messages import Request
from .resources import Resource
from .routing import Target

KUBECTL = "kubectl"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Applied:
    """The fields an apply named, and what kubectl is to remember of it, empty if nothing."""

    fields: Tree
    note: str = ""


def read(request: Request, target: Target) -> dict[str, Any]:
    """The configuration in the body: what a write of this kind may touch. Raises Refused (400)."""
    found = bodies.read_yaml(request.body)
    if not isinstance(found, dict) or not isinstance(found.get("metadata", {}), dict):
        raise errors.bad_request("error decoding YAML: the configuration is no object")
    for name, expected in (("apiVersion", target.api_version), ("kind", target.resource.kind)):
        if found.get(name) != expected:
            raise errors.bad_request(f"{name} of the configuration must be {expected}")
    name = found.setdefault("metadata", {}).setdefault("name", target.name)
    if name != target.name:
        raise errors.bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({target.name})"
        )
    if found["metadata"].pop("managedFields", None):
        raise errors.bad_request("metadata.managedFields must be nil")
    _, unknown = validation.prune(target.resource, found)
    if unknown:
        group, _, version = target.api_version.rpartition("/")
        typed = f"{group}/{version}, Kind={target.resource.kind}"
        said = (
            f"failed to create typed patch object ({target.namespace}/{target.name}; {typed}): "
            + "; ".join(f".{path}: field not declared in schema" for path in unknown)
        )
        raise errors.Refused(500, "", said)
    return found


def own(target: Target, wanted: dict[str, Any]) -> dict[str, Any]:
    """Of a configuration, what the object or part it was sent to can take from it."""
    if target.part == "status":
        return {name: wanted[name] for name in ("status",) if name in wanted}
    left_out = ("apiVersion", "kind", *(("status",) if target.resource.status else ()))
    return {name: value for name, value in wanted.items() if name not in left_out}


def merged(
    target: Target,
    manager: Manager,
    entries: tuple[Managed, ...],
    live: dict[str, Any],
    wanted: dict[str, Any],
) -> tuple[dict[str, Any], Applied]:
    """What becomes of `live`, and what was applied; both objects are without type.

    Raises Refused: 409 when the manager does not force it and others own what it would change.
    """
    resource, version = target.resource, target.api_version
    sent = managers.applied(resource, wanted)
    about = {**live["metadata"], **_server_side(wanted)}
    after: dict[str, Any] = {**live, "metadata": about}
    for name, value in wanted.items():
        schema = _schema(resource, name)
        after[name] = fieldsets.merge(schema, after[name], value) if name in after else value
    last = managers.last_applied(entries, version, manager)
    gone = fieldsets.minus(last, sent)
    if gone:
        kept = fieldsets.union(managers.others(entries, version, manager), sent)
        for step, node in gone.items():
            name = step[2:]
            below, others = after.get(name), kept.get(step)
            if below is None:
                continue
            rest = fieldsets.removed(_schema(resource, name), below, node, others)
            if name != "metadata" and others is None and (not node or rest in ({}, [])):
                del after[name]
            else:
                after[name] = rest
    if not manager.force:
        more, _ = managers.changed(resource, live, after)
        if found := managers.conflicts(entries, version, manager, more):
            allowed = _from_client_side(resource, live) if manager.name == KUBECTL else set()
            if left := [(entry, path) for entry, path in found if path not in allowed]:
                raise managers.refusal(left)
    note = ""
    if manager.name == KUBECTL and LAST_APPLIED in (about.get("annotations") or {}):
        note = bodies.encode({**_typed(target), **_unannotated(wanted)}).decode() + "\n"
    return after, Applied(sent, note)


def remembered(obj: dict[str, Any], note: str) -> dict[str, Any]:
    """`obj` with what kubectl applied last; nobody owns that for having it brought up to date."""
    annotations = {**(obj["metadata"].get("annotations") or {}), LAST_APPLIED: note}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _from_client_side(resource: Resource, live: dict[str, Any]) -> set[str]:
    """The fields that are as kubectl itself applied them before it left that to the server."""
    text = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED, "")
    try:
        last = json.loads(text)
    except ValueError:
        return set()
    if not isinstance(last, dict) or not isinstance(last.get("metadata", {}), dict):
        return set()
    changed, gone = managers.changed(resource, last, live)
    fields = managers.applied(resource, last)
    same = fieldsets.without(fieldsets.minus(fields, changed), gone)
    return {fieldsets.shown(path) for path in fieldsets.common(same, same)}


def _typed(target: Target) -> dict[str, Any]:
    return {"apiVersion": target.api_version, "kind": target.resource.kind}


def _unannotated(wanted: dict[str, Any]) -> dict[str, Any]:
    about = dict(wanted.get("metadata") or {})
    given = about.get("annotations") or {}
    about["annotations"] = {name: text for name, text in given.items() if name != LAST_APPLIED}
    return {**wanted, "metadata": about}


def _schema(resource: Resource, name: str) -> Any:
    if name == "metadata":
        return shapes.METADATA
    schema = validation.of_kind(resource)
    return shapes.field(schema, name) if isinstance(schema, dict) else shapes.ANY


def _server_side(wanted: dict[str, Any]) -> dict[str, Any]:
    """The preconditions a configuration may state."""
    about = wanted.get("metadata") or {}
    return {name: about[name] for name in ("uid", "resourceVersion") if about.get(name)}
