"""What holds whatever people, images, plugins and time do to a rollout, in any order.

A counterexample is printed as the calls that lead to it, shortened as far as it goes:

    state = Anything()
    state.deploy(replicas=1, steps=[{'setWeight': 50}, {'pause': {}}])
    state.image(tag='v2')
    state.abort()
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from rolloutctl.sandbox.controller.hashing import steps_hash
from rolloutctl.sandbox.plugins.protocol import Context, Result
from support.controlled import PLACE, Controlled
from support.moves import move

Obj = dict[str, Any]

OUTCOMES = ("Successful", "Running", "Failed", "Error", "raises")
WEIGHTS = st.sampled_from((0, 1, 20, 50, 99, 100)).map(lambda weight: {"setWeight": weight})
LASTING: tuple[Obj, ...] = ({}, {"duration": "5s"}, {"duration": 90})
PAUSES = st.sampled_from(LASTING).map(lambda pause: {"pause": dict(pause)})
PLUGINS = st.sampled_from(OUTCOMES).map(
    lambda outcome: {"plugin": {"name": "team/gate", "config": {"return": outcome}}}
)
STEPS = st.lists(st.one_of(WEIGHTS, PAUSES, PLUGINS), max_size=5)
REPLICAS = st.integers(1, 6)


class Gate:
    """A step plugin that does as its step says; `calls` are (operation, which step)."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def run(self, rollout: Obj, context: Context) -> Result:
        self.calls.append(("run", context.config["step"]))
        outcome = context.config["return"]
        if outcome == "raises":
            raise RuntimeError("the gate is out of order")
        return Result(outcome, "as told", 15.0 if outcome == "Running" else None)

    def terminate(self, rollout: Obj, context: Context) -> Result:
        self.calls.append(("terminate", context.config["step"]))
        return Result("Successful")

    def abort(self, rollout: Obj, context: Context) -> Result:
        self.calls.append(("abort", context.config["step"]))
        return Result("Successful")


