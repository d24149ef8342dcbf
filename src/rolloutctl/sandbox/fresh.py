"""What a sandbox holds before anybody did anything: namespaces, the controller, its settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from .plugins.jenkins_gate import NAME as JENKINS_GATE

CONTROLLER_NAMESPACE = "argo-rollouts"
CONTROLLER_NAME = "argo-rollouts"
CONTROLLER_IMAGE = "quay.io/argoproj/argo-rollouts:v1.9.1"
CONFIG_NAME = "argo-rollouts-config"
LABELS = {
    "app.kubernetes.io/component": "rollouts-controller",
    "app.kubernetes.io/name": "argo-rollouts",
}

_STEP_PLUGINS = """\
# Step plugins of this cluster. The controller reads this once, when it starts:
# after an edit, restart the Deployment argo-rollouts.
- name: step/e2e-test                # returns what its config tells it to
  location: {e2e}
- name: step/e2e-test-disabled       # the same, out of service
  location: {e2e_disabled}
  disabled: true
# Runs a job on the sandbox's Jenkins and passes when it succeeds.
# Jenkins is away?  rolloutctl plugins disable demo/jenkins-gate --reason "..." --restart
- name: "demo/jenkins-gate"
  location: {jenkins_gate}
  disabled: false                    # step is passed over while true
"""


def location(side_url: str, name: str) -> str:
    """Where the controller fetches the executable of plugin `name`."""
    return f"{side_url}/plugins/{name}"


def step_plugins(side_url: str, own: Sequence[str] = ()) -> str:
    """The YAML text under `stepPlugins`, the user's `own` plugins at its end."""
    text = _STEP_PLUGINS.format(
        e2e=location(side_url, "step/e2e-test"),
        e2e_disabled=location(side_url, "step/e2e-test-disabled"),
        jenkins_gate=location(side_url, JENKINS_GATE),
    )
    fixed = {"step/e2e-test", "step/e2e-test-disabled", JENKINS_GATE}
    added = [name for name in own if name not in fixed]
    if added:
        text += "# From --plugin on the sandbox's command line.\n"
    for name in added:
        text += f"- name: {json.dumps(name)}\n  location: {location(side_url, name)}\n"
    return text


def objects(side_url: str, own: Sequence[str] = ()) -> list[tuple[str, dict[str, Any]]]:
    """(resource, object) of everything in a fresh sandbox, in the order to create it in."""
    namespaces = ("default", "kube-system", CONTROLLER_NAMESPACE)
    made: list[tuple[str, dict[str, Any]]] = [
        ("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for name in namespaces
    ]
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_NAME, "namespace": CONTROLLER_NAMESPACE, "labels": LABELS},
        "data": {"stepPlugins": step_plugins(side_url, own)},
    }
    return [*made, ("configmaps", config), ("deployments", _controller())]


def _controller() -> dict[str, Any]:
    container = {
        "name": "argo-rollouts",
        "image": CONTROLLER_IMAGE,
        "ports": [{"containerPort": 8090, "name": "metrics"}],
    }
    labels = {"app.kubernetes.io/name": "argo-rollouts"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": CONTROLLER_NAME,
            "namespace": CONTROLLER_NAMESPACE,
            "labels": LABELS,
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container]},
            },
        },
    }
