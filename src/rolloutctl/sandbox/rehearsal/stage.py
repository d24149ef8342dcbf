"""A cluster with the stable version deployed, and somebody who lets its time pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rolloutctl.sandbox import fresh
from rolloutctl.sandbox.api.resources import BY_KIND
from rolloutctl.sandbox.client import ApiError
from rolloutctl.sandbox.clock import FakeClock
from rolloutctl.sandbox.controller.objects import (
    Obj,
    dig,
    items,
    mapping,
    name,
    number,
    pod_hash,
    spec_replicas,
    text,
)
from rolloutctl.sandbox.controller.pausing import STEP_PAUSE, pause_condition
from rolloutctl.sandbox.controller.steps import current_step, index_of, pause_seconds, steps_of
from rolloutctl.sandbox.embedded import NO_ADDRESS, EmbeddedCluster

from . import analyses, stages
from .manifests import Cast, plugins_of
from .outcomes import Outcomes
from .plugin import ScriptedPlugin
from .recording import Recording, is_of_rollout

DAY = 86400.0
_DEPLOYING = 3600.0
"""Seconds the stable version is given to come up."""
_LOOKS = 30_000
"""How often the clock is moved at most; an update that needs more is not shown to its end."""
_PATIENCE = 3
"""How often somebody does the same at a step before it is seen that this leads nowhere."""
_DEADLINE = "scale-down-deadline"


class Invalid(Exception):
    """The manifest cannot be rehearsed: the API server or the controller refuses it, and the text
    is what it says, or its first version does not come up.
    """


@dataclass(frozen=True, slots=True)
class Options:
    """`pod_ready`: seconds until a new pod is ready."""

    outcomes: Outcomes = field(default_factory=Outcomes)
    pod_ready: float = 0.0


class Stage:
    """Deploys the stable version when made. Raises Invalid when it is refused.

    Pauses of the steps before the index `hurry` are ended at once.
    """

    def __init__(self, cast: Cast, options: Options, *, hurry: int = 0) -> None:
        self.cast = cast
        self.options = options
        self._hurry = hurry
        self._clock = FakeClock()
        plugins = plugins_of(cast.rollout)
        scripted = ScriptedPlugin(options.outcomes, self._clock)
        self.cluster = EmbeddedCluster(
            clock=self._clock,
            plugins=dict.fromkeys(plugins.values(), scripted),
            pod_ready_delay=options.pod_ready,
        )
        self.client = self.cluster.client
        self._configure(plugins)
        self.cluster.advance(options.pod_ready)
        self.persons: list[Obj] = []
        """Who had to act: {"at", "index", "reason"}."""
        self._start = 0.0
        self._deploy()
        self.stable = text(self.rollout, "status", "stableRS")
        self.recording = Recording(self.client, cast.namespace, name(cast.rollout))

    # --- what is there --------------------------------------------------------------------------

    @property
    def at(self) -> float:
        """Seconds since the update began."""
        return self._clock.monotonic() - self._start

    @property
    def rollout(self) -> Obj:
        return self.client.get("rollouts", name(self.cast.rollout), self.cast.namespace)

    @property
    def replica_sets(self) -> list[Obj]:
        """Those of the rollout; its workload and its Experiments have others."""
        found = self.client.list("replicasets", self.cast.namespace)[0]
        return [each for each in found if is_of_rollout(each)]

    @property
    def is_over(self) -> bool:
        """Whether the update has come to its end, and the pods with it."""
        rollout = self.rollout
        status = mapping(rollout, "status")
        ended = status.get("abort") is True and "abortedAt" in status
        current, stable = text(status, "currentPodHash"), text(status, "stableRS")
        ended = ended or (current == stable != self.stable)
        if not ended:
            return False
        return not any(_is_on_its_way(rollout, each) for each in self.replica_sets)

    # --- what happens ---------------------------------------------------------------------------

    def update(self) -> None:
        """Roll out the new version: its images, from now on."""
        self._start = self._clock.monotonic()
        self.recording.begin()
        holder = self.cast.workload or self.cast.rollout
        containers = []
        for each in items(holder, "spec", "template", "spec", "containers"):
            image = self.cast.changes.get(text(each, "name"), text(each, "image"))
            containers.append({**each, "image": image})
        body = {"spec": {"template": {"spec": {"containers": containers}}}}
        plural = BY_KIND[holder["kind"]].plural
        self.client.patch(plural, name(holder), body, self.cast.namespace)

    def run(self, stop: Callable[[], bool] = lambda: False) -> str:
        """Let time pass until it is over, `stop()` holds, or nothing more will happen.

        Whoever is waited for acts at once. Returns "over", "stopped" or "stuck"; "long" when the
        clock would have to be moved more often than is sensible.
        """
        patience = self._patience()
        last, since = "", self.at
        for _ in range(_LOOKS):
            self.cluster.settle()
            self.recording.take(self.at)
            if stop():
                return "stopped"
            if self.is_over:
                return "over"
            reason = self._reason()
            if reason and self._has_been_in_vain(reason):
                return "stuck"
            if reason:
                self._act(reason)
                continue
            seen = self._fingerprint()
            if seen != last:
                last, since = seen, self.at
            due = self.cluster.controllers.next_due()
            if due is None or due - self._start - since > patience:
                return "stuck"
            self._clock.advance(max(0.0, due - self._clock.monotonic()))
        return "long"

    def abort(self) -> None:
        """As `rolloutctl abort` does it."""
        self._patch({"status": {"abort": True}}, part="status")

    def _reason(self) -> str:
        """The reason of the pause that a person has to end, "" if nobody is waited for."""
        rollout = self.rollout
        reason = waits_for_person(rollout)
        if not reason and index_of(rollout) < self._hurry:
            reason = text(pause_condition(rollout, STEP_PAUSE), "reason")
        return reason

    def _has_been_in_vain(self, reason: str) -> bool:
        before = [(each["index"], each["reason"]) for each in self.persons]
        return before.count((self._place(self.rollout), reason)) >= _PATIENCE

    def _act(self, reason: str) -> None:
        """Be the person who is waited for, as `rolloutctl promote` is."""
        rollout = self.rollout
        index = self._place(rollout)
        self.persons.append({"at": self.at, "index": index, "reason": reason})
        body: Obj = {"pauseConditions": None}
        run = mapping(rollout, "status", "canary", "currentStepAnalysisRunStatus")
        if run.get("status") == "Inconclusive":
            body.update(controllerPause=False, currentStepIndex=index + 1)
        self._patch({"status": body}, part="status")

    def _place(self, rollout: Obj) -> int:
        """The index of the step or stage it is at."""
        if dig(rollout, "spec", "strategy", "blueGreen") is None:
            return index_of(rollout)
        return stages.place(rollout, text(rollout, "status", "currentPodHash")) or 0

    def _patience(self) -> float:
        """Seconds without any change after which nothing will ever happen."""
        longest = 0.0
        for index, step in enumerate(steps_of(self.cast.rollout)):
            longest = max(longest, pause_seconds(mapping(step, "pause")) or 0.0)
            wanted = self.options.outcomes.plugin(index, text(step, "plugin", "name"))
            longest = max(longest, wanted.duration)
        blue_green = mapping(self.cast.rollout, "spec", "strategy", "blueGreen")
        longest += number(blue_green, "autoPromotionSeconds")
        return DAY + longest

    def _fingerprint(self) -> str:
        """What of the cluster counts as something that has happened."""
        status = dict(mapping(self.rollout, "status"))
        records = items(status, "canary", "stepPluginStatuses")
        seen: list[Any] = [
            *(status.get(key) for key in ("currentStepIndex", "phase", "stableRS", "abort")),
            [(each.get("index"), each.get("operation"), each.get("phase")) for each in records],
            [(name(each), spec_replicas(each), each.get("status")) for each in self.replica_sets],
        ]
        for plural in ("analysisruns", "experiments"):
            found = self.client.list(plural, self.cast.namespace)[0]
            seen.append([(name(each), each.get("status")) for each in found])
        return json.dumps(seen, sort_keys=True, default=str)

    # --- setting it up --------------------------------------------------------------------------

    def _configure(self, plugins: dict[int, str]) -> None:
        lines = []
        for named in dict.fromkeys(plugins.values()):
            outcomes = {
                self.options.outcomes.plugin(index, each).outcome
                for index, each in plugins.items()
                if each == named
            }
            if "Missing" in outcomes:
                continue
            lines.append(f"- name: {json.dumps(named)}\n")
            lines.append(f"  location: {json.dumps(fresh.location(NO_ADDRESS, named))}\n")
            if "Disabled" in outcomes:
                lines.append("  disabled: true\n")
        body = {"data": {"stepPlugins": "".join(lines)}}
        self.client.patch("configmaps", fresh.CONFIG_NAME, body, fresh.CONTROLLER_NAMESPACE)

    def _deploy(self) -> None:
        place = self.cast.namespace
        try:
            self._namespaces()
            for each in [*self._objects(), self.cast.rollout]:
                namespace = text(each, "metadata", "namespace") or None
                self.client.create(BY_KIND[each["kind"]].plural, each, namespace)
        except ApiError as error:
            raise Invalid(error.message) from error
        while True:
            self.cluster.settle()
            status = mapping(self.client.get("rollouts", name(self.cast.rollout), place), "status")
            for condition in items(status, "conditions"):
                if text(condition, "type") == "InvalidSpec":
                    raise Invalid(text(condition, "message"))
            if status.get("phase") == "Healthy":
                return
            due = self.cluster.controllers.next_due()
            if due is None or due > _DEPLOYING + self.options.pod_ready:
                said = f"{text(status, 'phase')} {text(status, 'message')}".strip()
                raise Invalid(
                    f"the first version of {name(self.cast.rollout)} does not come up: "
                    f"{said or 'the controller does nothing'}"
                )
            self._clock.advance(max(0.0, due - self._clock.monotonic()))

    def _objects(self) -> list[Obj]:
        outcomes = self.options.outcomes
        return [
            analyses.scripted(each, outcomes) if analyses.is_template(each) else each
            for each in self.cast.objects
        ]

    def _namespaces(self) -> None:
        places = {text(each, "metadata", "namespace") for each in self.cast.objects}
        there = {name(each) for each in self.client.list("namespaces")[0]}
        for place in sorted((places | {self.cast.namespace}) - there - {""}):
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
            self.client.create("namespaces", body)

    def _patch(self, body: Obj, *, part: str | None = None) -> None:
        named = name(self.cast.rollout)
        self.client.patch("rollouts", named, body, self.cast.namespace, subresource=part)


def waits_for_person(rollout: Obj) -> str:
    """The reason of a pause that only a person ends, "" if there is none."""
    for condition in items(rollout, "status", "pauseConditions"):
        reason = text(condition, "reason")
        if reason.startswith("Inconclusive"):
            return reason
        if reason == "BlueGreenPause":
            blue_green = mapping(rollout, "spec", "strategy", "blueGreen")
            if blue_green.get("autoPromotionEnabled") is False:
                return reason
        elif reason == STEP_PAUSE:
            pause = dig(current_step(rollout), "pause")
            if pause is not None and pause_seconds(pause) is None:
                return reason
    return ""


def _is_on_its_way(rollout: Obj, replica_set: Obj) -> bool:
    """Whether its pods have yet to come or to go."""
    wanted, has = spec_replicas(replica_set), number(replica_set, "status", "replicas")
    if pod_hash(replica_set) == text(rollout, "status", "stableRS"):
        return number(replica_set, "status", "availableReplicas") < spec_replicas(rollout)
    has_deadline = bool(text(replica_set, "metadata", "annotations", _DEADLINE))
    return has > wanted or (wanted > 0 and has_deadline)
