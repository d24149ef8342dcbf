"""A cluster in memory for `doctor`: what it serves, who runs in it, and what the caller may do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rolloutctl.domain.cluster import ACCESS_REVIEWS, Kind
from rolloutctl.errors import NotFound, RolloutctlError
from support.fake_cluster import FakeCluster

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
Objects = Mapping[str, Sequence[Mapping[str, Any]]]
GROUPS: dict[str, list[str]] = {
    "apps": ["v1"],
    "argoproj.io": ["v1alpha1"],
    "networking.istio.io": ["v1", "v1beta1"],
    "gateway.networking.k8s.io": ["v1"],
}
RESOURCES = [
    *("rollouts", "rollouts/status", "analysisruns", "analysistemplates"),
    *("clusteranalysistemplates", "experiments"),
]
METRICS = """# HELP argo_rollouts_controller_info Running Argo-rollouts version
argo_rollouts_controller_info{version="v1.8.3+49fa151"} 1
rollout_info{name="web",namespace="shop"} 1
"""
LABELS = {"app.kubernetes.io/name": "argo-rollouts"}


def stamp(ago: timedelta) -> str:
    return f"{NOW - ago:%Y-%m-%dT%H:%M:%SZ}"


def installation(
    *,
    image: str = "quay.io/argoproj/argo-rollouts:v1.8.3",
    ready: int = 1,
    changed: timedelta = timedelta(days=2),
    config: str = "- name: team/gate\n  location: file:///gate\n",
) -> dict[str, list[dict[str, Any]]]:
    """The controller, started a day ago, and its ConfigMap."""
    place = {"namespace": "argo-rollouts"}
    running = {"running": {"startedAt": stamp(timedelta(days=1))}}
    return {
        "deployments": [
            {
                "metadata": {"name": "argo-rollouts", **place},
                "spec": {
                    "replicas": 1,
                    "selector": {"matchLabels": LABELS},
                    "template": {"spec": {"containers": [{"image": image}]}},
                },
                "status": {"readyReplicas": ready},
            }
        ],
        "pods": [
            {
                "metadata": {"name": "argo-rollouts-1", "labels": LABELS, **place},
                "status": {"containerStatuses": [{"state": running}]},
            }
        ],
        "configmaps": [
            {
                "metadata": {
                    "name": "argo-rollouts-config",
                    **place,
                    "managedFields": [
                        {
                            "manager": "kubectl",
                            "time": stamp(changed),
                            "fieldsV1": {"f:data": {"f:stepPlugins": {}}},
                        }
                    ],
                },
                "data": {"stepPlugins": config},
            }
        ],
    }


class Examined(FakeCluster):
    """`allowed(attributes)` says what the caller may do; `answers` are of paths, a text or an
    error."""

    def __init__(
        self,
        objects: Objects,
        *,
        groups: Mapping[str, Sequence[str]] = GROUPS,
        answers: Mapping[str, str | RolloutctlError] | None = None,
        allowed: Callable[[Mapping[str, str]], bool] = lambda attributes: True,
        **more: Any,
    ) -> None:
        super().__init__(objects, **more)
        pod = "/api/v1/namespaces/argo-rollouts/pods/argo-rollouts-1:8090/proxy/metrics"
        self.answers: dict[str, str | RolloutctlError] = {
            "/version": json.dumps({"gitVersion": "v1.34.1", "platform": "linux/amd64"}),
            "/apis": json.dumps(
                {
                    "groups": [
                        {"name": name, "versions": [{"version": each} for each in versions]}
                        for name, versions in groups.items()
                    ]
                }
            ),
            "/apis/argoproj.io/v1alpha1": json.dumps(
                {"resources": [{"name": name} for name in RESOURCES]}
            ),
            pod: METRICS,
            **(answers or {}),
        }
        self.allowed = allowed
        self.reviews: list[dict[str, str]] = []
        self._lock = threading.Lock()

    def ask(self, path: str) -> bytes:
        found = self.answers.get(path)
        if found is None:
            raise NotFound(f"nothing at {path}")
        if isinstance(found, RolloutctlError):
            raise found
        return found.encode()

    def create(
        self, kind: Kind, namespace: str, obj: Mapping[str, Any], *, dry_run: bool = False
    ) -> bytes:
        assert kind is ACCESS_REVIEWS and not namespace and not dry_run
        attributes = obj["spec"]["resourceAttributes"]
        with self._lock:
            self.reviews.append(attributes)
        return json.dumps({**obj, "status": {"allowed": self.allowed(attributes)}}).encode()
