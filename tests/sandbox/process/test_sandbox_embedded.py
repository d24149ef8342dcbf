"""The embedded cluster in one process: Jenkins, the controller's own pod, other controllers."""

from __future__ import annotations

from typing import Any

from rolloutctl.sandbox import fresh
from rolloutctl.sandbox.embedded import EmbeddedCluster
from rolloutctl.sandbox.mandate import INSTANCE_ID
from rolloutctl.sandbox.plugins.jenkins import Mode
from rolloutctl.sandbox.report import controller_state


def records(cluster: EmbeddedCluster) -> list[dict[str, Any]]:
    status = cluster.client.get("rollouts", "checkout", "shop")["status"]
    found: list[dict[str, Any]] = status["canary"].get("stepPluginStatuses", [])
    return found


def restart_controller(cluster: EmbeddedCluster) -> None:
    stamp = {"kubectl.kubernetes.io/restartedAt": str(cluster.clock.monotonic())}
    body = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
    cluster.client.patch("deployments", fresh.CONTROLLER_NAME, body, fresh.CONTROLLER_NAMESPACE)
    cluster.settle()


def configure(cluster: EmbeddedCluster, text: str) -> None:
    body = {"data": {"stepPlugins": text}}
    cluster.client.patch("configmaps", fresh.CONFIG_NAME, body, fresh.CONTROLLER_NAMESPACE)


def test_a_jenkins_outage_holds_a_rollout_at_its_gate_until_it_is_over(
    embedded: EmbeddedCluster,
) -> None:
    embedded.jenkins.switch(Mode.DOWN)
    embedded.load("checkout-canary")
    embedded.advance(5)
    (record,) = records(embedded)
    assert record["phase"] == "Error"
    assert "Jenkins answered 503" in record["message"]
    embedded.advance(120)
    assert records(embedded)[0]["executions"] > 2
    embedded.jenkins.switch(Mode.UP)
    embedded.advance(90)
    record = records(embedded)[0]
    assert (record["phase"], record["status"]["job"]) == ("Successful", "checkout-gate")
    status = embedded.client.get("rollouts", "checkout", "shop")["status"]
    assert status["phase"] == "Paused"


def test_an_abort_stops_the_job_in_jenkins(embedded: EmbeddedCluster) -> None:
    embedded.load("plugin-gate-running")
    assert embedded.jenkins.counts() == {"RUNNING": 1}
    body = {"status": {"abort": True}}
    embedded.client.patch("rollouts", "checkout", body, "shop", subresource="status")
    embedded.advance(5)
    assert embedded.jenkins.counts() == {"ABORTED": 1}


def test_the_report_tells_of_a_controller_that_cannot_start(embedded: EmbeddedCluster) -> None:
    embedded.settle()
    assert controller_state(embedded) == {"state": "running", "message": ""}
    good = fresh.step_plugins("http://sandbox.invalid")
    configure(embedded, good + "- name: a/b\n  location: http://nowhere.example/b\n")
    restart_controller(embedded)
    embedded.advance(30)
    found = controller_state(embedded)
    assert found["state"] == "CrashLoopBackOff"
    configure(embedded, good)
    embedded.advance(600)
    assert controller_state(embedded)["state"] == "running"


def test_a_rollout_of_another_controller_instance_is_left_alone(
    embedded: EmbeddedCluster,
) -> None:
    embedded.load("healthy")
    rollout = embedded.client.get("rollouts", "checkout", "shop")
    template = rollout["spec"]["template"]
    other = {
        "apiVersion": rollout["apiVersion"],
        "kind": "Rollout",
        "metadata": {"name": "other", "namespace": "shop", "labels": {INSTANCE_ID: "theirs"}},
        "spec": {
            "replicas": 1,
            "selector": rollout["spec"]["selector"],
            "strategy": {"canary": {}},
            "template": template,
        },
    }
    embedded.client.create("rollouts", other)
    embedded.advance(60)
    assert "status" not in embedded.client.get("rollouts", "other", "shop")
    body: dict[str, Any] = {"metadata": {"labels": {INSTANCE_ID: None}}}
    embedded.client.patch("rollouts", "other", body, "shop")
    embedded.advance(60)
    assert embedded.client.get("rollouts", "other", "shop")["status"]["phase"] == "Healthy"


def test_the_configuration_keeps_comments_and_adds_a_users_plugins() -> None:
    text = fresh.step_plugins("http://x", ["acme/gate", "step/e2e-test"])
    assert text.count("# ") >= 5
    assert text.count("step/e2e-test\n") == 1
    assert text.endswith('- name: "acme/gate"\n  location: http://x/plugins/acme/gate\n')
