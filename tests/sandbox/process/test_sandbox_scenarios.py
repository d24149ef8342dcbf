"""Every scenario gets to where it says, in process and over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rolloutctl.errors import Failed, RolloutctlError, Timeout, UsageError
from rolloutctl.sandbox.embedded import EmbeddedCluster
from rolloutctl.sandbox.scenarios import catalogue
from support.sandboxes import SandboxProcess

STATES: dict[str, tuple[str, str, int | None]] = {
    # scenario: phase, start of the message, currentStepIndex
    "aborted": ("Degraded", "RolloutAborted: Rollout aborted update to revision 2", 0),
    "analysis-failed": (
        "Degraded",
        "RolloutAborted: Rollout aborted update to revision 2: "
        "Step-based analysis phase error/failed: "
        'Metric "success-rate" assessed Failed due to failed (2) > failureLimit (1)',
        0,
    ),
    "bad-image": ("Degraded", "ProgressDeadlineExceeded:", 0),
    "bluegreen": ("Paused", "BlueGreenPause", None),
    "checkout-canary": ("Progressing", "", 0),
    "healthy": ("Healthy", "", 2),
    "invalid": ("Degraded", "InvalidSpec:", 0),
    "istio": ("Paused", "CanaryPauseStep", 2),
    "paused": ("Paused", "CanaryPauseStep", 3),
    "plugin-failed": ("Degraded", "RolloutAborted:", 0),
    "plugin-gate-running": ("Progressing", "", 1),
}


def test_every_scenario_has_a_state_to_be_tested() -> None:
    assert sorted(STATES) == catalogue.names()


@pytest.mark.parametrize("name", sorted(STATES))
def test_a_scenario_reaches_its_state(embedded: EmbeddedCluster, name: str) -> None:
    assert embedded.load(name)
    check(embedded.client.get("rollouts", "checkout", "shop")["status"], name)


def test_every_scenario_reaches_its_state_over_http(sandbox_process: SandboxProcess) -> None:
    """All at once, each in a namespace of its own: most of a scenario is waiting."""

    def play(name: str) -> str:
        namespace = sandbox_process.namespace()
        try:
            lines = sandbox_process.load(name, namespace)
            assert f"created Rollout {namespace}/checkout" in lines
            check(sandbox_process.client.get("rollouts", "checkout", namespace)["status"], name)
        except (AssertionError, RolloutctlError) as error:
            return f"{name}: {error}"
        return ""

    with ThreadPoolExecutor(len(STATES)) as people:
        wrong = [found for found in people.map(play, STATES) if found]
    assert not wrong, "\n".join(wrong)


def check(status: dict[str, Any], name: str) -> None:
    phase, message, index = STATES[name]
    assert status["phase"] == phase
    assert status.get("message", "").startswith(message)
    if name not in ("checkout-canary", "invalid"):
        assert status.get("currentStepIndex") == index


def test_the_plugins_before_a_failed_one_are_aborted_in_reverse(embedded: EmbeddedCluster) -> None:
    embedded.load("plugin-failed")
    records = embedded.client.get("rollouts", "checkout", "shop")["status"]["canary"]
    calls = [(item["operation"], item["index"]) for item in records["stepPluginStatuses"]]
    assert calls == [("Run", 1), ("Run", 2), ("Run", 4), ("Abort", 2), ("Abort", 1)]


def test_what_was_measured_can_be_seen(embedded: EmbeddedCluster) -> None:
    embedded.load("analysis-failed")
    (run,) = embedded.client.list("analysisruns", "shop")[0]
    (result,) = run["status"]["metricResults"]
    values = [each["value"] for each in result["measurements"]]
    assert values == ["0.99", "0.97", "0.96", "0.61", "0.58"]


def test_a_preview_has_been_analysed_and_is_not_live(embedded: EmbeddedCluster) -> None:
    embedded.load("bluegreen")
    (run,) = embedded.client.list("analysisruns", "shop")[0]
    assert run["status"]["phase"] == "Successful"
    assert run["spec"]["args"] == [{"name": "service", "value": "checkout-preview"}]
    status = embedded.client.get("rollouts", "checkout", "shop")["status"]
    for service, hashed in (("checkout", "stableRS"), ("checkout-preview", "currentPodHash")):
        selector = embedded.client.get("services", service, "shop")["spec"]["selector"]
        assert selector["rollouts-pod-template-hash"] == status[hashed]


def test_a_scenario_starts_over_whatever_was_there(embedded: EmbeddedCluster) -> None:
    embedded.load("aborted")
    uid = embedded.client.get("rollouts", "checkout", "shop")["metadata"]["uid"]
    lines = embedded.load("paused")
    assert "deleted Rollout shop/checkout, to start its story anew" in lines
    rollout = embedded.client.get("rollouts", "checkout", "shop")
    assert rollout["metadata"]["uid"] != uid
    check(rollout["status"], "paused")
    owners = {
        item["metadata"]["ownerReferences"][0]["uid"]
        for item in embedded.client.list("replicasets", "shop")[0]
    }
    assert owners == {rollout["metadata"]["uid"]}


def test_what_is_only_called_alike_does_not_hold_up_a_new_start(embedded: EmbeddedCluster) -> None:
    embedded.load("healthy")
    labels = {"app": "mine"}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "app", "image": "mine:v1"}]},
        },
    }
    mine = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "checkout-mine"}}
    embedded.client.create("replicasets", {**mine, "spec": spec}, "shop")
    embedded.advance(1)
    lines = embedded.load("healthy")
    assert "deleted Rollout shop/checkout, to start its story anew" in lines
    assert embedded.client.get("replicasets", "checkout-mine", "shop")


def test_a_scenario_moves_to_another_namespace_as_a_whole(embedded: EmbeddedCluster) -> None:
    embedded.load("invalid", "elsewhere")
    assert embedded.client.list("rollouts", "shop")[0] == []
    names = [item["metadata"]["name"] for item in embedded.client.list("services", "elsewhere")[0]]
    assert names == ["checkout"]


def test_a_wait_that_does_not_end_says_what_it_saw(embedded: EmbeddedCluster) -> None:
    embedded.load("paused")
    wait = embedded.loader._wait("shop", {"rollout": "checkout", "phase": "Healthy", "timeout": 5})
    with pytest.raises(Timeout, match=r"Paused \(CanaryPauseStep\) at step 4 of 7"):
        list(wait)


def test_objects_are_created_and_then_updated(embedded: EmbeddedCluster) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "new"},
        "data": {"k": "1"},
    }
    assert embedded.apply(config) == ["created namespace new", "created ConfigMap new/a"]
    config["data"] = {"k": "2"}
    assert embedded.apply(config) == ["updated ConfigMap new/a"]
    assert embedded.client.get("configmaps", "a", "new")["data"] == {"k": "2"}


def test_a_kind_nobody_serves_is_said(embedded: EmbeddedCluster) -> None:
    with pytest.raises(UsageError, match=r"does not serve CronTab of stable\.example/v1"):
        embedded.apply(
            {"apiVersion": "stable.example/v1", "kind": "CronTab", "metadata": {"name": "a"}}
        )


def test_what_the_api_refuses_names_the_object(embedded: EmbeddedCluster) -> None:
    with pytest.raises(Failed) as raised:
        embedded.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Not A Name"}}
        )
    assert raised.value.subject == "ConfigMap default/Not A Name"


def test_a_fleet_is_left_alone_by_the_controller(embedded: EmbeddedCluster) -> None:
    lines = embedded.load("fleet:130")
    assert lines[-1] == "130 of 130 rollouts"
    before, _ = embedded.client.list("rollouts")
    embedded.advance(2000)
    after, _ = embedded.client.list("rollouts")
    assert before == after and len(after) == 130
    assert {item["status"]["phase"] for item in after} == {
        "Healthy",
        "Paused",
        "Progressing",
        "Degraded",
    }
    owned = [item for item in embedded.client.list("replicasets")[0] if "team-" in str(item)]
    assert owned == []


def test_a_fleet_over_http(sandbox_process: SandboxProcess) -> None:
    assert sandbox_process.load("fleet:70")[-1] == "70 of 70 rollouts"
    assert len(sandbox_process.client.list("rollouts", "team-001")) == 60
    assert len(sandbox_process.client.list("rollouts", "team-002")) == 10
