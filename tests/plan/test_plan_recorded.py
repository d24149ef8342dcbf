"""A plan is what a real controller was recorded doing: steps, order, weights, pods, people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.program import Program
from support.recorded import trace

DATA = Path(__file__).parent.parent / "traces" / "data"
STORIES = sorted(path.name.removesuffix(".json.gz") for path in DATA.glob("*.json.gz"))
OTHERWISE = {
    "canary-pause-abort-fix": "somebody aborts, and it is the third version that gets through",
    "canary-pause-full": "somebody promotes it in full",
    "istio-full": "somebody promotes it in full",
    "plugin-full-after-abort": "somebody aborts it, and promotes it in full",
    "plugin-promote-full-terminates": "somebody promotes it in full",
    "plugin-terminate-returns-failed": "somebody promotes it in full",
    "canary-scaled-while-paused": "somebody scales it in the middle",
    "canary-bad-then-good": "the first new version never starts, and is replaced",
    "analysis-terminated": "somebody terminates its analysis",
    "plugin-promote-past-running": "somebody promotes it past a plugin that runs",
}
"""Successful stories in which a person did what no plan foresees."""
DISABLED = "step/e2e-test-disabled: Disabled\n"
LATE = 1.0
"""Seconds by which the recorder read some events later than others."""


class Left(NamedTuple):
    """How a step was left: its number, and what the status said in that write."""

    number: int
    canary: int
    stable: int
    routed: int | None


class Told(NamedTuple):
    steps: list[Left]
    words: list[str]
    """The events about steps; a recording may lack some, since a recorder drops what is much."""
    persons: list[int]
    """Numbers of the steps at which somebody promoted."""
    pauses: dict[int, float]
    """Step number to how long it lasted."""
    promoted: bool


def recorded(story: dict[str, Any]) -> Told:
    """What the recording tells of the first update."""
    said = [
        event["object"]["message"]
        for event in story["watch"]
        if event["kind"] == "events" and event["type"] == "ADDED"
    ]
    words = [each for each in dict.fromkeys(said) if each.startswith("Rollout step ")]
    persons = [
        action["after"]["currentStepIndex"] + 1
        for action in story["actions"]
        if action["action"].startswith("promote")
    ]
    steps: list[Left] = []
    entered: dict[int, float] = {}
    pauses: dict[int, float] = {}
    first, before = "", 0
    for event in story["watch"]:
        if event["kind"] != "rollouts":
            continue
        status = event["object"].get("status") or {}
        current, stable = status.get("currentPodHash", ""), status.get("stableRS", "")
        first = first or stable
        if not first or current == first:
            continue
        index = status.get("currentStepIndex", 0)
        for number in range(before, index):
            weights = (status.get("canary") or {}).get("weights")
            new, old = status.get("updatedReplicas", 0), status.get("replicas", 0)
            routed = weights["canary"]["weight"] if weights else None
            steps.append(Left(number + 1, new, old - new, routed))
            pauses[number + 1] = event["t"] - entered.get(number, event["t"])
        if index != before or index not in entered:
            entered[index] = event["t"]
        before = index
        if stable == current:
            return Told(steps, words, persons, pauses, promoted=True)
    return Told(steps, words, persons, pauses, promoted=False)


def successful() -> list[str]:
    """Stories of a canary whose first update came through."""
    found = []
    for name in STORIES:
        story = trace(name)
        rollout = next(each for each in story["manifests"] if each["kind"] == "Rollout")
        if "canary" in rollout["spec"]["strategy"] and name not in OTHERWISE:
            found += [name] * recorded(story).promoted
    return found


def planned(rolloutctl: Program, story: dict[str, Any], folder: Path) -> dict[str, Any]:
    manifests, outcomes = folder / "all.json", folder / "outcomes.yaml"
    manifests.write_text(json.dumps({"kind": "List", "items": story["manifests"]}))
    outcomes.write_text(DISABLED)
    result = rolloutctl("plan", str(manifests), "--plugins", str(outcomes), "-o", "json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_there_are_stories_of_every_kind() -> None:
    kinds = {name.partition("-")[0] for name in successful()}
    assert kinds == {"analysis", "canary", "experiment", "istio", "plugin", "workloadref"}


@pytest.mark.parametrize("name", successful())
def test_a_plan_agrees_with_what_was_recorded(
    rolloutctl: Program, tmp_path: Path, name: str
) -> None:
    story = trace(name)
    real = recorded(story)
    found = planned(rolloutctl, story, tmp_path)
    steps = [
        Left(
            step["number"],
            step["canary"]["desired"],
            step["stable"]["desired"],
            step["traffic"],
        )
        for step in found["steps"]
    ]
    assert steps == real.steps
    said = [
        f"Rollout step {step['number']}/{len(found['steps'])} completed ({step['text']})"
        for step in found["steps"]
    ]
    assert [each for each in said if each in real.words] == real.words
    assert [person["number"] for person in found["persons"]] == real.persons
    for step in found["steps"]:
        if step["pause"] and step["pause"]["seconds"] is not None:
            lasted = real.pauses[step["number"]]
            assert step["pause"]["shortestSeconds"] - LATE <= lasted
            assert lasted <= step["pause"]["longestSeconds"] + LATE
