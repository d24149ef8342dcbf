"""Which ReplicaSets a rollout takes for its own, and which for that of its template."""

from __future__ import annotations

from typing import Any

from support.controlled import PLACE, Controlled

HALF = {"setWeight": 50}
PAUSE: dict[str, object] = {"pause": {}}
HASH = "rollouts-pod-template-hash"


def sets(story: Controlled) -> list[dict[str, Any]]:
    return story.client.list("replicasets", PLACE)[0]


def owners(replica_set: dict[str, Any]) -> list[str]:
    return [each["name"] for each in replica_set["metadata"].get("ownerReferences", [])]


def template(**container: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


def test_what_is_left_behind_is_taken_up_again() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    names = {pod["metadata"]["name"] for pod in story.pods}
    before = {each["metadata"]["name"] for each in sets(story)}
    manifest = story.rollout
    story.client.delete("rollouts", "demo", PLACE, propagation="Orphan")
    story.cluster.settle()
    assert [owners(each) for each in sets(story)] == [[], []]
    assert {pod["metadata"]["name"] for pod in story.pods} == names
    about = {"name": "demo", "namespace": PLACE}
    story.client.create("rollouts", {**manifest, "metadata": about, "status": {}}, PLACE)
    story.cluster.settle()
    assert {each["metadata"]["name"] for each in sets(story)} == before
    assert [owners(each) for each in sets(story)] == [["demo"], ["demo"]]
    assert story.phase == ("Healthy", "")


def test_an_orphan_of_other_labels_or_without_the_hash_is_left_alone() -> None:
    story = Controlled(replicas=1)
    pod = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "x"}}, "template": pod}
    for name, labels in (("other", {"app": "x", HASH: "abc"}), ("plain", {"app": "demo"})):
        body = {"metadata": {"name": name, "labels": labels}, "spec": spec}
        story.client.create("replicasets", body, PLACE)
    story.image("demo:v2")
    found = {each["metadata"]["name"]: owners(each) for each in sets(story)}
    assert found["other"] == [] and found["plain"] == []


def test_what_no_longer_matches_is_let_go() -> None:
    story = Controlled(replicas=1)
    story.image("demo:v2")
    old = next(each for each in sets(story) if each["spec"]["replicas"] == 0)
    name = old["metadata"]["name"]
    story.client.patch("replicasets", name, {"metadata": {"labels": {"app": "mine"}}}, PLACE)
    story.cluster.settle()
    assert owners(story.client.get("replicasets", name, PLACE)) == []
    assert story.phase == ("Healthy", "")


def test_a_template_that_spells_out_a_default_is_no_new_version() -> None:
    story = Controlled(HALF, PAUSE)
    before = story.status["currentPodHash"]
    story.patch(template(name="app", image="demo:v1", imagePullPolicy="IfNotPresent"))
    assert len(sets(story)) == 1
    assert story.phase == ("Healthy", "")
    assert story.status["currentPodHash"] == before
    story.patch(template(name="app", image="demo:v1", imagePullPolicy="Always"))
    assert len(sets(story)) == 2
    assert story.phase == ("Paused", "CanaryPauseStep")


def test_injected_metadata_does_not_hide_the_template() -> None:
    canary = {"stableMetadata": {"labels": {"role": "stable"}}}
    story = Controlled(HALF, PAUSE, canary=canary)
    assert sets(story)[0]["spec"]["template"]["metadata"]["labels"]["role"] == "stable"
    story.patch(template(name="app", image="demo:v1", imagePullPolicy="IfNotPresent"))
    assert len(sets(story)) == 1


def test_a_taken_name_makes_another_hash() -> None:
    story = Controlled(replicas=1)
    other = Controlled(replicas=1)
    other.image("demo:v2")
    taken = f"demo-{other.status['currentPodHash']}"
    pod = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "a"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "x"}}, "template": pod}
    story.client.create("replicasets", {"metadata": {"name": taken}, "spec": spec}, PLACE)
    story.image("demo:v2")
    assert story.status["collisionCount"] == 1
    assert story.status["currentPodHash"] != other.status["currentPodHash"]
    assert story.phase == ("Healthy", "")
