"""Small parts of an explanation: what a test does not name is as the cluster leaves it."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from rolloutctl.domain import wire
from rolloutctl.domain.decision import Seen
from rolloutctl.domain.explain import Material, explain
from rolloutctl.domain.explain.facts import CauseKind, Explanation
from rolloutctl.domain.wire import Rollout
from rolloutctl.domain.wire_details import AnalysisRunDetails, ExperimentDetails
from support.objects import AT

T = TypeVar("T")
HASH = "rollouts-pod-template-hash"
OWNER = {"kind": "Rollout", "name": "demo", "uid": "uid-demo", "controller": True}


def seen(r: Rollout, **raw: Any) -> Seen:
    found = msgspec.json.decode(msgspec.json.encode(r))
    for path, value in raw.items():
        at = found
        *head, last = path.split("__")
        for part in head:
            at = at.setdefault(part, {})
        at[last] = value
    return Seen(r, found)


def explained(r: Rollout, **parts: Any) -> Explanation:
    return explain(Material(seen(r), **parts))


def first(r: Rollout, **parts: Any) -> CauseKind:
    return explained(r, **parts).cause.kind


def decoded(found: dict[str, Any], as_type: type[T]) -> T:
    return msgspec.json.decode(json.dumps(found), type=as_type)


def replica_set(
    hash: str,
    revision: int,
    *,
    wanted: int = 1,
    ready: int = 0,
    failure: str = "",
    annotations: dict[str, str] | None = None,
) -> wire.ReplicaSet:
    conditions = [{"type": "ReplicaFailure", "status": "True", "message": failure}]
    return decoded(
        {
            "metadata": {
                "name": f"demo-{hash}",
                "uid": f"uid-{hash}",
                "labels": {HASH: hash},
                "annotations": {
                    "rollout.argoproj.io/revision": str(revision),
                    **(annotations or {}),
                },
                "ownerReferences": [OWNER],
                "creationTimestamp": f"2026-11-22T13:{revision:02d}:00Z",
            },
            "spec": {"replicas": wanted},
            "status": {
                "replicas": wanted if not failure else 0,
                "readyReplicas": ready,
                "availableReplicas": ready,
                "conditions": conditions if failure else [],
            },
        },
        wire.ReplicaSet,
    )


def pod(hash: str, name: str = "one", **status: Any) -> wire.Pod:
    owner = {"kind": "ReplicaSet", "name": f"demo-{hash}", "uid": f"uid-{hash}", "controller": True}
    return decoded(
        {
            "metadata": {"name": name, "ownerReferences": [owner], "creationTimestamp": AT},
            "spec": {"containers": [{"name": "app", "image": "demo:v2"}]},
            "status": {"phase": "Pending", **status},
        },
        wire.Pod,
    )


def event(
    reason: str,
    message: str,
    *,
    kind: str = "Rollout",
    name: str = "demo",
    last: str = AT,
    **more: Any,
) -> wire.Event:
    about = {"kind": kind, "name": name, "uid": "uid-demo" if kind == "Rollout" else ""}
    return decoded(
        {
            "reason": reason,
            "message": message,
            "type": "Warning",
            "involvedObject": about,
            "lastTimestamp": last,
            **more,
        },
        wire.Event,
    )


def run_of(
    phase: str, *, type: str = "Step", spec: dict[str, Any] | None = None, **status: Any
) -> Any:
    return decoded(
        {
            "metadata": {
                "name": "demo-bbb-2-0",
                "labels": {HASH: "bbb", "rollout-type": type, "step-index": "0"},
                "annotations": {"rollout.argoproj.io/revision": "2"},
                "ownerReferences": [OWNER],
            },
            "spec": spec or {},
            "status": {"phase": phase, **status},
        },
        AnalysisRunDetails,
    )


def trial(phase: str, **status: Any) -> Any:
    return decoded(
        {
            "metadata": {
                "name": "demo-bbb-2-0",
                "labels": {HASH: "bbb"},
                "annotations": {"rollout.argoproj.io/revision": "2"},
                "ownerReferences": [OWNER],
            },
            "status": {"phase": phase, **status},
        },
        ExperimentDetails,
    )


def condition(type: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {
        "type": type,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": AT,
        "lastUpdateTime": AT,
    }
