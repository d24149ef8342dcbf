"""One rollout on an embedded cluster, with the few moves stories are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rolloutctl.sandbox.clock import FakeClock
from rolloutctl.sandbox.embedded import EmbeddedCluster
from rolloutctl.sandbox.plugins.protocol import Context, Result, StepPlugin

PLACE = "shop"
RECORDED_PLUGIN = "step/e2e-test"


def plugin(config: dict[str, Any] | None = None, name: str = RECORDED_PLUGIN) -> dict[str, Any]:
    """A plugin step."""
    return {"plugin": {"name": name, **({"config": config} if config is not None else {})}}


class Recording:
    """A step plugin that returns what it is told to, and remembers who called."""

    def __init__(self, **results: Result | Exception) -> None:
        self.calls: list[str] = []
        self._results = results

    def run(self, rollout: dict[str, Any], context: Context) -> Result:
        return self._result("run", context)

    def terminate(self, rollout: dict[str, Any], context: Context) -> Result:
        return self._result("terminate", context)

    def abort(self, rollout: dict[str, Any], context: Context) -> Result:
        return self._result("abort", context)

    def _result(self, call: str, context: Context) -> Result:
        self.calls.append(f"{call} {context.config.get('as', '')}".strip())
        found = self._results.get(call, Result("Successful"))
        if isinstance(found, Exception):
            raise found
        return found


class Controlled:
    """The rollout `demo`, deployed as demo:v1 and healthy when made."""

    def __init__(
        self,
        *steps: dict[str, Any],
        replicas: int = 4,
        plugins: dict[str, StepPlugin] | None = None,
        spec: dict[str, Any] | None = None,
        canary: dict[str, Any] | None = None,
        annotations: dict[str, str] | None = None,
        pod_ready_delay: float = 0.0,
        objects: Sequence[dict[str, Any]] = (),
    ) -> None:
        """`objects` are there before the rollout, in its namespace."""
        self.clock = FakeClock()
        self.log: list[str] = []
        self.cluster = EmbeddedCluster(
            clock=self.clock,
            plugins=plugins or {},
            log=self.log.append,
            pod_ready_delay=pod_ready_delay,
        )
        self.client = self.cluster.client
        self.cluster.advance(pod_ready_delay)
        self.client.create(
            "namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE}},
        )
        for each in objects:
            self.add(each)
        self.create("demo", *steps, replicas=replicas, spec=spec, canary=canary, notes=annotations)
        self.cluster.advance(pod_ready_delay)

    def create(
        self,
        name: str,
        *steps: dict[str, Any],
        replicas: int = 4,
        spec: dict[str, Any] | None = None,
        canary: dict[str, Any] | None = None,
        notes: dict[str, str] | None = None,
    ) -> None:
        """Deploy a rollout; its pods are those of `app=NAME`."""
        labels = {"app": name}
        strategy = {**({"steps": list(steps)} if steps else {}), **(canary or {})}
        manifest = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": name, "namespace": PLACE, "annotations": notes or {}},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "app", "image": "demo:v1"}]},
                },
                "strategy": {"canary": strategy},
                **(spec or {}),
            },
        }
        self.client.create("rollouts", manifest, PLACE)
        self.cluster.settle()

    def add(self, manifest: dict[str, Any]) -> None:
        """Create an object beside the rollout."""
        plural = f"{manifest['kind'].lower()}s"
        place = None if manifest["kind"].startswith("Cluster") else PLACE
        self.client.create(plural, manifest, place)
        self.cluster.settle()

    @property
    def rollout(self) -> dict[str, Any]:
        return self.client.get("rollouts", "demo", PLACE)

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.rollout.get("status", {})
        return found

    @property
    def phase(self) -> tuple[str, str]:
        return self.status.get("phase", ""), self.status.get("message", "")

    @property
    def step(self) -> int | None:
        return self.status.get("currentStepIndex")

    @property
    def records(self) -> list[str]:
        """The plugin records: "1 Run Running", with "disabled" where it is."""
        found = self.status["canary"].get("stepPluginStatuses", [])
        return [
            f"{each['index']} {each['operation']} "
            + ("disabled" if each.get("disabled") else each["phase"])
            for each in found
        ]

    def record(self, index: int, operation: str = "Run") -> dict[str, Any]:
        for each in self.status["canary"].get("stepPluginStatuses", []):
            if (each["index"], each["operation"]) == (index, operation):
                found: dict[str, Any] = each
                return found
        raise LookupError(f"no {operation} record of step {index} in {self.records}")

    @property
    def sizes(self) -> dict[int, int]:
        """How many pods each revision should have, those with none left out."""
        found = self.client.list("replicasets", PLACE)[0]
        revision = "rollout.argoproj.io/revision"
        return {
            int(each["metadata"]["annotations"][revision]): each["spec"]["replicas"]
            for each in found
            if each["spec"]["replicas"]
        }

    @property
    def pods(self) -> list[dict[str, Any]]:
        return self.client.list("pods", PLACE)[0]

    def events(self, reason: str) -> list[str]:
        """The messages of the rollout's events with that reason, in order."""
        found = [each for each in self.client.list("events", PLACE)[0] if each["reason"] == reason]
        found.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
        return [each["message"] for each in found]

    def condition(self, kind: str) -> tuple[str, str]:
        for each in self.status.get("conditions", []):
            if each["type"] == kind:
                return each["status"], each["reason"]
        return "", ""

    def image(self, image: str) -> None:
        containers = [{"name": "app", "image": image}]
        self.patch({"spec": {"template": {"spec": {"containers": containers}}}})

    def patch(self, body: Any, *, status: bool = False) -> None:
        """Send a merge patch, and let the controllers do what follows at once."""
        subresource = "status" if status else None
        self.client.patch("rollouts", "demo", body, PLACE, subresource=subresource)
        self.cluster.settle()

    def abort(self) -> None:
        self.patch({"status": {"abort": True}}, status=True)

    def retry(self) -> None:
        self.patch({"status": {"abort": False}}, status=True)

    def promote(self) -> None:
        """Past a pause."""
        self.patch({"status": {"pauseConditions": None}}, status=True)

    def skip(self) -> None:
        """Past whatever step there is."""
        index = (self.step or 0) + 1
        self.patch({"status": {"currentStepIndex": index}}, status=True)

    def promote_full(self) -> None:
        self.patch({"status": {"promoteFull": True}}, status=True)

    def wait(self, seconds: float) -> None:
        self.cluster.advance(seconds)

    def configure(self, step_plugins: str) -> None:
        """Write `stepPlugins` of the controller's ConfigMap."""
        body = {"data": {"stepPlugins": step_plugins}}
        self.client.patch("configmaps", "argo-rollouts-config", body, "argo-rollouts")
        self.cluster.settle()

    @property
    def configured(self) -> str:
        found = self.client.get("configmaps", "argo-rollouts-config", "argo-rollouts")
        text: str = found["data"]["stepPlugins"]
        return text

    def restart_controller(self) -> None:
        """As `kubectl rollout restart` does it."""
        at = {"kubectl.kubernetes.io/restartedAt": self.clock.now().isoformat()}
        body = {"spec": {"template": {"metadata": {"annotations": at}}}}
        self.client.patch("deployments", "argo-rollouts", body, "argo-rollouts")
        self.cluster.settle()

    @property
    def controller_pods(self) -> list[dict[str, Any]]:
        return self.client.list("pods", "argo-rollouts")[0]
