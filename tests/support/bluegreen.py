"""One blue-green rollout on an embedded cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .controlled import PLACE, Controlled

HASH = "rollouts-pod-template-hash"
DEADLINE = "scale-down-deadline"


class BlueGreen(Controlled):
    """The rollout `demo` with two pods behind `active`, and `preview` beside it."""

    def __init__(
        self,
        *,
        replicas: int = 2,
        spec: Any = None,
        objects: Sequence[Any] = (),
        pod_ready_delay: float = 0.0,
        **strategy: Any,
    ) -> None:
        super().__init__(
            replicas=replicas,
            spec={
                "strategy": {
                    "blueGreen": {
                        "activeService": "active",
                        "previewService": "preview",
                        **strategy,
                    }
                },
                **(spec or {}),
            },
            objects=[service("active"), service("preview"), service("other"), *objects],
            pod_ready_delay=pod_ready_delay,
        )

    def selected(self, service: str) -> int:
        """The revision the Service selects, 0 for none."""
        found = self.client.get("services", service, PLACE)
        hashed = found["spec"]["selector"].get(HASH)
        sets = self.client.list("replicasets", PLACE)[0]
        revision = "rollout.argoproj.io/revision"
        for each in sets:
            if each["metadata"]["labels"][HASH] == hashed:
                return int(each["metadata"]["annotations"][revision])
        return 0

    @property
    def live(self) -> int:
        return self.selected("active")

    @property
    def deadlines(self) -> set[int]:
        """The revisions whose pods are counted out."""
        revision = "rollout.argoproj.io/revision"
        notes = [
            each["metadata"]["annotations"] for each in self.client.list("replicasets", PLACE)[0]
        ]
        return {int(each[revision]) for each in notes if DEADLINE in each}

    def strategy(self, **changes: Any) -> None:
        self.patch({"spec": {"strategy": {"blueGreen": changes}}})


def service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": PLACE},
        "spec": {"selector": {"app": "demo"}, "ports": [{"port": 80}]},
    }
