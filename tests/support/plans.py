"""Rollouts to be planned, and their plans."""

from __future__ import annotations

import json
from typing import Any

from support.program import Program


def manifest(steps: list[dict[str, Any]], name: str = "checkout", **canary: Any) -> dict[str, Any]:
    """A canary of ten pods of `shop/NAME:v1` in the namespace shop."""
    labels = {"app": name}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": 10,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": f"shop/{name}:v1"}]},
            },
            "strategy": {"canary": {"steps": steps, **canary}},
        },
    }


def planned(rolloutctl: Program, *argv: str) -> dict[str, Any]:
    """The document `plan` prints, however the update ends."""
    result = rolloutctl("plan", *argv, "-o", "json")
    assert result.stdout, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found
