"""A fleet of a few teams in every state, as an API would list it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
GATE = "demo/jenkins-gate"
WAITING = 1
"""The first of those that wait for a person."""
_STEPS: list[dict[str, Any]] = [
    {"setWeight": 10},
    {"plugin": {"name": GATE}},
    {"pause": {}},
    {"pause": {"duration": "10m"}},
]
_CAUSES = (
    f"Step Plugin 2 ({GATE}) failed: job smoke #%d: FAILURE",
    f"Step Plugin 2 ({GATE}) failed: job smoke #%d: ABORTED",
    'Step-based analysis phase error/failed: Metric "success-rate" assessed Failed due to'
    " failed (%d) > failureLimit (1)",
    "",
)


def rollouts(count: int) -> list[dict[str, Any]]:
    """Of 20 rollouts 15 are Healthy; the others wait, run the gate, were aborted, hang."""
    return [_rollout(number) for number in range(count)]


def _rollout(number: int) -> dict[str, Any]:
    blue_green = number % 6 == 5
    strategy = {"blueGreen": {}} if blue_green else {"canary": {"steps": _STEPS}}
    return {
        "metadata": {
            "name": f"app-{number:03d}",
            "namespace": f"area-{number // 40 + 1}",
            "uid": str(number),
            "generation": 1,
            "labels": {"team": ("cash", "shop", "mail")[number // 20 % 3]},
        },
        "spec": {"replicas": 2, "strategy": strategy},
        "status": {
            "observedGeneration": "1",
            "replicas": 2,
            "readyReplicas": 2,
            "currentPodHash": "d54x6",
            "stableRS": "b7f9c",
            "currentStepHash": "5c9d7b8f64",
            **_status(number, stamp(number)),
        },
    }


def stamp(number: int) -> str:
    """When a rollout came to be as it is."""
    return f"{NOW - timedelta(minutes=7 + number * 61 % 1400):%Y-%m-%dT%H:%M:%SZ}"


def _status(number: int, at: str) -> dict[str, Any]:
    match number % 20:
        case 1 | 7:
            return {
                "phase": "Paused",
                "message": "CanaryPauseStep",
                "currentStepIndex": 2,
                "controllerPause": True,
                "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": at}],
            }
        case 2:
            run = {"index": 1, "name": GATE, "operation": "Run", "phase": "Running"}
            return {
                "phase": "Progressing",
                "message": "more replicas need to be updated",
                "currentStepIndex": 1,
                "canary": {"stepPluginStatuses": [{**run, "startedAt": at, "updatedAt": at}]},
                "conditions": [_condition("ReplicaSetUpdated", "is progressing", at)],
            }
        case 3:
            cause = _CAUSES[number // 20 % len(_CAUSES)]
            text = "Rollout aborted update to revision 2"
            text += f": {cause % number}" if cause else ""
            run = {"index": 1, "name": GATE, "operation": "Run", "phase": "Failed"}
            runs = [{**run, "startedAt": at, "updatedAt": at}] if "Plugin" in cause else []
            return {
                "phase": "Degraded",
                "message": f"RolloutAborted: {text}",
                "canary": {"stepPluginStatuses": runs},
                "abort": True,
                "abortedAt": at,
                "conditions": [_condition("RolloutAborted", text, at)],
            }
        case 4:
            text = f'ReplicaSet "app-{number:03d}-6bb785c6f" has timed out progressing.'
            return {
                "phase": "Degraded",
                "message": f"ProgressDeadlineExceeded: {text}",
                "conditions": [_condition("ProgressDeadlineExceeded", text, at)],
            }
    return {"phase": "Healthy", "currentStepIndex": len(_STEPS), "stableRS": "d54x6"}


def _condition(reason: str, message: str, at: str) -> dict[str, Any]:
    return {
        "type": "Progressing",
        "status": "True" if reason == "ReplicaSetUpdated" else "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": at,
        "lastUpdateTime": at,
    }
