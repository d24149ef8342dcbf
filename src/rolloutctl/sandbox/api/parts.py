"""Subresources other than status and log: scale and eviction."""

from __future__ import annotations

from typing import Any

from rolloutctl.sandbox.store import Record, Store

from . import bodies, errors, managers, patching, reading
from .deleting import Deleter
from .messages import Request, Response
from .routing import Target
from .writing import Writer


def answer(
    store: Store, writer: Writer, deleter: Deleter, target: Target, request: Request
) -> Response:
    """Answer a request for a subresource. Raises Refused."""
    if target.part == "scale":
        return _scale(store, writer, target, request)
    if target.part == "eviction":
        return _evict(deleter, target, request)
    # namespaces/finalize: the collector here needs no help.
    return Response(200, managers.full("v1", "Namespace", reading.existing(store, target)))


def _scale(store: Store, writer: Writer, target: Target, request: Request) -> Response:
    whole = Target(target.resource, target.version, target.verb, target.namespace, target.name)
    if target.verb == "get":
        return Response(200, bodies.encode(_scale_of(target, reading.existing(store, whole))))

    def change(obj: dict[str, Any], patch: Any) -> dict[str, Any]:
        scale = _scale_of(target, reading.existing(store, whole))
        if target.verb == "update":
            wanted = patch if isinstance(patch, dict) else {}
        elif bodies.media_type(request) == patching.JSON_PATCH:
            wanted = patching.apply_json_patch(scale, patch)
        else:
            wanted = patching.apply_merge(scale, patch)
        spec = wanted.get("spec")
        replicas = spec.get("replicas", 0) if isinstance(spec, dict) else spec
        if type(replicas) is not int:
            raise errors.bad_request(
                f"json: cannot unmarshal {patching.json_type(replicas)}"
                " into Go struct field ScaleSpec.spec.replicas of type int32"
            )
        meta = dict(obj["metadata"])
        given = wanted.get("metadata")
        if isinstance(given, dict) and given.get("resourceVersion"):
            meta["resourceVersion"] = given["resourceVersion"]
        return {**obj, "metadata": meta, "spec": {**(obj.get("spec") or {}), "replicas": replicas}}

    if target.verb == "update":
        as_patch = {**request.headers, "content-type": patching.MERGE_PATCH}
        request = Request(request.method, request.path, request.query, as_patch, request.body)
    written = writer.patch_with(whole, request, change)
    return Response(200, bodies.encode(_scale_of(target, written.record)))


def _scale_of(target: Target, record: Record) -> dict[str, Any]:
    obj = record.decode()
    meta = obj["metadata"]
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    about = {
        name: meta[name]
        for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        if name in meta
    }
    custom = target.resource.custom
    shown: dict[str, Any] = {"replicas": status.get("HPAReplicas" if custom else "replicas", 0)}
    selector = status.get("selector") if custom else _selector_text(spec.get("selector"))
    if selector:
        shown["selector"] = selector
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": about,
        "spec": {"replicas": spec.get("replicas", 0)},
        "status": shown,
    }


def _selector_text(selector: Any) -> str:
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items()))


def _evict(deleter: Deleter, target: Target, request: Request) -> Response:
    body = bodies.read_json(request, "") if request.body.strip() else {}
    options = body.get("deleteOptions") if isinstance(body, dict) else None
    pod = Target(target.resource, target.version, "delete", target.namespace, target.name)
    headers = {**request.headers, "content-type": "application/json"}
    deleter.delete(
        pod, Request("DELETE", request.path, request.query, headers, bodies.encode(options or {}))
    )
    done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return Response(201, bodies.encode(done))
