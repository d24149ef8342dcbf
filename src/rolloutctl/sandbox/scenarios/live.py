"""`live:N`: many small rollouts that the simulated controller itself runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

PER_NAMESPACE = 50
LABEL = {"load": "live"}
STEPS: list[Json] = [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}]
PATH = "/spec/template/spec/containers/0/image"


def namespaces(total: int) -> list[str]:
    return [f"live-{number:03d}" for number in range(1, math.ceil(total / PER_NAMESPACE) + 1)]


def rollouts(total: int) -> Iterator[Json]:
    """Canaries with two pauses for a person, at their first version."""
    for number in range(total):
        name = f"live-{number:04d}"
        labels = {"app": name, "team": f"team-{number % 5 + 1}", **LABEL}
        yield {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {
                "name": name,
                "namespace": f"live-{number // PER_NAMESPACE + 1:03d}",
                "labels": labels,
            },
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": name}},
                "strategy": {"canary": {"steps": STEPS}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "app", "image": image(name, 1)}]},
                },
            },
        }


def image(name: str, version: int) -> str:
    return f"registry.example/{name}:v{version}"
