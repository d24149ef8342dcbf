"""What a running sandbox says of itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from . import fresh
from .api.messages import Request, Response

if TYPE_CHECKING:
    from .embedded import EmbeddedCluster
    from .state import Place, Record

COUNTED = {
    "namespaces": "/api/v1/namespaces",
    "rollouts": "/apis/argoproj.io/v1alpha1/rollouts",
    "replicasets": "/apis/apps/v1/replicasets",
    "pods": "/api/v1/pods",
    "analysisruns": "/apis/argoproj.io/v1alpha1/analysisruns",
    "experiments": "/apis/argoproj.io/v1alpha1/experiments",
}


def report(cluster: EmbeddedCluster, record: Record, place: Place) -> dict[str, Any]:
    """The facts of `rolloutctl sandbox status`, as JSON."""
    started = _seconds(record.started)
    return {
        "name": record.name,
        "instance": record.instance,
        "pid": record.pid,
        "url": record.url,
        "kubeconfig": str(place.kubeconfig),
        "startedAt": record.started,
        "uptimeSeconds": max(0, int(cluster.clock.now().timestamp() - started)),
        "speed": record.options.speed,
        "plugins": sorted(cluster.plugin_names),
        "objects": {name: _count(cluster, record, path) for name, path in COUNTED.items()},
        "controller": controller_state(cluster),
        "jenkins": {
            "mode": cluster.jenkins.mode.value,
            "url": f"{record.side_url}/jenkins",
            "builds": cluster.jenkins.counts(),
        },
    }


def controller_state(cluster: EmbeddedCluster) -> dict[str, str]:
    """`state`: running, starting, absent, failed (the sandbox's own fault), or why its pod waits
    ("CrashLoopBackOff"); `message`: what there is to say about it."""
    if cluster.failure:
        return {"state": "failed", "message": cluster.failure}
    selector = "app.kubernetes.io/name=argo-rollouts"
    pods, _ = cluster.client.list("pods", fresh.CONTROLLER_NAMESPACE, label_selector=selector)
    living = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    if not living:
        return {"state": "absent", "message": "the Deployment argo-rollouts has no pod"}
    newest = max(living, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
    for container in newest.get("status", {}).get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting")
        if waiting:
            last = (container.get("lastState") or {}).get("terminated") or {}
            message = last.get("message") or waiting.get("message") or ""
            return {"state": str(waiting.get("reason")), "message": str(message)}
        if container.get("ready"):
            return {"state": "running", "message": ""}
    return {"state": "starting", "message": ""}


def _count(cluster: EmbeddedCluster, record: Record, path: str) -> int:
    """The number of objects, from a page of one and what the server says remains."""
    request = Request(
        "GET",
        path,
        (("limit", "1"),),
        {"authorization": f"Bearer {record.token}", "accept": "application/json"},
    )
    answer = cluster.api.handle(request)
    if not isinstance(answer, Response) or answer.status != 200:
        return 0
    page = json.loads(answer.body)
    return len(page["items"]) + int(page["metadata"].get("remainingItemCount", 0))


def _seconds(stamp: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
