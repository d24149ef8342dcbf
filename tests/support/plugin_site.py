"""A sandbox whose clock runs while a command waits, and rollouts that use its plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rolloutctl.domain.cluster import Change, Kind, Page
from rolloutctl.errors import Forbidden
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.embedded import InProcess
from support.program import Program, Result


class PluginCluster(InProcess):
    """As InProcess, with pod logs, server-side dry runs, and rights that can be taken away.

    `before` is called before every PATCH. `forbidden` are (plural, namespace) nobody may list.
    """

    def __init__(self, sandbox: EmbeddedCluster, namespace: str) -> None:
        super().__init__(sandbox, namespace)
        self.before: Callable[[Change], None] | None = None
        self.forbidden: set[tuple[str, str | None]] = set()
        self.applied: list[tuple[Change, bool]] = []

    def pages(
        self, kind: Kind, namespace: str | None, as_type: type[Any], **selectors: Any
    ) -> Iterator[Page]:
        if (kind.plural, namespace) in self.forbidden:
            raise Forbidden(f"not allowed to list {kind.plural}")
        return super().pages(kind, namespace, as_type, **selectors)

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        if self.before is not None:
            self.before(change)
        self.applied.append((change, dry_run))
        if not dry_run:
            return super().apply(change)
        return b"{}"

    def pod_log(self, namespace: str, name: str, *, tail: int = 50) -> str:
        pod = self.client.get("pods", name, namespace)
        found = [text for key, text in pod["metadata"]["annotations"].items() if "log" in key]
        return str(found[0]) if found else ""


class Site:
    """The sandbox, the program on it, and short ways to look at both."""

    def __init__(self, sandbox: EmbeddedCluster, program: Program) -> None:
        self.sandbox = sandbox
        self.cluster = PluginCluster(sandbox, "default")
        self.program = program
        program.cluster = self.cluster
        program.now = sandbox.clock.now
        program.env = {"USER": "ann"}
        program.columns = 400

    def __call__(self, *argv: str) -> Result:
        return self.program("plugins", *argv)

    @property
    def config_map(self) -> dict[str, Any]:
        return self.sandbox.client.get("configmaps", "argo-rollouts-config", "argo-rollouts")

    @property
    def text(self) -> str:
        return str(self.config_map["data"]["stepPlugins"])

    def write(self, text: str, key: str = "stepPlugins") -> None:
        """Somebody else writes the ConfigMap."""
        self.sandbox.client.patch(
            "configmaps", "argo-rollouts-config", {"data": {key: text}}, "argo-rollouts"
        )
        self.sandbox.advance(1)

    def status(self, name: str = "web") -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.client.get("rollouts", name, "default")["status"]
        return found

    def deploy(self, steps: Sequence[dict[str, Any]], name: str = "web") -> None:
        """Version v1 is there, v2 on its way."""
        rollout = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": name}},
                "strategy": {"canary": {"steps": list(steps)}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "app", "image": "web:v1"}]},
                },
            },
        }
        self.sandbox.apply(rollout)
        self.sandbox.advance(5)
        containers = [{"name": "app", "image": "web:v2"}]
        body = {"spec": {"template": {"spec": {"containers": containers}}}}
        self.sandbox.client.patch("rollouts", name, body, "default")
        self.sandbox.advance(5)

    def pods(self) -> list[dict[str, Any]]:
        items, _ = self.sandbox.client.list("pods", "argo-rollouts")
        return list(items)


def plugin(name: str = "step/e2e-test", **config: Any) -> dict[str, Any]:
    return {"plugin": {"name": name, "config": config}}


RUNNING = plugin(**{"return": "Running", "requeue": "1h"})
