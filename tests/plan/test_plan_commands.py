"""`rolloutctl plan` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.errors import ExitCode
from rolloutctl.sandbox.rehearsal import run as rehearsing
from rolloutctl.sandbox.rehearsal.outcomes import Outcomes
from support.plans import manifest, planned
from support.program import Program

STEPS: list[dict[str, Any]] = [
    {"setWeight": 10},
    {"plugin": {"name": "acme/gate"}},
    {"setWeight": 50},
    {"pause": {}},
    {"plugin": {"name": "acme/smoke"}},
    {"pause": {"duration": "10m"}},
]


PAGE = """\
Plan of checkout  shop  canary, 10 pods  checkout:v1 → v2

    AT  STEP  WHAT               LASTS  WEIGHT  CANARY  STABLE  HOW
    0s     1  set weight 10                 10       1       9
    0s     2  plugin acme/gate    2m5s      10       1       9  Successful, 2 calls
  2m5s     3  set weight 50                 50       5       5
  2m5s     4  pause                  ?      50       5       5  until a person promotes
  2m5s     5  plugin acme/smoke   1m5s      50       5       5  Successful (assumed), 2 calls
 3m10s     6  pause 10m            10m      50       5       5
13m10s        promoted                     100      10       0

Total     13m10s, and as long as people take at step 4
People    needed at step 4
Pauses    1 timed pause, 10m
Pods      at most 13 pods at a time

An abort
  at step 1      calls nothing; 1 canary pod gone at once
  at step 2      calls Abort of step 2 (acme/gate): Failed; 1 canary pod gone at once
  at steps 3-4   calls Abort of step 2 (acme/gate): Failed; 5 canary pods gone at once
  at steps 5-6   calls Abort of step 5 (acme/smoke); then of step 2 (acme/gate): Failed; 5 canary
                 pods gone at once

Assumed
  · new pods are ready at once (--pod-ready says otherwise)
  · a person acts at once
  · plugin acme/smoke succeeds after 1m (--plugins FILE says otherwise)
  · the controller calls a running plugin 5s later than it asks for
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "rollout.yaml"
    path.write_text(yaml.safe_dump(manifest(STEPS)))
    return str(path)


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


def test_the_page_a_person_reads(rolloutctl: Program, file: str, tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes.yaml"
    outcomes.write_text("acme/gate: {outcome: Successful, duration: 2m, abort: Failed}\n")
    rolloutctl.terminal = True
    rolloutctl.env = {"NO_COLOR": "1"}
    result = rolloutctl("plan", file, "--plugins", str(outcomes), "--image", "shop/checkout:v2")
    assert result.stdout == PAGE
    assert result.exit_code == ExitCode.OK


def test_a_plan_comes_from_stdin_too(rolloutctl: Program, file: str) -> None:
    rolloutctl.stdin = Path(file).read_text()
    assert rolloutctl("plan", "-").stdout == rolloutctl("plan", file).stdout


def test_all_rollouts_of_a_file_are_planned(rolloutctl: Program, tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    good, bad = manifest(STEPS[:1], "one"), manifest([{}], "two")
    path.write_text(yaml.safe_dump_all([good, bad, manifest([{"setWeight": 5}], "three")]))
    result = rolloutctl("plan", str(path), "-o", "jsonl")
    assert [json.loads(line)["name"] for line in result.stdout.splitlines()] == ["one", "three"]
    assert 'The Rollout "two" is invalid: spec.strategy.steps[0]: ' in result.stderr
    assert result.exit_code == ExitCode.USAGE
    assert planned(rolloutctl, str(path), "--rollout", "three")["name"] == "three"
    result = rolloutctl("plan", str(path), "-o", "svg")
    assert result.exit_code == ExitCode.USAGE
    assert "--rollout one of one, two, three" in result.stderr
    assert rolloutctl("plan", str(path), "--rollout", "four").exit_code == ExitCode.USAGE


def test_lists_are_one_document(rolloutctl: Program, tmp_path: Path) -> None:
    path = tmp_path / "all.json"
    items = [manifest(STEPS[:1], "one"), manifest(STEPS[:1], "two")]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    found = json.loads(rolloutctl("plan", str(path), "-o", "json").stdout)
    assert (found["kind"], [item["name"] for item in found["items"]]) == (
        "PlanList",
        ["one", "two"],
    )
    documents = list(yaml.safe_load_all(rolloutctl("plan", str(path), "-o", "yaml").stdout))
    assert documents == found["items"]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("shop/checkout:v1", "has the image shop/checkout:v1 already"),
        ("web=shop/checkout:v2", 'no container "web"'),
        ("app=", "names no image"),
    ],
)
def test_an_image_that_cannot_be_meant_is_refused(
    rolloutctl: Program, file: str, image: str, says: str
) -> None:
    result = rolloutctl("plan", file, "--image", image)
    assert result.exit_code == ExitCode.USAGE
    assert says in result.stderr


