"""`fleet:N`: many rollouts in every phase, with the size and the shape of real ones.

They are another controller's (see `OWNER`), so they stay as they are written here, status and
all. Which rollout is in which state follows from its number: the same N is the same fleet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from rolloutctl.errors import UsageError

PER_NAMESPACE = 60
LARGEST = 100_000
OWNER = {"argo-rollouts.argoproj.io/controller-instance-id": "fleet"}
"""Only the controller started with this instance id touches such a rollout.

Source: argo-rollouts, the label of Rollouts and the controller's `--instance-id`."""

_STEPS: list[dict[str, Any]] = [
    {"setWeight": 10},
    {"plugin": {"name": "demo/jenkins-gate", "config": {"job": "smoke"}}},
    {"setWeight": 40},
    {"pause": {}},
    {"setWeight": 80},
    {"pause": {"duration": "10m"}},
]
_APPS = ("cart", "search", "billing", "quotes", "stock", "mail", "prices", "login", "images")


def count(name: str) -> int | None:
    """N of "fleet:N", None for the name of anything else. Raises UsageError for a bad N."""
    match = re.fullmatch(r"fleet(?::(.*))?", name)
    if match is None:
        return None
    text = match[1] or ""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST:
        raise UsageError(
            f"{name!r} does not say how many", hint=f"fleet:500 makes 500, at most {LARGEST}"
        )
    return int(text)


def namespaces(total: int) -> list[str]:
    return [f"team-{number:03d}" for number in range(1, math.ceil(total / PER_NAMESPACE) + 1)]


def rollouts(total: int, now: datetime) -> Iterator[dict[str, Any]]:
    """The rollouts, each with the status to write after it was created (about 7 KB of JSON)."""
    for number in range(total):
        yield _rollout(number, now)


def _rollout(number: int, now: datetime) -> dict[str, Any]:
    app = f"{_APPS[number % len(_APPS)]}-{number:05d}"
    replicas = 2 + number % 9
    version = 100 + number % 37
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {
            "name": app,
            "namespace": f"team-{number // PER_NAMESPACE + 1:03d}",
            "labels": {"app": app, "tier": ("web", "api", "worker")[number % 3], **OWNER},
            "annotations": {"rollout.argoproj.io/revision": str(2 + number % 40)},
        },
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 5,
            "selector": {"matchLabels": {"app": app}},
            "strategy": {"canary": {"maxSurge": "25%", "maxUnavailable": 0, "steps": _STEPS}},
            "template": {
                "metadata": {"labels": {"app": app}},
                "spec": {
                    "containers": [
                        _container(app, f"registry.example/{app}:v1.{version}.0"),
                        _container("proxy", "registry.example/proxy:v2.11.4"),
                    ],
                },
            },
        },
        "status": _status(number, app, replicas, now),
    }


def _container(name: str, image: str) -> dict[str, Any]:
    env: list[dict[str, Any]] = [
        {"name": f"SETTING_{number:02d}", "value": f"{name}-{number}-of-the-shared-defaults"}
        for number in range(32)
    ]
    env.append(
        {
            "name": "PASSWORD",
            "valueFrom": {"secretKeyRef": {"name": f"{name}-secret", "key": "password"}},
        }
    )
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    return {
        "name": name,
        "image": image,
        "env": env,
        "livenessProbe": probe,
        "readinessProbe": probe,
        "ports": [{"containerPort": 8080, "name": "http"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1"}},
    }


def _status(number: int, app: str, replicas: int, now: datetime) -> dict[str, Any]:
    """Of 100 rollouts, 93 are Healthy, 3 wait for a person, 2 run a plugin, 2 were aborted."""
    slot = number * 37 % 100
    since = now - timedelta(seconds=60 + number * 7919 % 600_000)
    stamp = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    stable, canary = f"{number:05d}b7f9c", f"{number:05d}d54x6"
    updating = slot >= 93
    status: dict[str, Any] = {
        "HPAReplicas": replicas,
        "availableReplicas": replicas,
        "readyReplicas": replicas,
        "replicas": replicas,
        "updatedReplicas": 1 if updating else replicas,
        "blueGreen": {},
        "canary": {},
        "currentPodHash": canary if updating else stable,
        "stableRS": stable,
        "currentStepHash": "5c9d7b8f64",
        "currentStepIndex": len(_STEPS),
        # A rollout just created is of generation 1; nobody edits these.
        "observedGeneration": "1",
        "selector": f"app={app}",
        "phase": "Healthy",
        "conditions": [
            _condition(
                "Available", "True", "AvailableReason", "Rollout has minimum availability", stamp
            )
        ],
    }
    if slot >= 98:
        cause = "Step Plugin 2 (demo/jenkins-gate) failed: job smoke #1: FAILURE"
        text = f"Rollout aborted update to revision {2 + number % 40}: {cause}"
        status |= {
            "abort": True,
            "abortedAt": stamp,
            "currentStepIndex": 0,
            "updatedReplicas": 0,
            "phase": "Degraded",
            "message": f"RolloutAborted: {text}",
            "canary": {"stepPluginStatuses": [_run("Failed", "job smoke #1: FAILURE", stamp)]},
        }
        status["conditions"].append(
            _condition("Progressing", "False", "RolloutAborted", text, stamp)
        )
    elif slot >= 96:
        status |= {
            "currentStepIndex": 1,
            "phase": "Progressing",
            "message": "more replicas need to be updated",
            "canary": {"stepPluginStatuses": [_run("Running", "job smoke #1 is running", stamp)]},
        }
    elif updating:
        status |= {
            "currentStepIndex": 3,
            "controllerPause": True,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": stamp}],
            "phase": "Paused",
            "message": "CanaryPauseStep",
            "canary": {"stepPluginStatuses": [_run("Successful", "job smoke #1: SUCCESS", stamp)]},
        }
    return status


def _run(phase: str, message: str, stamp: str) -> dict[str, Any]:
    record = {
        "index": 1,
        "name": "demo/jenkins-gate",
        "operation": "Run",
        "phase": phase,
        "message": message,
        "executions": 1,
        "startedAt": stamp,
        "updatedAt": stamp,
        "status": {"job": "smoke", "id": 1},
    }
    return record | ({"backoff": "12s"} if phase == "Running" else {"finishedAt": stamp})


def _condition(kind: str, status: str, reason: str, message: str, stamp: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": stamp,
        "lastUpdateTime": stamp,
    }
