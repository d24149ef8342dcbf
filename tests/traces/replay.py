"""Does to our cluster what a person did in a recording, in this process, on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rolloutctl.sandbox.clock import FakeClock
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.metrics import recorded_web

from .story import INSTANCE_ID, Obj, Story, differences, facts, is_where, recorded

PLURALS = {
    "AnalysisTemplate": "analysistemplates",
    "Deployment": "deployments",
    "DestinationRule": "destinationrules",
    "Rollout": "rollouts",
    "Service": "services",
    "VirtualService": "virtualservices",
}
FINAL = ("rollouts", "replicasets", "services", "analysisruns", "experiments", "virtualservices")
PLUGIN = "step/e2e-test"
CONTROLLER = ("argo-rollouts", "argo-rollouts")
"""Name and namespace of the controller's Deployment."""
LONGEST = 180.0
"""Seconds of the cluster a state is waited for."""


class NeverReached(AssertionError):
    """The rollout did not come to the state in which the person acted."""


def replay(trace: Obj) -> Story:
    """Play all of it; what came of it."""
    played = Replay(trace)
    story = played.play()
    if differences(recorded(trace), story):
        # Deadlines are written in whole seconds: what waited for one came earlier there, by up
        # to a second.
        story = played.a_second_later()
    return story


class Replay:
    """One recording played against one fresh cluster."""

    def __init__(self, trace: Obj) -> None:
        self._trace = trace
        self._clock = FakeClock(_start(trace))
        self._cluster = EmbeddedCluster(clock=self._clock, web=recorded_web)
        self._client = self._cluster.client
        self._cluster.settle()
        self.namespace: str = trace["namespace"]
        self._client.create(
            "namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
        )
        version = self._client.list("rollouts", self.namespace)[1]
        self._watches = {
            resource: self._client.watch(resource, self.namespace, resource_version=version)
            for resource in ("rollouts", "events")
        }
        self._seen: dict[str, list[Obj]] = {"rollouts": [], "events": []}

    def play(self) -> Story:
        """Do all actions and wait for the end of the recording."""
        manifests = iter(self._trace["manifests"])
        before: tuple[Any, float] = (None, 0.0)
        for action in self._trace["actions"]:
            if action["action"] == "create":
                manifest = _without_instance(next(manifests))
                self._client.create(PLURALS[manifest["kind"]], manifest, self.namespace)
                self._cluster.settle()
                continue
            wanted = action.get("after")
            if wanted is not None and wanted == before[0] and "patch" in action:
                # Sent one after the other, without another look.
                self._advance(action["t"] - before[1])
            elif wanted is not None:
                self._wait_for(wanted, action["action"])
                self._advance(action.get("delay", 0))
            before = (wanted, action["t"])
            self._act(action)
        self._wait_for_end()
        return self._story()

    def a_second_later(self) -> Story:
        """What came of it when a bit more time has passed."""
        self._advance(1.0)
        return self._story()

    def _act(self, action: Obj) -> None:
        what = action["action"]
        if "disabled: " in what:
            self._configure(disabled="disabled: true" in what)
        if "controller restarted" in what and "not restarted" not in what:
            self._scale_controller(0)
            if not self._next_is_sent_meanwhile(action):
                self._scale_controller(1)
        if "patch" in action:
            kind = "json-patch" if isinstance(action["patch"], list) else "merge-patch"
            self._client.patch(
                action["kind"],
                self._name(action),
                action["patch"],
                self.namespace,
                subresource=action.get("subresource"),
                content_type=f"application/{kind}+json",
            )
            self._cluster.settle()
        if "controller is down" in what:
            self._scale_controller(1)

    def _name(self, action: Obj) -> str:
        """Whose name holds a hash is another here than in the recording."""
        if action["kind"] != "analysisruns":
            return str(action["name"])
        runs = self._client.list("analysisruns", self.namespace)[0]
        return str(runs[0]["metadata"]["name"])

    def _next_is_sent_meanwhile(self, action: Obj) -> bool:
        actions = self._trace["actions"]
        following = actions[actions.index(action) + 1 :]
        return bool(following) and "controller is down" in following[0]["action"]

    def _configure(self, *, disabled: bool) -> None:
        name, namespace = "argo-rollouts-config", "argo-rollouts"
        written = self._client.get("configmaps", name, namespace)["data"]["stepPlugins"]
        lines = []
        for line in written.splitlines():
            if line.startswith(f"- name: {PLUGIN} "):
                lines += [line, f"  disabled: {str(disabled).lower()}"]
            elif not (lines and lines[-1].startswith("  disabled") and "disabled:" in line):
                lines.append(line)
        body = {"data": {"stepPlugins": "\n".join(lines) + "\n"}}
        self._client.patch("configmaps", name, body, namespace)
        self._cluster.settle()

    def _scale_controller(self, replicas: int) -> None:
        name, namespace = CONTROLLER
        self._client.patch("deployments", name, {"spec": {"replicas": replicas}}, namespace)
        self._cluster.settle()

    def _story(self) -> Story:
        for resource, watch in self._watches.items():
            told = {"ADDED"} if resource == "events" else {"ADDED", "MODIFIED"}
            self._seen[resource] += [found for kind, found in watch.poll() if kind in told]
        final = {resource: self._client.list(resource, self.namespace)[0] for resource in FINAL}
        return Story(self.namespace, self._seen["rollouts"], self._seen["events"], final)

    def _wait_for(self, wanted: Obj, what: str) -> None:
        """Let time pass until the rollout is as it was when the person acted."""
        if not self._wait(lambda: is_where(self._rollout(), wanted)):
            raise NeverReached(f"before {what!r}: wanted {wanted}, is {facts(self._rollout())}")

    def _wait_for_end(self) -> None:
        wanted = facts(self._trace["final"]["rollouts"][0])
        acted = max(action["t"] for action in self._trace["actions"])
        ended = max((event["t"] for event in self._trace["watch"]), default=acted)
        start = self._clock.monotonic()
        if not self._wait(lambda: facts(self._rollout()) == wanted):
            raise NeverReached(f"at the end: wanted {wanted}, is {facts(self._rollout())}")
        self._advance(max(0.0, start + ended - acted - self._clock.monotonic()))

    def _wait(self, there: Callable[[], bool]) -> bool:
        end = self._clock.monotonic() + LONGEST
        while not there():
            due = self._cluster.controllers.next_due()
            if due is None or due > end:
                return False
            self._advance(max(0.0, due - self._clock.monotonic()))
        return True

    def _advance(self, seconds: float) -> None:
        self._cluster.advance(seconds)

    def _rollout(self) -> Obj:
        return self._client.get("rollouts", "demo", self.namespace)


def _without_instance(manifest: Obj) -> Obj:
    """Some recordings had a controller to themselves, which is what this label is for."""
    labels = manifest["metadata"].get("labels", {})
    kept = {key: value for key, value in labels.items() if key != INSTANCE_ID}
    return {**manifest, "metadata": {**manifest["metadata"], "labels": kept}}


def _start(trace: Obj) -> datetime:
    """When the recording began, so that a time in one of its patches is as far away as it was."""
    created: str = trace["final"]["rollouts"][0]["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(created.replace("Z", "+00:00"))
