"""`rolloutctl plan NAME`: what it needs is read from the cluster, and nothing is changed there."""

from __future__ import annotations

import pytest

from rolloutctl.errors import ExitCode
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.embedded import InProcess
from support.plans import planned
from support.program import Program


@pytest.fixture
def shop(embedded: EmbeddedCluster, rolloutctl: Program) -> EmbeddedCluster:
    embedded.load("checkout-canary", "shop")
    rolloutctl.cluster = InProcess(embedded, "shop")
    return embedded


@pytest.mark.parametrize("name", ["checkout", "ro/checkout", "rollout/checkout"])
def test_a_rollout_of_the_cluster_is_read_and_left_alone(
    rolloutctl: Program, shop: EmbeddedCluster, name: str
) -> None:
    before = shop.store.version
    found = planned(rolloutctl, name, "--image", "shop/checkout:v3")
    assert (found["namespace"], found["name"], found["result"]) == ("shop", "checkout", "promoted")
    assert [person["number"] for person in found["persons"]] == [4]
    assert found["images"]["to"] == ["shop/checkout:v3"]
    assert shop.store.version == before


def test_another_size_is_rehearsed(rolloutctl: Program, shop: EmbeddedCluster) -> None:
    found = planned(rolloutctl, "checkout", "--replicas", "40")
    assert (found["replicas"], found["steps"][0]["canary"]["desired"]) == (40, 4)


def test_a_disabled_plugin_is_passed_over(rolloutctl: Program, shop: EmbeddedCluster) -> None:
    configure(shop, "- name: demo/jenkins-gate\n  location: file:///x\n  disabled: true\n")
    found = planned(rolloutctl, "checkout")
    assert [step["plugin"]["outcome"] for step in found["steps"] if step["plugin"]] == [
        "Disabled",
        "Disabled",
    ]
    assert found["totalSeconds"] == 600.0
    assert found["assumptions"]["plugins"] == []


def test_a_plugin_that_is_not_configured_stops_it(
    rolloutctl: Program, shop: EmbeddedCluster
) -> None:
    configure(shop, "- name: demo/other\n  location: file:///x\n")
    result = rolloutctl("plan", "checkout")
    assert result.exit_code == ExitCode.FAILED
    assert "not configured in argo-rollouts-config" in result.stdout
    assert "never by itself: Degraded: ProgressDeadlineExceeded" in result.stdout


def configure(shop: EmbeddedCluster, step_plugins: str) -> None:
    body = {"data": {"stepPlugins": step_plugins}}
    shop.client.patch("configmaps", "argo-rollouts-config", body, "argo-rollouts")


def test_what_it_refers_to_is_read_too(rolloutctl: Program, shop: EmbeddedCluster) -> None:
    for name in ("checkout-canary", "checkout-stable"):
        spec = {"selector": {"app": "checkout", "rollouts-pod-template-hash": "abc"}}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
        shop.client.create("services", service, "shop")
    canary = {"canaryService": "checkout-canary", "stableService": "checkout-stable"}
    body = {"spec": {"strategy": {"canary": canary}}}
    shop.client.patch("rollouts", "checkout", body, "shop")
    assert planned(rolloutctl, "checkout")["assumptions"]["notes"] == []
    shop.client.delete("services", "checkout-canary", "shop")
    assert planned(rolloutctl, "checkout")["assumptions"]["notes"] == [
        {"note": "stubbed", "kind": "Service", "name": "checkout-canary"}
    ]


def test_a_rollout_that_is_held_begins_when_it_is_resumed(
    rolloutctl: Program, shop: EmbeddedCluster
) -> None:
    shop.client.patch("rollouts", "checkout", {"spec": {"paused": True}}, "shop")
    result = rolloutctl("plan", "checkout")
    assert result.exit_code == ExitCode.OK
    assert "it begins when it is resumed" in result.stdout


def test_one_that_is_not_there_is_not_found(rolloutctl: Program, shop: EmbeddedCluster) -> None:
    result = rolloutctl("plan", "chekout")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "checkout" in result.stderr


def test_names_of_files_are_not_asked_for_in_the_cluster(
    rolloutctl: Program, shop: EmbeddedCluster
) -> None:
    for name in ("nowhere/checkout", "./checkout", "checkout.yaml", "checkout.json"):
        result = rolloutctl("plan", name)
        assert result.exit_code == ExitCode.USAGE
        assert f"{name} cannot be read" in result.stderr
