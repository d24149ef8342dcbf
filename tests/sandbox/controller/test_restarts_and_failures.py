"""Pods that are restarted, ReplicaSets that fail, and what goes with those that are deleted."""

from __future__ import annotations

from typing import Any

import pytest

from rolloutctl.sandbox.client import ApiError, Client
from support.analysed import named, said, template
from support.bluegreen import service
from support.controlled import PLACE, Controlled
from support.metrics import scripted

Obj = dict[str, Any]


def at(story: Controlled, seconds: int = 0) -> str:
    """The time `seconds` from now, as `spec.restartAt` has it."""
    moment = story.clock.now().timestamp() + seconds
    return (
        type(story.clock.now())
        .fromtimestamp(moment, story.clock.now().tzinfo)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
    )


def uids(story: Controlled) -> set[str]:
    return {pod["metadata"]["uid"] for pod in story.pods}


def test_a_restart_in_the_future_is_an_appointment() -> None:
    story = Controlled(replicas=1)
    before = uids(story)
    when = at(story, 100)
    story.patch({"spec": {"restartAt": when}})
    assert story.phase == ("Progressing", "rollout is restarting")
    story.wait(99)
    assert uids(story) == before
    story.wait(35)
    assert not uids(story) & before
    assert (story.status["restartedAt"], story.phase) == (when, ("Healthy", ""))


def test_a_pod_of_the_same_second_counts_as_new() -> None:
    story = Controlled(replicas=2)
    before = uids(story)
    story.patch({"spec": {"restartAt": at(story)}})
    story.wait(60)
    assert uids(story) == before
    assert story.phase == ("Healthy", "")


def test_a_new_template_takes_the_place_of_a_restart() -> None:
    story = Controlled({"pause": {}}, replicas=2)
    when = at(story, 100)
    story.patch({"spec": {"restartAt": when}})
    story.image("demo:v2")
    assert story.status["restartedAt"] == when
    before = uids(story)
    story.wait(200)
    assert uids(story) == before


def test_a_restart_makes_no_revision_and_tells_no_event() -> None:
    story = Controlled(replicas=2)
    story.wait(5)
    events = {(each["reason"], each["message"]) for each in _told(story)}
    story.patch({"spec": {"restartAt": at(story)}})
    story.wait(100)
    assert story.status["restartedAt"] == story.rollout["spec"]["restartAt"]
    assert {(each["reason"], each["message"]) for each in _told(story)} == events
    assert story.rollout["metadata"]["annotations"]["rollout.argoproj.io/revision"] == "1"


def _told(story: Controlled) -> list[Obj]:
    found = story.client.list("events", PLACE)[0]
    return [each for each in found if each["involvedObject"]["kind"] == "Rollout"]


def test_what_a_replicaset_complains_of_is_told_of_the_rollout() -> None:
    story = Controlled(replicas=2)
    hashed = story.status["currentPodHash"]
    complaint = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota",
    }
    for conditions, seen in (([complaint], ("True", "FailedCreate")), ([], ("", ""))):
        body = {"status": {"conditions": conditions}}
        story.client.patch("replicasets", f"demo-{hashed}", body, PLACE, subresource="status")
        story.cluster.settle()
        assert story.condition("ReplicaFailure") == seen


def test_a_replicaset_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Controlled(replicas=1)
    make = Client.create

    def refuse(self: Client, resource: str, *rest: Any) -> Obj:
        if resource == "replicasets":
            raise ApiError(403, "Forbidden", "exceeded quota: replicasets")
        return make(self, resource, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(Client, "create", refuse)
        story.image("demo:v2")
        assert story.condition("Progressing") == ("False", "ReplicaSetCreateError")
    (told,) = story.events("ReplicaSetCreateError")
    assert told.startswith('Failed to create new replica set "demo-')
    assert told.endswith('": exceeded quota: replicasets')
    story.wait(20)
    assert (story.phase, story.sizes) == (("Healthy", ""), {2: 1})


def test_runs_and_trials_go_with_their_replicaset() -> None:
    trial = {"experiment": {"duration": "1s", "templates": [{"name": "one", "specRef": "canary"}]}}
    story = Controlled(
        {"setWeight": 50},
        {"analysis": named("check")},
        trial,
        replicas=2,
        spec={"revisionHistoryLimit": 0},
        objects=[template("check", scripted(1, count=1))],
    )
    for tag in ("v2", "v3", "v4"):
        story.image(f"demo:{tag}")
        story.wait(60)
    hashed = story.status["currentPodHash"]
    assert said(story) == {"demo-4-1": "Successful"}
    trials = [each["metadata"]["name"] for each in story.client.list("experiments", PLACE)[0]]
    assert trials == [f"demo-{hashed}-4-2"]


def test_blue_green_of_a_deployments_template() -> None:
    pods = {
        "metadata": {"labels": {"app": "demo"}},
        "spec": {"containers": [{"name": "app", "image": "demo:v1"}]},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "demo-d"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "demo"}},
            "template": pods,
        },
    }
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo-d"}
    story = Controlled(
        replicas=2,
        spec={
            "template": None,
            "selector": None,
            "workloadRef": {**reference, "scaleDown": "onsuccess"},
            "strategy": {"blueGreen": {"activeService": "active", "autoPromotionEnabled": False}},
        },
        objects=[service("active"), deployment],
    )
    assert story.phase == ("Healthy", "")
    assert story.client.get("deployments", "demo-d", PLACE)["spec"]["replicas"] == 0
    body = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "demo:v2"}]}}}}
    story.client.patch("deployments", "demo-d", body, PLACE)
    story.cluster.settle()
    assert story.phase == ("Paused", "BlueGreenPause")
    story.promote()
    assert story.phase == ("Healthy", "")
    assert "template" not in story.rollout["spec"]
