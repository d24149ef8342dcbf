"""What is made by number: a fleet put in whole, a crowd, rollouts that live, deployments."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from rolloutctl.domain.decoders import converted
from rolloutctl.domain.fleet.entry import entry
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import Failed
from rolloutctl.sandbox.api.messages import Request, Response
from rolloutctl.sandbox.embedded import EmbeddedCluster

FLEET = "argo-rollouts.argoproj.io/controller-instance-id=fleet"


@pytest.fixture
def cluster() -> EmbeddedCluster:
    return EmbeddedCluster()


def rollouts(cluster: EmbeddedCluster, labels: str = "") -> list[dict[str, Any]]:
    return cluster.client.list("rollouts", label_selector=labels)[0]


def as_served(cluster: EmbeddedCluster, path: str) -> dict[str, Any]:
    answer = cluster.api.handle(Request("GET", path, (), {"authorization": "Bearer sandbox"}))
    assert isinstance(answer, Response) and answer.status == 200
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_what_is_put_in_whole_is_what_the_api_would_have_stored(cluster: EmbeddedCluster) -> None:
    cluster.load("fleet:60")
    for item in rollouts(cluster):
        metadata = item["metadata"]
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{metadata['namespace']}/rollouts"
        served = as_served(cluster, f"{path}/{metadata['name']}")
        managed = served["metadata"].pop("managedFields")
        assert [(entry["manager"], entry.get("subresource")) for entry in managed] == [
            ("kubectl-client-side-apply", None),
            ("rollouts-controller", "status"),
        ]
        # The same through the API's front door.
        about = {"name": "other", "labels": metadata["labels"]}
        about["annotations"] = metadata["annotations"]
        given = {key: served[key] for key in ("apiVersion", "kind", "spec")}
        made = cluster.client.create("rollouts", {**given, "metadata": about}, "default")
        assert made["spec"] == served["spec"]
        written = cluster.client.patch(
            "rollouts", "other", {"status": served["status"]}, "default", subresource="status"
        )
        assert written["status"] == served["status"]
        cluster.client.delete("rollouts", "other", "default")


def test_loaded_again_it_is_the_same_fleet(cluster: EmbeddedCluster) -> None:
    cluster.load("fleet:70")
    before = {item["metadata"]["uid"] for item in rollouts(cluster)}
    cluster.load("fleet:70")
    assert {item["metadata"]["uid"] for item in rollouts(cluster)} == before


def test_a_fleet_has_causes_of_every_kind(cluster: EmbeddedCluster) -> None:
    cluster.load("fleet:3000")
    found = [entry(converted(item, Rollout)) for item in rollouts(cluster)]
    causes = Counter(one.cause.split(" (")[0][:24] for one in found if one.row.phase == "Degraded")
    kinds = ("", "Step Plugin 2", "Step Plugin 3", "Step-based analysis phas", "ReplicaSet")
    assert all(any(cause.startswith(kind) for cause in causes) for kind in kinds), causes
    awaiting = Counter(one.row.strategy for one in found if one.row.awaiting is not None)
    assert set(awaiting) == {"canary", "blueGreen"}
    assert any(run.phase == "Running" for one in found for run in one.runs)


def test_a_crowd_shares_a_namespace_and_stays(cluster: EmbeddedCluster) -> None:
    lines = cluster.load("crowd:20")
    assert lines[-1] == "20 of 20 rollouts with ReplicaSets and pods"

    def everything() -> dict[str, list[dict[str, Any]]]:
        kinds = ("rollouts", "replicasets", "pods")
        return {kind: cluster.client.list(kind, "crowd")[0] for kind in kinds}

    before = everything()
    assert [len(items) for items in before.values()] == [20, 60, 60]
    cluster.advance(1000)
    assert everything() == before
    owners = {item["metadata"]["uid"] for item in before["rollouts"]}
    assert {
        item["metadata"]["ownerReferences"][0]["uid"] for item in before["replicasets"]
    } == owners


def test_the_living_wait_for_a_promotion_and_take_it(cluster: EmbeddedCluster) -> None:
    lines = cluster.load("live:7")
    assert lines[-1] == "7 rollouts waiting for a promotion"
    found = rollouts(cluster, "load=live")
    assert [item["status"]["currentStepIndex"] for item in found] == [1] * 7
    name, space = found[0]["metadata"]["name"], found[0]["metadata"]["namespace"]
    body = {"status": {"pauseConditions": None}}
    cluster.client.patch("rollouts", name, body, space, subresource="status")
    cluster.advance(5)
    assert cluster.client.get("rollouts", name, space)["status"]["currentStepIndex"] == 3


def changes(cluster: EmbeddedCluster, do: Callable[[], object]) -> list[dict[str, Any]]:
    version = cluster.client.list("rollouts")[1]
    watch = cluster.client.watch("rollouts", resource_version=version)
    do()
    return [item for _, item in watch.poll()]


def test_churn_makes_so_many_changes_a_second(cluster: EmbeddedCluster) -> None:
    cluster.load("fleet:240")
    seen = changes(cluster, lambda: cluster.load("churn:40:5"))
    assert 180 <= len(seen) <= 220
    assert len({item["metadata"]["name"] for item in seen}) >= 50
    for item in seen:
        assert item["status"]["phase"] in ("Healthy", "Progressing", "Paused", "Degraded")


def test_deployments_go_to_their_end(cluster: EmbeddedCluster) -> None:
    cluster.load("fleet:120")
    before = {item["metadata"]["name"]: item for item in rollouts(cluster)}
    seen = changes(cluster, lambda: cluster.load("deployments:30"))
    deployed = {item["metadata"]["name"] for item in seen}
    assert len(deployed) == 30
    for item in rollouts(cluster):
        name, status = item["metadata"]["name"], item["status"]
        if name not in deployed:
            assert item == before[name]
            continue
        assert status["phase"] == "Healthy" and not status.get("abort")
        assert status["stableRS"] == status["currentPodHash"]
        assert status["stableRS"] != before[name]["status"]["stableRS"]
        assert status["observedGeneration"] == str(item["metadata"]["generation"]) == "2"


def test_without_a_fleet_nothing_can_be_deployed(cluster: EmbeddedCluster) -> None:
    with pytest.raises(Failed, match="no fleet"):
        cluster.load("churn:10:1")
