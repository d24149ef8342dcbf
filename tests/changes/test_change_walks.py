"""Random walks on the embedded cluster: what was asked, what came between, what is claimed."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolloutctl.actions.promotion import Intent, carry_out, decide, read
from rolloutctl.domain.cluster import Change
from rolloutctl.domain.decision import Action, Decision, NeedsSkip
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import RolloutctlError
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.embedded import InProcess

REF = Ref("default", "web")
Object = dict[str, Any]

OUTCOMES = ("Successful", "Running", "Failed", "Error")

STEPS = st.lists(
    st.one_of(
        st.sampled_from((0, 25, 50, 100)).map(lambda weight: {"setWeight": weight}),
        st.sampled_from(({}, {"duration": "5s"})).map(lambda pause: {"pause": dict(pause)}),
        st.sampled_from(OUTCOMES).map(
            lambda outcome: {
                "plugin": {
                    "name": "step/e2e-test",
                    "config": {"return": outcome, "requeue": "5s"},
                }
            }
        ),
    ),
    min_size=1,
    max_size=5,
)


def intents(*but: Action) -> st.SearchStrategy[Intent]:
    """Whatever is asked for without more words; "image:v2" among the moves is another version."""
    without = (*but, Action.SET_IMAGE, Action.SCALE)
    return st.builds(
        Intent,
        action=st.sampled_from([action for action in Action if action not in without]),
        skip_step=st.booleans(),
        force=st.booleans(),
        resume=st.booleans(),
    )


# After an undo a second person waits for the controller, which moves on meanwhile.
TWO = intents(Action.UNDO)
MOVES = st.one_of(
    intents(),
    st.tuples(TWO, TWO),
    st.sampled_from((0.0, 1.0, 6.0, 40.0)),
    st.sampled_from(("image:v1", "image:v2", "image:v3", "scale:2", "scale:5")),
)


class Counting(InProcess):
    """Counts the changes that were taken."""

    taken = 0

    def apply(self, change: Change, *, dry_run: bool = False) -> bytes:
        stored = super().apply(change, dry_run=dry_run)
        self.taken += 1
        return stored


class Walk:
    """A rollout `web` on a cluster of its own, with v2 on its way."""

    def __init__(self, steps: list[Object]) -> None:
        self.sandbox = EmbeddedCluster()
        self.cluster = Counting(self.sandbox, "default")
        self.sandbox.apply(manifest(steps))
        self.sandbox.advance(5)
        self.edit("image:v2")
        self.sandbox.advance(1)

    @property
    def rollout(self) -> Object:
        return self.sandbox.client.get("rollouts", "web", "default")

    def edit(self, what: str) -> None:
        kind, _, value = what.partition(":")
        path, new = (
            ("/spec/replicas", int(value))
            if kind == "scale"
            else ("/spec/template/spec/containers/0/image", f"web:{value}")
        )
        operation = {"op": "replace", "path": path, "value": new}
        self.sandbox.client.patch(
            "rollouts", "web", [operation], "default", content_type="application/json-patch+json"
        )

    def decide(self, intent: Intent) -> Decision | None:
        intent = msgspec.structs.replace(intent, clock=self.sandbox.clock.now)
        try:
            return decide(read(self.cluster, REF), intent, cluster=self.cluster)
        except NeedsSkip:
            assert not intent.skip_step
        except RolloutctlError:
            pass
        return None

    def move(self, move: Any) -> None:
        if isinstance(move, float):
            self.sandbox.advance(move)
        elif isinstance(move, str):
            self.edit(move)
        elif isinstance(move, Intent):
            decision = self.decide(move)
            if decision is not None:
                self.send(decision, move)
        else:
            # Two people who looked at the same moment.
            decided = [(self.decide(intent), intent) for intent in move]
            for decision, intent in decided:
                if decision is not None:
                    self.send(decision, intent)
        self.holds()

    def send(self, decision: Decision, intent: Intent) -> None:
        before, taken = self.rollout, self.cluster.taken
        try:
            sent = carry_out(self.cluster, decision, intent)
        except RolloutctlError:
            if len(decision.changes) == 1:
                # (The controller may have moved on meanwhile, after what somebody else did.)
                assert self.cluster.taken == taken, "failed, and yet something was changed"
            return
        self.claimed(sent, intent, before)

    def claimed(self, sent: Decision, intent: Intent, before: Object) -> None:
        """What was reported is what is stored, before the controller has moved on."""
        now = self.rollout
        status = now["status"]
        if sent.action is not Action.RESTART:  # which somebody else may hold at the same time
            assert bool(now["spec"].get("paused")) == sent.expected.held
        match sent.action:
            case Action.PROMOTE:
                stood = before["status"].get("currentStepIndex", 0)
                if sent.expected.index is not None:
                    assert sent.expected.index - stood <= 1
                    assert status.get("currentStepIndex") in (stood, sent.expected.index)
                if not intent.skip_step:
                    assert before["status"].get("pauseConditions")
                    assert not sent.skips
                assert not status.get("pauseConditions")
            case Action.PROMOTE_FULL:
                assert status["promoteFull"] is True
                if before["status"].get("abort"):
                    assert intent.force
            case Action.ABORT:
                assert status["abort"] is True
                assert not status.get("promoteFull")
            case Action.RETRY:
                assert not status.get("abort")
            case Action.RESTART:
                assert now["spec"]["restartAt"] != before["spec"].get("restartAt")
                assert now["status"] == before["status"]
            case Action.UNDO:
                assert sent.undo is not None
                assert now["spec"]["template"] == sent.undo.target.template
                assert now["spec"]["template"] != before["spec"]["template"]

    def holds(self) -> None:
        """What the controller keeps true at any time."""
        self.sandbox.settle()
        rollout = self.rollout
        status, steps = rollout["status"], rollout["spec"]["strategy"]["canary"]["steps"]
        assert 0 <= status.get("currentStepIndex", 0) <= len(steps)
        if status.get("phase") == "Healthy":
            assert status["currentPodHash"] == status["stableRS"]
        records = status.get("canary", {}).get("stepPluginStatuses", [])
        aborts = [record["index"] for record in records if record["operation"] == "Abort"]
        assert len(set(aborts)) == len(aborts)
        started = [(r["startedAt"], -r["index"]) for r in records if r["operation"] == "Abort"]
        if status.get("abort"):
            by_index = [at for at, _ in sorted(started, key=lambda one: one[1])]
            assert by_index == sorted(by_index), "Abort goes from the last step to the first"

    def converges(self) -> None:
        """Promoted in full at last, the newest version is the stable one, with all its pods."""
        full = Intent(Action.PROMOTE_FULL, force=True)
        self.sandbox.advance(5)
        self.move(full)
        self.move(Intent(Action.RESUME))
        # What was scaled while it was held begins with what was shipped then only now.
        self.sandbox.advance(5)
        self.move(full)
        self.sandbox.advance(60)
        rollout = self.rollout
        status = rollout["status"]
        assert status["phase"] == "Healthy", status
        assert status["stableRS"] == status["currentPodHash"]
        assert status["availableReplicas"] == status["replicas"] == rollout["spec"]["replicas"]
        sets, _ = self.sandbox.client.list("replicasets", "default")
        sized = [item for item in sets if item["spec"]["replicas"]]
        assert len(sized) == 1
        label = "rollouts-pod-template-hash"
        assert sized[0]["metadata"]["labels"][label] == status["stableRS"]


def manifest(steps: list[Object]) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"canary": {"steps": steps}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "app", "image": "web:v1"}]},
            },
        },
    }


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(STEPS, st.lists(MOVES, max_size=8))
def test_what_is_reported_has_happened(steps: list[Object], moves: list[Any]) -> None:
    walk = Walk(steps)
    for move in moves:
        walk.move(move)
    walk.converges()
