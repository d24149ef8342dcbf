"""What holds of blue-green whatever people, images, metrics and time do, in any order.

Traffic is followed object by object: all versions of the rollout, its ReplicaSets, its runs and
the active Service are put in the order they were written, so what was there when the Service
moved is known. A counterexample is printed as the calls that lead to it.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from support.analysed import named, template
from support.bluegreen import DEADLINE, HASH, BlueGreen
from support.controlled import PLACE
from support.metrics import scripted
from support.moves import move

Obj = dict[str, Any]

REPLICAS = st.integers(1, 4)
TAGS = st.sampled_from(("v1", "v2", "v3", "bad"))
VALUES = {"good": 1, "bad": 0, "unclear": 0.5}
STRATEGY = st.fixed_dictionaries(
    {},
    optional={
        "autoPromotionEnabled": st.booleans(),
        "autoPromotionSeconds": st.sampled_from((5, 40)),
        "previewReplicaCount": st.integers(1, 2),
        "scaleDownDelaySeconds": st.sampled_from((0, 5, 60)),
        "abortScaleDownDelaySeconds": st.sampled_from((0, 5, 60)),
        "scaleDownDelayRevisionLimit": st.integers(0, 1),
        "prePromotionAnalysis": st.just(named("check")),
        "postPromotionAnalysis": st.just(named("check")),
    },
)


class Traffic:
    """What was written, in order, and what is true of each move of the active Service."""

    KINDS = ("services", "replicasets", "analysisruns", "rollouts")

    def __init__(self, story: BlueGreen) -> None:
        self.story = story
        self.allowed: set[str] = set()
        """The versions somebody has let go live: by a promotion, or back to where it had been."""
        self.live = ""
        self.seen: dict[tuple[str, str], Obj] = {}
        self.versions = {kind: story.client.list(kind, PLACE)[1] for kind in self.KINDS}
        for kind in self.KINDS:
            for each in story.client.list(kind, PLACE)[0]:
                self._take(kind, each)

    @property
    def rollout(self) -> Obj:
        return self.seen["rollouts", "demo"]

    def follow(self) -> None:
        written: list[tuple[int, str, Obj]] = []
        for kind in self.KINDS:
            watch = self.story.client.watch(kind, PLACE, resource_version=self.versions[kind])
            for event, found in watch.poll():
                self.versions[kind] = found["metadata"]["resourceVersion"]
                if event != "DELETED":
                    written.append((int(self.versions[kind]), kind, found))
            watch.close()
        for _, kind, found in sorted(written, key=lambda each: each[0]):
            self._take(kind, found)

    def _take(self, kind: str, found: Obj) -> None:
        name = found["metadata"]["name"]
        if kind == "services" and name == "active":
            hashed = found["spec"]["selector"].get(HASH, "")
            if hashed != self.live and self.live:
                self._may_move(hashed)
            self.live = hashed
        self.seen[kind, name] = found
        if kind == "rollouts":
            self._makes_sense(found)

    def _may_move(self, to: str) -> None:
        status = self.rollout["status"]
        replica_set = self.seen.get(("replicasets", f"demo-{to}"))
        assert replica_set is not None, f"traffic went to {to}, which is no version of this rollout"
        back = to == status["stableRS"]
        if not (back and status.get("abort")):
            assert to == status["currentPodHash"], "traffic went to a version nobody wants"
            wanted = self.rollout["spec"]["replicas"]
            there = replica_set["status"].get("availableReplicas", 0)
            assert there == wanted, f"traffic went to {there} pods of {wanted}"
        assert not self.rollout["spec"].get("paused"), "traffic moved though a person holds it"
        if back or to in self.allowed:
            return
        assert not status.get("abort"), "traffic went to what was aborted"
        strategy = self.rollout["spec"]["strategy"]["blueGreen"]
        assert strategy.get("autoPromotionEnabled", True), "went live, and nobody had said so"
        if strategy.get("autoPromotionSeconds"):
            self._counted_down(strategy["autoPromotionSeconds"])
        if "prePromotionAnalysis" in strategy:
            assert self._analysed(to) == "Successful", "went live with what analysis?"

    def _counted_down(self, seconds: int) -> None:
        paused = self.rollout["status"].get("pauseConditions") or []
        checked = self.rollout["status"]["blueGreen"].get("scaleUpPreviewCheckPoint")
        assert paused or checked, "went live without its countdown"
        for each in paused:
            since = self.story.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            assert since > each["startTime"], f"went live before {seconds} s had passed"

    def _analysed(self, hashed: str) -> str:
        runs = [
            run
            for (kind, _), run in self.seen.items()
            if kind == "analysisruns"
            and run["metadata"]["labels"][HASH] == hashed
            and run["metadata"]["labels"]["rollout-type"] == "PrePromotion"
        ]
        newest = max(runs, key=lambda run: int(run["metadata"]["resourceVersion"]), default={})
        phase: str = newest.get("status", {}).get("phase", "")
        return phase

    def _makes_sense(self, rollout: Obj) -> None:
        status = rollout.get("status") or {}
        stable, current = status.get("stableRS", ""), status.get("currentPodHash", "")
        observed = status.get("observedGeneration") == str(rollout["metadata"]["generation"])
        if observed and status.get("phase") == "Healthy":
            active = status["blueGreen"].get("activeSelector")
            assert active == stable == current == self.live, (active, stable, current, self.live)
        reasons = [each["reason"] for each in status.get("pauseConditions") or []]
        assert len(set(reasons)) == len(reasons), f"paused twice for one reason: {reasons}"
        if status.get("abortedAt"):
            assert not reasons, "paused and aborted at once"


class AnyBlueGreen(RuleBasedStateMachine):
    """One rollout on a cluster of its own, and everything that may happen to it."""

    story: BlueGreen

    @initialize(
        replicas=REPLICAS,
        strategy=STRATEGY,
        metric=st.sampled_from(sorted(VALUES)),
        window=st.integers(0, 2),
    )
    def deploy(self, replicas: int, strategy: Obj, metric: str, window: int) -> None:
        self.story = BlueGreen(
            replicas=replicas,
            objects=[template("check", measured(metric))],
            spec={"rollbackWindow": {"revisions": window}} if window else None,
            **strategy,
        )
        self.traffic = Traffic(self.story)
        self.story.wait(1)
        self.story.image("demo:v2")
        self.check()

    @move(tag=TAGS)
    def image(self, tag: str) -> None:
        containers = self.story.rollout["spec"]["template"]["spec"]["containers"]
        if containers[0]["image"] == f"demo:{tag}":
            return
        self.traffic.allowed = self.left_behind()
        self.story.image(f"demo:{tag}")

    @move(replicas=REPLICAS)
    def scale(self, replicas: int) -> None:
        self.story.patch({"spec": {"replicas": replicas}})

    @move()
    def go_on(self) -> None:
        """Promote where it waits for that, else wait."""
        reasons = [each["reason"] for each in self.story.status.get("pauseConditions") or []]
        if reasons == ["BlueGreenPause"]:
            self.traffic.allowed.add(self.story.status["currentPodHash"])
        if reasons:
            self.story.promote()
        else:
            self.story.wait(6)

    @move()
    def promote_full(self) -> None:
        status = self.story.status
        if status["stableRS"] != status["currentPodHash"]:
            self.traffic.allowed.add(status["currentPodHash"])
            self.story.promote_full()

    @move()
    def abort_or_retry(self) -> None:
        if self.story.status.get("abort"):
            self.story.retry()
        else:
            self.forbid()
            self.story.abort()

    @move()
    def pause_or_resume(self) -> None:
        paused = bool(self.story.rollout["spec"].get("paused"))
        self.story.patch({"spec": {"paused": not paused}})

    @move(metric=st.sampled_from(sorted(VALUES)))
    def measure(self, metric: str) -> None:
        """From now on the metric is that."""
        body = {"spec": {"metrics": [measured(metric)]}}
        self.story.client.patch("analysistemplates", "check", body, PLACE)

    @move()
    def lose_a_pod(self) -> None:
        pods = [each for each in self.story.pods if "deletionTimestamp" not in each["metadata"]]
        if pods:
            self.story.client.delete("pods", pods[0]["metadata"]["name"], PLACE)
            self.story.cluster.settle()

    @move()
    def restart_controller(self) -> None:
        self.story.restart_controller()

    @move(seconds=st.sampled_from((0.5, 6.0, 31.0, 700.0)))
    def wait(self, seconds: float) -> None:
        self.story.wait(seconds)

    def left_behind(self) -> set[str]:
        """Who may come back at once: in the window, or while its pods are counted out.

        By the rules also a preview that was never live, once a later version is stable.
        """
        return {
            each["metadata"]["labels"][HASH]
            for each in self.story.client.list("replicasets", PLACE)[0]
            if "rollbackWindow" in self.spec or DEADLINE in each["metadata"].get("annotations", {})
        }

    def forbid(self) -> None:
        """An abort takes back what was allowed, where the controller does not undo the abort."""
        status = self.story.status
        if not status.get("promoteFull") and "rollbackWindow" not in self.spec:
            self.traffic.allowed.discard(status["currentPodHash"])

    @property
    def spec(self) -> Obj:
        found: Obj = self.story.rollout["spec"]
        return found

    def check(self) -> None:
        self.traffic.follow()
        stable = self.story.status["stableRS"]
        sets = self.story.client.list("replicasets", PLACE)[0]
        hashes = [each["metadata"]["labels"][HASH] for each in sets]
        assert hashes.count(stable) == 1, f"stable {stable} among {hashes}"
        assert len(set(hashes)) == len(hashes), f"two ReplicaSets of one version: {hashes}"
        assert self.traffic.live in hashes, "traffic goes nowhere"
        for each in sets:
            if each["metadata"]["labels"][HASH] == self.traffic.live:
                assert each["spec"]["replicas"] == self.spec["replicas"], "what is live is smaller"

    def teardown(self) -> None:
        """Whatever happened: a good version that people promote comes to its end."""
        if not hasattr(self, "traffic"):
            return
        self.measure(metric="good")
        self.story.patch({"spec": {"paused": False}})
        self.check()
        self.image(tag="v4")
        for _ in range(4):
            self.wait(seconds=50)
            self.go_on()
        self.wait(seconds=700)
        status = self.story.status
        assert self.story.phase == ("Healthy", ""), self.story.phase
        assert status["stableRS"] == status["currentPodHash"] == self.traffic.live
        if self.spec["strategy"]["blueGreen"].get("scaleDownDelaySeconds") != 0:
            assert list(self.story.sizes.values()) == [self.spec["replicas"]]


def measured(metric: str) -> Obj:
    """A metric with one value: "good", "bad" or "unclear"."""
    return scripted(VALUES[metric], failureCondition="result < 0.1")


TestAnyBlueGreen = AnyBlueGreen.TestCase
TestAnyBlueGreen.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
