"""A rollout whose template is that of a Deployment, ReplicaSet or PodTemplate."""

from __future__ import annotations

from typing import Any

import pytest

from support.controlled import PLACE, Controlled

TEMPLATE = {
    "metadata": {"labels": {"app": "demo"}},
    "spec": {"containers": [{"name": "app", "image": "demo:v1"}]},
}


def deployment(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "demo-d", "namespace": PLACE},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "demo"}},
            "template": TEMPLATE,
            **spec,
        },
    }


class Referring(Controlled):
    """The rollout `demo` of the Deployment `demo-d`, both with two pods to begin with."""

    def __init__(self, *steps: dict[str, Any], how: str | None = None, wait: bool = True) -> None:
        self.reference: dict[str, Any] = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "demo-d",
        }
        if how is not None:
            self.reference["scaleDown"] = how
        super().__init__(
            *steps,
            replicas=2,
            spec={"template": None, "selector": None, "workloadRef": self.reference},
        )
        if wait:
            self.client.create("deployments", deployment(), PLACE)
            self.cluster.advance(21)

    @property
    def deployment(self) -> dict[str, Any]:
        return self.client.get("deployments", "demo-d", PLACE)

    def new_version(self) -> None:
        spec = {"template": {"spec": {"containers": [{"name": "app", "image": "demo:v2"}]}}}
        self.client.patch("deployments", "demo-d", {"spec": spec}, PLACE)
        self.cluster.settle()


def test_the_template_comes_from_the_deployment_and_is_never_written_into_the_rollout() -> None:
    story = Referring({"setWeight": 50}, {"pause": {}})
    assert story.phase == ("Healthy", "")
    assert "template" not in story.rollout["spec"]
    assert story.status["selector"] == "app=demo"
    assert story.status["workloadObservedGeneration"] == "1"
    story.new_version()
    assert story.phase == ("Paused", "CanaryPauseStep")
    assert story.status["workloadObservedGeneration"] == "2"
    assert story.rollout["metadata"]["annotations"]["rollout.argoproj.io/revision"] == "2"


@pytest.mark.parametrize(
    ("how", "left"), [(None, 2), ("never", 2), ("onsuccess", 0), ("progressively", 0)]
)
def test_what_becomes_of_the_deployments_own_pods(how: str | None, left: int) -> None:
    story = Referring({"setWeight": 50}, how=how)
    assert story.deployment["spec"]["replicas"] == left


def test_progressively_makes_room_pod_by_pod() -> None:
    story = Referring(how="progressively", wait=False)
    story.client.create("deployments", deployment(minReadySeconds=0), PLACE)
    bad = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "demo:bad"}]}}}}
    story.client.patch("deployments", "demo-d", bad, PLACE)
    story.cluster.advance(21)
    assert story.deployment["spec"]["replicas"] == 2  # none of the rollout's pods is ready


def test_only_the_first_revision_scales_it_down() -> None:
    story = Referring({"setWeight": 50}, how="onsuccess")
    story.new_version()
    story.wait(30)
    story.client.patch("deployments", "demo-d", {"spec": {"replicas": 1}}, PLACE)
    story.wait(30)
    assert story.deployment["spec"]["replicas"] == 1


def test_a_missing_workload_is_said_and_looked_for_again() -> None:
    story = Referring(wait=False)
    phase, message = story.phase
    assert phase == "Degraded"
    assert "spec.workloadRef: Invalid value: " in message
    assert message.endswith('deployments.apps "demo-d" not found')
    story.client.create("deployments", deployment(), PLACE)
    story.wait(21)
    assert story.phase == ("Healthy", "")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"template": TEMPLATE},
            "spec.template: Internal error: template must be empty for workload reference rollout",
        ),
        (
            {"workloadRef": {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "demo-d"}},
            "workload of type apps/DaemonSet is not supported",
        ),
        (
            {"workloadRef": {"apiVersion": "v1", "kind": "Deployment", "name": "demo-d"}},
            "workload of type /Deployment is not supported",
        ),
    ],
)
def test_what_is_invalid(spec: dict[str, Any], said: str) -> None:
    story = Referring()
    story.patch({"spec": spec})
    assert story.phase[0] == "Degraded"
    assert story.phase[1].endswith(said)


def test_a_replica_set_may_be_named_as_well() -> None:
    story = Referring(wait=False)
    named = {"name": "base", "namespace": PLACE}
    base = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": named}
    selector = {"matchLabels": {"app": "demo"}}
    base["spec"] = {"replicas": 0, "selector": selector, "template": TEMPLATE}
    story.client.create("replicasets", base, PLACE)
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "base"}
    story.patch({"spec": {"workloadRef": {**reference, "scaleDown": "onsuccess"}}})
    assert story.phase == ("Healthy", "")
    assert story.sizes == {1: 2}
