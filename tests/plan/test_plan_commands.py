"""`rolloutctl plan` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.errors import ExitCode
from support.program import Program

STEPS: list[dict[str, Any]] = [
    {"setWeight": 10},
    {"plugin": {"name": "acme/gate"}},
    {"setWeight": 50},
    {"pause": {}},
    {"plugin": {"name": "acme/smoke"}},
    {"pause": {"duration": "10m"}},
]


def manifest(steps: list[dict[str, Any]], name: str = "checkout", **canary: Any) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "replicas": 10,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": f"shop/{name}:v1"}]},
            },
            "strategy": {"canary": {"steps": steps, **canary}},
        },
    }


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "rollout.yaml"
    path.write_text(yaml.safe_dump(manifest(STEPS)))
    return str(path)


def planned(rolloutctl: Program, *argv: str) -> dict[str, Any]:
    result = rolloutctl("plan", *argv, "-o", "json")
    assert result.stdout, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_file_is_planned_without_any_cluster(rolloutctl: Program, file: str) -> None:
    found = planned(rolloutctl, file)
    assert [step["text"] for step in found["steps"]] == [
        "setWeight: 10",
        "plugin: acme/gate",
        "setWeight: 50",
        "pause",
        "plugin: acme/smoke",
        "pause: 10m",
    ]
    assert [step["weight"] for step in found["steps"]] == [10, 10, 50, 50, 50, 50]
    assert [step["canary"]["desired"] for step in found["steps"]] == [1, 1, 5, 5, 5, 5]
    assert [step["stable"]["desired"] for step in found["steps"]] == [9, 9, 5, 5, 5, 5]
    assert found["persons"] == [{"atSeconds": 65.0, "number": 4, "reason": "CanaryPauseStep"}]
    assert (found["result"], found["totalSeconds"]) == ("promoted", 730.0)


def test_an_abort_calls_what_ran_the_last_one_first(rolloutctl: Program, file: str) -> None:
    steps = planned(rolloutctl, file)["steps"]
    calls = [[call["number"] for call in step["abort"]["calls"]] for step in steps]
    assert calls == [[], [2], [2], [2], [5, 2], [5, 2]]
    assert [step["abort"]["canary"]["desired"] for step in steps] == [1, 1, 5, 5, 5, 5]


def test_the_outcome_file_decides(rolloutctl: Program, file: str, tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes.yaml"
    outcomes.write_text("acme/gate: {duration: 2m}\nacme/smoke: {outcome: Failed, message: red}\n")
    found = planned(rolloutctl, file, "--plugins", str(outcomes))
    assert found["result"] == "aborted"
    assert found["message"].endswith("Step Plugin 5 (acme/smoke) failed: red")
    assert [step["result"] for step in found["steps"]] == [*["done"] * 4, "failed", "ahead"]
    assert found["steps"][1]["lastsSeconds"] == 125.0
    assert [call["number"] for call in found["aborts"]] == [2]
    assert rolloutctl("plan", file, "--plugins", str(outcomes)).exit_code == ExitCode.FAILED


def test_what_the_controller_refuses_is_a_fault_of_the_file(
    rolloutctl: Program, tmp_path: Path
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(manifest([{"setWeight": 20, "pause": {}}])))
    result = rolloutctl("plan", str(path))
    assert result.exit_code == ExitCode.USAGE
    assert 'The Rollout "checkout" is invalid: spec.strategy.steps[0]: ' in result.stderr
    assert result.stdout == ""
