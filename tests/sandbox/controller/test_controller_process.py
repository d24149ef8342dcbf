"""The controller as a pod: what it reads at its start, and what happens when it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rolloutctl.sandbox.controller import config
from rolloutctl.sandbox.plugins.protocol import Result
from support.controlled import Controlled, Recording, plugin


def _state(story: Controlled) -> dict[str, Any]:
    assert len(story.controller_pods) == 1
    found: dict[str, Any] = story.controller_pods[0]["status"]["containerStatuses"][0]
    return found


def test_a_restart_makes_a_new_pod() -> None:
    story = Controlled()
    before = story.controller_pods[0]["metadata"]["name"]
    story.restart_controller()
    assert [pod["metadata"]["name"] for pod in story.controller_pods] != [before]
    assert _state(story)["ready"]
    deployment = story.client.get("deployments", "argo-rollouts", "argo-rollouts")["status"]
    assert deployment["observedGeneration"] == 2
    assert deployment["updatedReplicas"] == deployment["availableReplicas"] == 1


def test_an_edit_counts_only_after_a_restart() -> None:
    recording = Recording(run=Result("Running", requeue_after=12))
    story = Controlled(plugin({}, "demo/mine"), {"pause": {}}, plugins={"demo/mine": recording})
    story.image("demo:v2")
    text = story.configured.replace('- name: "demo/mine"', "- name: demo/mine\n  disabled: true")
    assert text != story.configured
    story.configure(text)
    story.wait(20)
    assert recording.calls == ["run", "run"]
    story.restart_controller()
    assert story.record(0) == {
        "index": 0,
        "name": "demo/mine",
        "operation": "Run",
        "disabled": True,
    }
    assert story.phase == ("Paused", "CanaryPauseStep")
    story.abort()
    assert recording.calls == ["run", "run"], "a disabled plugin is told of nothing"


def test_a_broken_configmap_takes_the_controller_down_until_it_is_mended() -> None:
    story = Controlled({"setWeight": 50}, {"pause": {}})
    good = story.configured
    story.configure("- name: [")
    story.image("demo:v2")
    assert story.phase[0] == "Paused", "the running controller does not care"
    story.restart_controller()
    state = _state(story)
    assert state["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert "failed to unmarshal step plugins" in state["lastState"]["terminated"]["message"]
    assert state["restartCount"] == 0
    story.promote()
    story.wait(45)
    assert story.phase[0] == "Paused", "nobody moves the rollouts"
    assert _state(story)["restartCount"] >= 2
    story.configure(good)
    story.wait(300)
    assert _state(story)["ready"]
    assert "failed to unmarshal" in _state(story)["lastState"]["terminated"]["message"]
    assert story.phase == ("Healthy", "")


def test_the_log_of_a_controller_that_cannot_start_says_why() -> None:
    story = Controlled()
    story.configure("- name: noslash\n  location: http://sandbox.invalid/plugins/x\n")
    story.restart_controller()
    log = story.controller_pods[0]["metadata"]["annotations"]["sandbox.rolloutctl/log"]
    assert "level=fatal" in log
    assert (
        "Failed to init config: validation of config due to (plugin repository (noslash) "
        "must be in the format of <namespace>/<name>)"
    ) in log


def test_while_the_controller_is_away_nothing_moves() -> None:
    story = Controlled({"setWeight": 50}, {"pause": {}})
    scale = {"spec": {"replicas": 0}}
    story.client.patch("deployments", "argo-rollouts", scale, "argo-rollouts")
    story.cluster.settle()
    assert story.controller_pods == []
    story.image("demo:v2")
    assert story.sizes == {1: 4}
    scale = {"spec": {"replicas": 1}}
    story.client.patch("deployments", "argo-rollouts", scale, "argo-rollouts")
    story.cluster.settle()
    assert story.phase == ("Paused", "CanaryPauseStep")


def _load(text: str, key: str = "stepPlugins", **data: str) -> config.StepPluginConfig:
    def fetch(location: str) -> None:
        if "refused" in location:
            raise ConnectionRefusedError("connection refused")

    return config.load({"data": {key: text, **data}}, fetch)


def test_what_a_good_configmap_says() -> None:
    found = _load(
        "- name: a/b\n  location: http://x/y\n  disabled: true\n"
        "- name: a/c\n  location: https://x/y\n  nobody-knows: 1\n"
        "- name: a/c\n  location: https://x/y\n"
    )
    assert found.disabled == {"a/b"}
    assert found.enabled == {"a/c"}
    assert config.load(None, lambda location: None).enabled == frozenset()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- name: [", "Failed to init config: failed to unmarshal step plugins while initializing"),
        (
            '- name: a/b\n  location: http://x\n  disabled: "yes"',
            "cannot unmarshal string into Go struct field PluginItem.disabled of type bool",
        ),
        ("a: b", "cannot unmarshal object into Go value of type []types.PluginItem"),
        (
            "- name: noslash",
            "validation of config due to (plugin repository (noslash) must be in the format of "
            "<namespace>/<name>)",
        ),
        ("- name: has spaces/in it", "must be in the format of <namespace>/<name>"),
        (
            "- name: a/b\n  location: http://refused\n  disabled: true",
            "Failed to download plugins: ",
        ),
        ("- name: a/b\n  location: file:///nowhere/at/all", "Failed to download plugins: "),
        (
            "- name: a/b\n  location: ftp://x",
            "plugin location must be of http(s) or file scheme",
        ),
    ],
)
def test_what_a_controller_does_not_start_with(text: str, why: str) -> None:
    with pytest.raises(config.Fatal) as caught:
        _load(text)
    assert why in str(caught.value)


def test_a_file_that_is_there_is_a_location(tmp_path: Path) -> None:
    binary = tmp_path / "plugin"
    binary.touch()
    assert _load(f"- name: a/b\n  location: file://{binary}").enabled == {"a/b"}


def test_router_and_metric_plugins_are_checked_as_well() -> None:
    with pytest.raises(config.Fatal, match="traffic router plugins"):
        _load("- [", key="trafficRouterPlugins")