class Anything(RuleBasedStateMachine):
    """One rollout on a cluster of its own, and everything that may happen to it."""

    story: Controlled

    @initialize(replicas=REPLICAS, steps=STEPS, routed=st.booleans())
    def deploy(self, replicas: int, steps: list[Obj], routed: bool) -> None:
        """`routed`: a router shifts the traffic, so both versions may be complete at once."""
        self.gate = Gate()
        self.surges = not routed
        self.story = Controlled(
            *numbered(steps),
            replicas=replicas,
            plugins={"team/gate": self.gate},
            canary=ROUTED if routed else None,
        )
        for service in ("web", "web-canary") if routed else ():
            self.story.client.create("services", selecting(service), PLACE)
        self.story.wait(30)
        self.version = self.story.client.list("rollouts", PLACE)[1]
        self.story.image("demo:v2")
        self.check()

    @move(tag=st.sampled_from(("v1", "v2", "v3", "bad")))
    def image(self, tag: str) -> None:
        self.story.image(f"demo:{tag}")

    @move(replicas=REPLICAS)
    def scale(self, replicas: int) -> None:
        self.surges = False  # what is too many is taken away pod by pod
        self.story.patch({"spec": {"replicas": replicas}})

    @move(steps=STEPS)
    def edit_steps(self, steps: list[Obj]) -> None:
        canary = {"steps": numbered(steps) or None}
        self.story.patch({"spec": {"strategy": {"canary": canary}}})

    @move()
    def go_on(self) -> None:
        """Promote where it waits for that, else wait."""
        if self.story.status.get("pauseConditions"):
            self.story.promote()
        else:
            self.story.wait(6)

    @move()
    def skip_step(self) -> None:
        step = self.story.step
        if step is not None and step < len(self.steps):
            self.story.skip()

    @move()
    def promote_full(self) -> None:
        if not self.is_promoted:
            self.story.promote_full()

    @move()
    def abort_or_retry(self) -> None:
        if self.story.status.get("abort"):
            self.story.retry()
        else:
            self.story.abort()

    @move()
    def pause_or_resume(self) -> None:
        paused = bool(self.story.rollout["spec"].get("paused"))
        self.story.patch({"spec": {"paused": not paused}})

    @move()
    def restart_controller(self) -> None:
        self.story.restart_controller()

    @move(seconds=st.sampled_from((0.5, 6.0, 31.0, 700.0)))
    def wait(self, seconds: float) -> None:
        paused = bool(self.story.rollout["spec"].get("paused"))
        calls = len(self.gate.calls)
        self.story.wait(seconds)
        if paused:
            ran = [call for call in self.gate.calls[calls:] if call[0] == "run"]
            assert not ran, "a plugin was run while a person has paused the rollout"

    @property
    def steps(self) -> list[Obj]:
        found: list[Obj] = self.story.rollout["spec"]["strategy"]["canary"].get("steps") or []
        return found

    @property
    def is_promoted(self) -> bool:
        status = self.story.status
        return status.get("stableRS") == status.get("currentPodHash")

    def check(self) -> None:
        self.every_state_written_makes_sense()
        self.one_replica_set_is_stable()
        self.no_more_pods_than_the_surge_allows()
        self.plugins_are_aborted_in_reverse()

    def every_state_written_makes_sense(self) -> None:
        watch = self.story.client.watch("rollouts", PLACE, resource_version=self.version)
        for _, rollout in watch.poll():
            self.version = rollout["metadata"]["resourceVersion"]
            makes_sense(rollout)
        watch.close()

    def one_replica_set_is_stable(self) -> None:
        stable = self.story.status["stableRS"]
        sets = self.story.client.list("replicasets", PLACE)[0]
        hashes = [each["metadata"]["labels"]["rollouts-pod-template-hash"] for each in sets]
        assert hashes.count(stable) == 1, f"stable {stable} among {hashes}"
        assert len(set(hashes)) == len(hashes), f"two ReplicaSets of one version: {hashes}"

    def no_more_pods_than_the_surge_allows(self) -> None:
        if not self.surges:
            return
        replicas = self.story.rollout["spec"]["replicas"]
        assert sum(self.story.sizes.values()) <= replicas + -(-replicas // 4)

    def plugins_are_aborted_in_reverse(self) -> None:
        records = (self.story.status.get("canary") or {}).get("stepPluginStatuses") or []
        ran = [each["index"] for each in records if each["operation"] == "Run"]
        aborted = [each["index"] for each in records if each["operation"] == "Abort"]
        assert aborted == sorted(aborted, key=ran.index, reverse=True)

    def teardown(self) -> None:
        """Whatever happened: a good version that people promote comes to its end."""
        if not hasattr(self, "version"):
            return
        self.story.patch({"spec": {"paused": False}})
        self.story.image("demo:v4")
        for _ in range(len(self.steps) + 2):
            self.go_on()
            self.check()
        if not self.is_promoted:
            self.story.promote_full()  # a plugin does not let it pass
        self.story.wait(100)
        self.check()
        assert self.story.phase == ("Healthy", ""), self.story.phase
        assert self.is_promoted
        assert list(self.story.sizes.values()) == [self.story.rollout["spec"]["replicas"]]
        if self.steps:
            assert self.story.step == len(self.steps)


ROUTED = {
    "stableService": "web",
    "canaryService": "web-canary",
    "trafficRouting": {"nginx": {"stableIngress": "web"}},
}


def selecting(name: str) -> Obj:
    """A Service of the rollout's pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": PLACE},
        "spec": {"selector": {"app": "demo"}, "ports": [{"port": 80}]},
    }


def numbered(steps: list[Obj]) -> list[Obj]:
    """The steps, where each plugin is told which one it is."""
    told = []
    for index, step in enumerate(steps):
        if "plugin" in step:
            plugin = step["plugin"]
            step = {"plugin": {**plugin, "config": {**plugin["config"], "step": index}}}
        told.append(step)
    return told


def makes_sense(rollout: Obj) -> None:
    """What is true of a rollout at any moment the controller has written."""
    status = rollout.get("status") or {}
    steps = rollout["spec"]["strategy"]["canary"].get("steps") or []
    observed = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
    # Scaled while a person has paused it, the controller does not get as far as to look at steps.
    observed = observed and status.get("currentStepHash") == steps_hash(steps)
    index = status.get("currentStepIndex")
    if observed and index is not None:
        assert 0 <= index <= len(steps), f"step {index} of {len(steps)}"
    promoted = status.get("stableRS", "") == status.get("currentPodHash")
    if observed and status.get("phase") == "Healthy":
        assert promoted, "Healthy with another version than the stable one"
        assert not steps or index == len(steps)
    reasons = [each["reason"] for each in status.get("pauseConditions") or []]
    assert len(set(reasons)) == len(reasons), f"paused twice for one reason: {reasons}"
    if status.get("abortedAt"):
        assert not reasons, "paused and aborted at once"
    weights = (status.get("canary") or {}).get("weights")
    if weights:
        assert weights["canary"]["weight"] + weights["stable"]["weight"] == 100
        assert weights["canary"]["weight"] >= 0
    records = (status.get("canary") or {}).get("stepPluginStatuses") or []
    keys = [(each["index"], each["operation"]) for each in records]
    assert len(set(keys)) == len(keys), f"two records of one call: {keys}"


TestAnything = Anything.TestCase
TestAnything.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
