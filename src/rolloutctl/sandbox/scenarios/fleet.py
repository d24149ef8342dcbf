"""`fleet:N`: many rollouts in every phase, with the size and the shape of real ones.

They are another controller's (see `OWNER`), so they stay as they are written here, status and
all. Which rollout is in which state follows from its number: the same N is the same fleet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from . import fleet_states

PER_NAMESPACE = 60
OWNER = {"argo-rollouts.argoproj.io/controller-instance-id": "fleet"}
"""Only the controller started with this instance id touches such a rollout.

Source: argo-rollouts, the label of Rollouts and the controller's `--instance-id`."""

_APPS = ("cart", "search", "billing", "quotes", "stock", "mail", "prices", "login", "images")


def namespaces(total: int) -> list[str]:
    return [f"team-{number:03d}" for number in range(1, math.ceil(total / PER_NAMESPACE) + 1)]


def rollouts(total: int, now: datetime) -> Iterator[dict[str, Any]]:
    """The rollouts with their status: about 6 KB each, and as much again of managedFields."""
    for number in range(total):
        yield rollout(number, now)


def rollout(number: int, now: datetime) -> dict[str, Any]:
    """Rollout `number` of any fleet."""
    app = f"{_APPS[number % len(_APPS)]}-{number:05d}"
    replicas = 2 + number % 9
    version = 100 + number % 37
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {
            "name": app,
            "namespace": f"team-{number // PER_NAMESPACE + 1:03d}",
            "labels": {
                "app": app,
                "team": f"team-{number // PER_NAMESPACE // 4 + 1:02d}",
                "tier": ("web", "api", "worker")[number % 3],
                **OWNER,
            },
            "annotations": {fleet_states.REVISION: str(2 + number % 40)},
        },
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 5,
            "selector": {"matchLabels": {"app": app}},
            "strategy": fleet_states.shape_of(number).strategy,
            "template": {
                "metadata": {"labels": {"app": app}},
                "spec": {
                    "containers": [
                        _container("app", f"registry.example/{app}:v1.{version}.0"),
                        _container("proxy", "registry.example/proxy:v2.11.4"),
                    ],
                },
            },
        },
        "status": fleet_states.status_of(number, app, replicas, now),
    }


def number_of(name: str) -> int | None:
    """Which rollout of a fleet has this name, None for none."""
    digits = name.rpartition("-")[2]
    return int(digits) if len(digits) == 5 and digits.isdigit() else None


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