def test_with_several_containers_an_image_names_its_own(
    rolloutctl: Program, tmp_path: Path
) -> None:
    found = manifest(STEPS[:1])
    containers = found["spec"]["template"]["spec"]["containers"]
    containers.append({"name": "side", "image": "shop/side:v7"})
    path = tmp_path / "two.yaml"
    path.write_text(yaml.safe_dump(found))
    assert "the containers are app, side" in rolloutctl("plan", str(path), "--image", "v2").stderr
    images = planned(rolloutctl, str(path), "--image", "side=shop/side:v8")["images"]
    assert images["to"] == ["shop/checkout:v1", "shop/side:v8"]


def test_an_image_whose_name_makes_sandbox_pods_fail_does_not(
    rolloutctl: Program, file: str
) -> None:
    """The tag `bad` is how a sandbox is told to let pods fail; a plan is of real images."""
    found = planned(rolloutctl, file, "--image", "app=shop/checkout:badge-2")
    assert found["result"] == "promoted"
    assert found["images"]["to"] == ["shop/checkout:badge-2"]


def test_pods_that_take_their_time_make_steps_last(rolloutctl: Program, file: str) -> None:
    found = planned(rolloutctl, file, "--pod-ready", "30s")
    assert found["podReadySeconds"] == 30
    assert found["steps"][0]["lastsSeconds"] >= 30
    assert found["totalSeconds"] > 730 + 60


def test_what_is_missing_is_said(rolloutctl: Program, tmp_path: Path) -> None:
    path = tmp_path / "routed.yaml"
    istio = {"istio": {"virtualService": {"name": "checkout", "routes": ["primary"]}}}
    services = {"canaryService": "new", "stableService": "old"}
    path.write_text(yaml.safe_dump(manifest(STEPS[:1], trafficRouting=istio, **services)))
    result = rolloutctl("plan", str(path))
    for said in ("Service old", "Service new", "VirtualService checkout"):
        assert f"{said} was not given: a stand-in was used" in result.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no Rollout"),
        ("kind: Rollout", "has no apiVersion"),
        ("a: [", "is no YAML"),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: x}", "it holds Service"),
    ],
)
def test_a_file_without_a_rollout_is_refused(
    rolloutctl: Program, tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(text)
    result = rolloutctl("plan", str(path))
    assert result.exit_code == ExitCode.USAGE
    assert says in result.stderr


def test_a_picture_is_written_beside_the_page(
    rolloutctl: Program, file: str, tmp_path: Path
) -> None:
    picture = tmp_path / "plan.svg"
    result = rolloutctl("plan", file, "--svg", str(picture))
    assert result.stdout.startswith("Plan of checkout")
    assert picture.read_text() == rolloutctl("plan", file, "-o", "svg").stdout
    assert rolloutctl("plan", file, "--svg", str(tmp_path / "no" / "x")).exit_code == 1


def test_what_happened_before_an_abort_needs_no_time_to_be_the_same(
    rolloutctl: Program, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aborts are rehearsed in a hurry; played in full they come to the same."""
    hurried = planned(rolloutctl, file)
    monkeypatch.setattr(Outcomes, "hurried", lambda self, before: self)
    monkeypatch.setattr(rehearsing, "is_alike", lambda step, before: False)
    assert planned(rolloutctl, file) == hurried


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("steps", ["x"], "must be of type object"),
        ("steps", "x", "must be of type array"),
        ("stableService", 3, "must be of type string"),
        ("analysis", [], "must be of type object"),
    ],
)
def test_what_an_api_server_refuses_is_said_in_its_words(
    rolloutctl: Program, tmp_path: Path, field: str, value: Any, says: str
) -> None:
    found = manifest(STEPS)
    found["spec"]["strategy"]["canary"][field] = value
    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump(found))
    result = rolloutctl("plan", str(path))
    assert result.exit_code == ExitCode.USAGE
    assert says in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--replicas", "many", '"many" is no number of pods'),
        ("--replicas", "1001", "at most 1000 pods"),
        ("--pod-ready", "soon", "is no duration"),
        ("-o", "pdf", "known: json, yaml, jsonl, svg"),
        ("--plugins", "nowhere.yaml", "nowhere.yaml cannot be read"),
    ],
)
def test_options_that_cannot_be_meant(
    rolloutctl: Program, file: str, option: str, value: str, says: str
) -> None:
    result = rolloutctl("plan", file, option, value)
    assert result.exit_code == ExitCode.USAGE
    assert says in result.stderr


def test_outcomes_of_a_step_that_is_no_plugin_are_refused(
    rolloutctl: Program, file: str, tmp_path: Path
) -> None:
    outcomes = tmp_path / "outcomes.yaml"
    outcomes.write_text("1: Failed")
    result = rolloutctl("plan", file, "--plugins", str(outcomes))
    assert result.exit_code == ExitCode.USAGE
    assert "step 1 is no plugin step" in result.stderr
    assert "plugins are step 2, 5" in result.stderr
