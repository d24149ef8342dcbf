"""Scenarios as files, and files as objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from rolloutctl.errors import UsageError
from rolloutctl.sandbox.scenarios import catalogue, fleet, generated
from rolloutctl.sandbox.scenarios.loader import holds, seen

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_story_says_what_it_is_and_names_files_it_has() -> None:
    assert len(catalogue.names()) >= 8
    for name in catalogue.names():
        story = catalogue.read(name)
        assert story.description.endswith(".") and "\n" not in story.description
        applied = [action["apply"] for action in story.actions if "apply" in action]
        assert applied and set(applied) <= set(story.files)


def test_an_unknown_scenario_suggests_near_ones() -> None:
    with pytest.raises(UsageError) as raised:
        catalogue.read("pausd")
    assert "paused" in raised.value.hint


@pytest.mark.parametrize("name", ["../paused", "", "README.md", "__init__"])
def test_only_scenarios_are_scenarios(name: str) -> None:
    with pytest.raises(UsageError):
        catalogue.read(name)


def test_documents_and_lists_become_objects_and_dates_stay_texts() -> None:
    text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {day: 2026-01-02}
---
---
{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "b"}}]}
"""
    found = catalogue.parse(text, "x.yaml")
    assert [item["metadata"]["name"] for item in found] == ["a", "b"]
    assert found[0]["data"] == {"day": "2026-01-02"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", r"x\.yaml is no YAML: line \d"),
        ("just text", "document 1 is no object"),
        ("{kind: Pod, metadata: {name: a}}", "no apiVersion"),
        ("{apiVersion: v1, metadata: {name: a}}", "no kind"),
        ("{apiVersion: v1, kind: Pod}", "no metadata.name"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: a}, x: .nan}", "JSON cannot"),
        ("&a [*a]", "JSON cannot"),
        ("!!python/object:os.system {}", "is no YAML"),
    ],
)
def test_what_is_no_object_is_said(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        catalogue.parse(text, "x.yaml")


@pytest.mark.parametrize(
    "name",
    [
        *("fleet", "fleet:", "fleet:x", "fleet:0", "fleet:-1", "fleet:²", "fleet:5:5"),
        *("live:5001", "crowd", "churn:0", "churn:5:", "churn:5:5:5", "deployments:-4"),
    ],
)
def test_what_is_made_by_number_needs_one(name: str) -> None:
    with pytest.raises(UsageError, match="how many"):
        generated.read(name)


def test_numbers_are_read_and_stories_left_alone() -> None:
    assert generated.read("fleet:240") == ("fleet", (240,))
    assert generated.read("churn:200:60") == ("churn", (200, 60))
    assert generated.read("churn:200") == ("churn", (200,))
    assert generated.read("paused") is None


def test_a_fleet_is_of_the_size_and_the_variety_of_real_ones() -> None:
    made = list(fleet.rollouts(240, WHEN))
    assert made == list(fleet.rollouts(240, WHEN))
    assert len({(item["metadata"]["namespace"], item["metadata"]["name"]) for item in made}) == 240
    spaces = {item["metadata"]["namespace"] for item in made}
    assert spaces == set(fleet.namespaces(240)) and len(spaces) == 4
    sizes = [len(msgspec.json.encode(item)) for item in made]
    assert 5_500 < sum(sizes) / len(sizes) < 8_500
    phases = [item["status"]["phase"] for item in made]
    assert {"Healthy", "Progressing", "Paused", "Degraded"} == set(phases)
    assert phases.count("Healthy") > 200
    steps = [len(item["spec"]["strategy"].get("canary", {}).get("steps", [])) for item in made]
    assert sum(steps) / len(steps) == 3.5
    assert sum("blueGreen" in item["spec"]["strategy"] for item in made) == 36
    assert all(item["metadata"]["labels"].items() >= fleet.OWNER.items() for item in made)


def rollout(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"generation": 3},
        "spec": {"strategy": {"canary": {"steps": [{}, {}]}}},
        "status": {"observedGeneration": "3", "stableRS": "a", "currentPodHash": "a", **status},
    }


@pytest.mark.parametrize(
    ("status", "wait", "over"),
    [
        ({"phase": "Paused"}, {"phase": "Paused"}, True),
        ({"phase": "Paused", "observedGeneration": "2"}, {"phase": "Paused"}, False),
        ({"phase": "Healthy"}, {"phase": "Healthy"}, True),
        ({"phase": "Healthy", "currentPodHash": "b"}, {"phase": "Healthy"}, False),
        ({"currentStepIndex": 1}, {"step": 2}, True),
        ({"currentStepIndex": 0}, {"step": 2}, False),
        ({"message": "InvalidSpec: x"}, {"message": "InvalidSpec:"}, True),
        ({}, {"message": "InvalidSpec:"}, False),
        ({}, {"plugin": {"step": 1, "phase": "Running"}}, False),
    ],
)
def test_a_wait_is_over_when_the_controller_has_seen_the_spec_and_all_holds(
    status: dict[str, Any], wait: dict[str, Any], over: bool
) -> None:
    assert holds(rollout(**status), wait) is over


def test_a_wait_for_a_plugin_looks_at_its_run() -> None:
    records = [
        {"index": 0, "operation": "Run", "phase": "Successful"},
        {"index": 1, "operation": "Run", "phase": "Running"},
        {"index": 1, "operation": "Abort", "phase": "Successful"},
    ]
    found = rollout(canary={"stepPluginStatuses": records})
    assert holds(found, {"plugin": {"step": 2, "phase": "Running"}})
    assert not holds(found, {"plugin": {"step": 1, "phase": "Running"}})


def test_what_was_seen_is_one_phrase() -> None:
    paused = rollout(phase="Paused", message="CanaryPauseStep", currentStepIndex=1)
    assert seen(paused) == "Paused (CanaryPauseStep) at step 2 of 2"
    assert seen({"metadata": {}}) == "not seen by the controller"
