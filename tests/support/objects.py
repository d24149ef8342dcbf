"""Small objects for tests of the model: what a test does not name is as the cluster leaves it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from rolloutctl.domain.wire import Rollout

START = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
AT = "2026-11-22T14:00:00Z"

GATE = {"plugin": {"name": "demo/gate"}}
SMOKE = {"plugin": {"name": "demo/smoke"}}
PAUSE: dict[str, Any] = {"pause": {}}


def weight(value: int) -> dict[str, Any]:
    return {"setWeight": value}


def record(
    index: int, phase: str, *, name: str = "demo/gate", operation: str = "Run", **fields: Any
) -> dict[str, Any]:
    """One entry of `status.canary.stepPluginStatuses`."""
    return {"index": index, "name": name, "operation": operation, "phase": phase, **fields}


def canary(
    *steps: dict[str, Any],
    index: int | None = 0,
    records: list[dict[str, Any]] | None = None,
    spec: dict[str, Any] | None = None,
    routing: dict[str, Any] | None = None,
    canary_status: dict[str, Any] | None = None,
    **status: Any,
) -> Rollout:
    """A canary in the middle of an update from hash "aaa" to "bbb", Progressing."""
    strategy: dict[str, Any] = {"steps": list(steps)}
    if routing is not None:
        strategy["trafficRouting"] = routing
    own = {"stepPluginStatuses": records or [], **(canary_status or {})}
    return rollout(
        {"replicas": 4, "strategy": {"canary": strategy}, **(spec or {})},
        {
            "phase": "Progressing",
            "message": "more replicas need to be updated",
            "currentStepIndex": index,
            "stableRS": "aaa",
            "currentPodHash": "bbb",
            "canary": own,
            **status,
        },
    )


def aborted(*steps: dict[str, Any], cause: str = "", **more: Any) -> Rollout:
    """A canary that was aborted, as the controller leaves it."""
    message = "Rollout aborted update to revision 2" + (f": {cause}" if cause else "")
    condition = {
        "type": "Progressing",
        "status": "False",
        "reason": "RolloutAborted",
        "message": message,
        "lastTransitionTime": AT,
    }
    status = {
        "phase": "Degraded",
        "message": f"RolloutAborted: {message}",
        "abort": True,
        "abortedAt": AT,
        "conditions": [condition],
    }
    return canary(*steps, **{**status, **more})


def rollout(
    spec: dict[str, Any], status: dict[str, Any], annotations: dict[str, str] | None = None
) -> Rollout:
    """Any rollout, "demo" in namespace "shop", generation 3, observed."""
    found = {
        "metadata": {
            "name": "demo",
            "namespace": "shop",
            "uid": "uid-demo",
            "generation": 3,
            "annotations": {"rollout.argoproj.io/revision": "2", **(annotations or {})},
        },
        "spec": spec,
        "status": {"observedGeneration": "3", **status},
    }
    return msgspec.json.decode(json.dumps(found), type=Rollout)
