"""Blue-green's analyses before and after the switch: one look at a rollout at a time."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.sandbox.clock import FakeClock
from rolloutctl.sandbox.controller import rollout_analysis
from rolloutctl.sandbox.controller.cluster import Cluster
from rolloutctl.sandbox.controller.context import Context
from rolloutctl.sandbox.controller.hashing import template_hash
from rolloutctl.sandbox.controller.objects import HASH_LABEL, owner_reference
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.analysed import named, template
from support.controlled import PLACE

Obj = dict[str, Any]
LABELS = {"app": "demo"}
OLD = "old"


def pods(image: str) -> Obj:
    containers = [{"name": "app", "image": image}]
    return {"metadata": {"labels": LABELS}, "spec": {"containers": containers}}


NEW = template_hash(pods("demo:v2"))


class Promotion:
    """demo:v2 beside a stable demo:v1; no control loop runs."""

    def __init__(self, *, active: str = OLD, size: int = 2, **strategy: Any) -> None:
        clock = FakeClock()
        self.client = EmbeddedCluster(clock=clock).client
        self.cluster = Cluster(self.client, clock, lambda line: None)
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE}}
        self.client.create("namespaces", space)
        self.client.create("analysistemplates", template("check"), PLACE)
        rollout = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": "demo"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": LABELS},
                "template": pods("demo:v2"),
                "strategy": {"blueGreen": {"activeService": "active", **strategy}},
            },
        }
        made = self.client.create("rollouts", rollout, PLACE)
        self.replica_set(made, OLD, "demo:v1", 2, "1")
        self.replica_set(made, NEW, "demo:v2", size, "2")
        self.record(
            {"stableRS": OLD, "currentPodHash": NEW, "blueGreen": {"activeSelector": active}}
        )

    def replica_set(self, rollout: Obj, hashed: str, image: str, size: int, revision: str) -> None:
        labels = {**LABELS, HASH_LABEL: hashed}
        prefix = "rollout.argoproj.io/"
        body = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": f"demo-{hashed}",
                "labels": labels,
                "annotations": {f"{prefix}revision": revision, f"{prefix}desired-replicas": "2"},
                "ownerReferences": [owner_reference(rollout)],
            },
            "spec": {
                "replicas": size,
                "selector": {"matchLabels": labels},
                "template": {**pods(image), "metadata": {"labels": labels}},
            },
        }
        self.client.create("replicasets", body, PLACE)
        counts = {"replicas": size, "readyReplicas": size, "availableReplicas": size}
        self.client.patch(
            "replicasets", f"demo-{hashed}", {"status": counts}, PLACE, subresource="status"
        )

    def record(self, status: Obj) -> None:
        self.client.patch("rollouts", "demo", {"status": status}, PLACE, subresource="status")

    def look(self) -> Context:
        """A context of what is there now."""
        for cache in (
            self.cluster.rollouts,
            self.cluster.replica_sets,
            self.cluster.analysis_runs,
        ):
            cache.refresh()
        rollout = self.cluster.rollouts.get(PLACE, "demo")
        assert rollout is not None
        return Context(self.cluster, rollout)

    def reconcile(self) -> Context:
        """One look, after which its fields are recorded."""
        context = self.look()
        rollout_analysis.reconcile(context)
        status: Obj = {"canary": {}, "blueGreen": dict(context.status["blueGreen"])}
        rollout_analysis.write(context, status)
        self.record(status)
        return context

    def end(self, run: str, phase: str, message: str = "") -> None:
        """What the controller of AnalysisRuns does at the end of one."""
        body = {"status": {"phase": phase, "message": message}}
        self.client.patch("analysisruns", run, body, PLACE)

    @property
    def fields(self) -> Obj:
        found: Obj = self.client.get("rollouts", "demo", PLACE)["status"]["blueGreen"]
        return {key: value for key, value in found.items() if key.endswith("RunStatus")}

    @property
    def runs(self) -> dict[str, bool]:
        """Name to whether it was told to end."""
        found = self.client.list("analysisruns", PLACE)[0]
        return {each["metadata"]["name"]: each["spec"].get("terminate", False) for each in found}


PRE, POST = f"demo-{NEW}-2-pre", f"demo-{NEW}-2-post"


def test_the_first_analysis_waits_for_all_pods() -> None:
    before = Promotion(size=1, prePromotionAnalysis=named("check"))
    context = before.reconcile()
    assert (before.runs, before.fields) == ({}, {})
    assert not rollout_analysis.pre_promotion_is_done(context)
    after = Promotion(prePromotionAnalysis=named("check"))
    after.reconcile()
    assert after.runs == {PRE: False}
    assert after.fields == {"prePromotionAnalysisRunStatus": {"name": PRE, "status": ""}}


def test_with_a_preview_size_it_waits_for_that() -> None:
    story = Promotion(size=1, previewReplicaCount=1, prePromotionAnalysis=named("check"))
    story.reconcile()
    assert story.runs == {PRE: False}


def test_it_is_known_to_be_done_before_the_next_look_at_it() -> None:
    story = Promotion(prePromotionAnalysis=named("check"))
    story.reconcile()
    assert not rollout_analysis.pre_promotion_is_done(story.look())
    story.end(PRE, "Successful")
    assert rollout_analysis.pre_promotion_is_done(story.look())
    assert rollout_analysis.post_promotion_is_done(story.look())


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("it is bad", "Blue/green pre-promotion analysis phase error/failed: it is bad"),
        ("", "Blue/green pre-promotion analysis phase error/failed"),
    ],
)
@pytest.mark.parametrize("phase", ["Failed", "Error"])
def test_a_bad_result_aborts_and_stays_to_be_seen(phase: str, message: str, cause: str) -> None:
    story = Promotion(prePromotionAnalysis=named("check"))
    story.reconcile()
    story.end(PRE, phase, message)
    assert story.reconcile().pausing.abort_cause == cause
    story.record({"abort": True, "abortedAt": "2026-11-22T22:52:56Z"})
    story.reconcile()
    assert story.fields["prePromotionAnalysisRunStatus"]["status"] == phase
    assert story.runs == {PRE: False}
    # A retry: the abort is gone, its time is still there.
    story.record({"abort": None})
    story.reconcile()
    assert story.runs == {PRE: False, f"{PRE}.1": False}


def test_an_inconclusive_result_pauses() -> None:
    story = Promotion(prePromotionAnalysis=named("check"))
    story.reconcile()
    story.end(PRE, "Inconclusive")
    assert story.reconcile().pausing.is_inconclusive_now


def test_the_second_analysis_follows_the_switch() -> None:
    story = Promotion(prePromotionAnalysis=named("check"), postPromotionAnalysis=named("check"))
    story.reconcile()
    assert story.runs == {PRE: False}
    story.end(PRE, "Successful")
    story.reconcile()
    story.record({"blueGreen": {"activeSelector": NEW}})
    context = story.reconcile()
    assert story.runs == {PRE: False, POST: False}
    assert not rollout_analysis.post_promotion_is_done(context)
    story.end(POST, "Failed", "late")
    cause = story.reconcile().pausing.abort_cause
    assert cause == "Blue/green post-promotion analysis phase error/failed: late"
    assert {key: each["status"] for key, each in story.fields.items()} == {
        "prePromotionAnalysisRunStatus": "Successful",
        "postPromotionAnalysisRunStatus": "Failed",
    }


def test_an_analysis_taken_out_of_the_spec_ends() -> None:
    story = Promotion(prePromotionAnalysis=named("check"))
    story.reconcile()
    body = {"spec": {"strategy": {"blueGreen": {"prePromotionAnalysis": None}}}}
    story.client.patch("rollouts", "demo", body, PLACE)
    story.reconcile()
    assert story.runs == {PRE: True}
    assert rollout_analysis.pre_promotion_is_done(story.look())


def test_a_full_promotion_asks_for_no_analysis() -> None:
    story = Promotion(prePromotionAnalysis=named("check"))
    story.record({"promoteFull": True})
    story.reconcile()
    assert story.runs == {}
