"""What routing, analyses and delays mean for a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutctl.errors import ExitCode
from support.plans import manifest, planned
from support.program import Program
from support.recorded import trace

ROUTED: dict[str, Any] = {
    "canaryService": "new",
    "stableService": "old",
    "trafficRouting": {"nginx": {"stableIngress": "web"}},
}
STEPS: list[dict[str, Any]] = [{"setWeight": 20}, {"pause": {}}]


def template(name: str, **metric: Any) -> dict[str, Any]:
    asked = {"prometheus": {"address": "http://nobody.invalid", "query": "up"}}
    found = {"name": f"{name}-rate", "successCondition": "result[0] > 0.9", "provider": asked}
    secret = {"name": "token", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"args": [secret], "metrics": [{**found, **metric}]},
    }


@pytest.fixture
def analysed(tmp_path: Path) -> str:
    steps: list[dict[str, Any]] = [
        {"setWeight": 20},
        {"analysis": {"templates": [{"templateName": "success"}]}},
        {"pause": {"duration": "1h"}},
    ]
    background = {"templates": [{"templateName": "latency"}]}
    path = tmp_path / "analysed.yaml"
    documents = [
        template("success", interval="1m", count=5, failureLimit=1),
        template("latency", interval="30s", failureLimit=2),
        manifest(steps, analysis=background),
    ]
    path.write_text(yaml.safe_dump_all(documents))
    return str(path)


def given(folder: Path, outcomes: dict[str, Any]) -> tuple[str, str]:
    path = folder / "outcomes.json"
    path.write_text(json.dumps({"analysis": outcomes}))
    return "--plugins", str(path)


def test_analyses_are_well_and_take_as_long_as_they_say(rolloutctl: Program, analysed: str) -> None:
    found = planned(rolloutctl, analysed)
    assert [step["lastsSeconds"] for step in found["steps"]] == [0, 240, 3600]
    assert [(run["role"], run["number"], run["endSeconds"]) for run in found["runs"]] == [
        ("Background", None, 3840),
        ("Step", 2, 240),
    ]
    assert found["assumptions"]["metrics"] == ["latency-rate", "success-rate"]
    assert found["assumptions"]["notes"] == []


@pytest.mark.parametrize(
    ("outcomes", "ends", "why"),
    [
        ({"success": "Failed"}, 60, "failed (2) > failureLimit (1)"),
        ({"success-rate": {"outcome": "Failed", "after": 2}}, 180, "failed (2) > failureLimit (1)"),
        ({"latency": "Failed"}, 60, "failed (3) > failureLimit (2)"),
        ({"latency": {"outcome": "Failed", "after": 60}}, 1860, "failed (3) > failureLimit (2)"),
        (
            {"success": {"outcome": "Error", "message": "no data"}},
            40,
            'consecutiveErrors (5) > consecutiveErrorLimit (4): "Error Message: no data"',
        ),
    ],
)
def test_an_analysis_that_fails_aborts_when_its_limit_is_passed(
    rolloutctl: Program, analysed: str, tmp_path: Path, outcomes: Any, ends: float, why: str
) -> None:
    found = planned(rolloutctl, analysed, *given(tmp_path, outcomes))
    assert (found["result"], found["totalSeconds"]) == ("aborted", ends)
    assert why in found["message"]
    failed = [step for step in found["steps"] if step["result"] == "failed"]
    assert [step["canary"]["desired"] for step in failed] == [2]


def test_an_inconclusive_analysis_needs_a_person(
    rolloutctl: Program, analysed: str, tmp_path: Path
) -> None:
    found = planned(rolloutctl, analysed, *given(tmp_path, {"success": "Inconclusive"}))
    assert [(each["number"], each["reason"]) for each in found["persons"]] == [
        (2, "InconclusiveAnalysisRun")
    ]
    assert found["result"] == "promoted"


def test_one_that_is_inconclusive_again_and_again_leads_nowhere(
    rolloutctl: Program, analysed: str, tmp_path: Path
) -> None:
    argv = given(tmp_path, {"latency": "Inconclusive"})
    assert planned(rolloutctl, analysed, *argv)["result"] == "stuck"
    result = rolloutctl("plan", analysed, *argv)
    assert result.exit_code == ExitCode.FAILED
    assert "never by itself: Paused: InconclusiveAnalysisRun" in result.stdout


def test_a_metric_and_a_job_may_be_given_their_time(
    rolloutctl: Program, analysed: str, tmp_path: Path
) -> None:
    found = planned(rolloutctl, analysed, *given(tmp_path, {"success": {"duration": "10m"}}))
    assert found["steps"][1]["lastsSeconds"] == 600 + 240


def test_outcomes_of_nothing_are_said(rolloutctl: Program, analysed: str, tmp_path: Path) -> None:
    result = rolloutctl("plan", analysed, *given(tmp_path, {"succes": "Failed"}))
    assert "no analysis of checkout is succes; did you mean success?" in result.stderr


def routed(folder: Path, **canary: Any) -> str:
    path = folder / "routed.yaml"
    path.write_text(yaml.safe_dump(manifest(STEPS, **{**ROUTED, **canary})))
    return str(path)


def test_a_router_keeps_the_old_pods_for_a_while(rolloutctl: Program, tmp_path: Path) -> None:
    found = planned(rolloutctl, routed(tmp_path))
    assert [step["traffic"] for step in found["steps"]] == [20, 20]
    assert [step["stable"]["desired"] for step in found["steps"]] == [10, 10]
    assert found["settledSeconds"] - found["totalSeconds"] == 30
    abort = found["steps"][1]["abort"]
    assert (abort["canarySeconds"], abort["trafficSeconds"]) == (30, 0)
    assert {"note": "router", "kind": "", "name": "nginx"} in found["assumptions"]["notes"]


def test_delays_are_those_of_the_spec(rolloutctl: Program, tmp_path: Path) -> None:
    file = routed(tmp_path, abortScaleDownDelaySeconds=120, scaleDownDelaySeconds=300)
    found = planned(rolloutctl, file)
    assert found["settledSeconds"] - found["totalSeconds"] == 300
    assert found["steps"][1]["abort"]["canarySeconds"] == 120


def test_a_delay_of_zero_means_for_ever(rolloutctl: Program, tmp_path: Path) -> None:
    result = rolloutctl("plan", routed(tmp_path, scaleDownDelaySeconds=0))
    assert "10 pods of the other version stay" in result.stdout


VIRTUAL: dict[str, Any] = {"virtualService": {"name": "web", "routes": ["primary"]}}
RULE: dict[str, Any] = {
    "destinationRule": {"name": "web", "canarySubsetName": "new", "stableSubsetName": "old"}
}
TCP: dict[str, Any] = {"virtualService": {"name": "web.mesh", "tcpRoutes": [{"port": 3306}]}}
PING: dict[str, Any] = {"pingPong": {"pingService": "ping", "pongService": "pong"}}
NONE: dict[str, Any] = {"canaryService": "", "stableService": ""}


@pytest.mark.parametrize(
    ("istio", "canary"),
    [
        pytest.param(VIRTUAL, {}, id="services"),
        pytest.param({**VIRTUAL, **RULE}, NONE, id="subsets"),
        pytest.param({**VIRTUAL, **RULE}, {}, id="subsets and services"),
        pytest.param(VIRTUAL, {**NONE, **PING}, id="ping and pong"),
        pytest.param(TCP, {}, id="a TCP route of another namespace"),
    ],
)
def test_stand_ins_do_for_every_form_of_istio(
    rolloutctl: Program, tmp_path: Path, istio: dict[str, Any], canary: dict[str, Any]
) -> None:
    found = planned(rolloutctl, routed(tmp_path, trafficRouting={"istio": istio}, **canary))
    assert [step["traffic"] for step in found["steps"]] == [20, 20]


def blue_green(folder: Path, story: str) -> str:
    path = folder / "blue-green.json"
    path.write_text(json.dumps({"kind": "List", "items": trace(story)["manifests"]}))
    return str(path)


def test_a_blue_green_update_is_told_in_stages(rolloutctl: Program, tmp_path: Path) -> None:
    found = planned(rolloutctl, blue_green(tmp_path, "bluegreen-auto"))
    assert found["strategy"] == "blueGreen"
    told = [(step["type"], step["lastsSeconds"], step["traffic"]) for step in found["steps"]]
    assert told == [("preview", 0, 0), ("pause", 5, 0), ("switch", 0, 100)]
    assert (found["persons"], found["totalSeconds"], found["settledSeconds"]) == ([], 5, 10)
    assert found["peakPods"] == 4


def test_a_blue_green_update_without_auto_promotion_waits_for_a_person(
    rolloutctl: Program, tmp_path: Path
) -> None:
    found = planned(rolloutctl, blue_green(tmp_path, "bluegreen-promote"))
    assert [(each["number"], each["reason"]) for each in found["persons"]] == [
        (2, "BlueGreenPause")
    ]
    abort = found["steps"][1]["abort"]
    assert (abort["canary"]["desired"], abort["canarySeconds"]) == (2, 30)
    assert found["steps"][2]["abort"] is None


def test_a_preview_of_fewer_pods_grows_before_the_switch(
    rolloutctl: Program, tmp_path: Path
) -> None:
    found = planned(rolloutctl, blue_green(tmp_path, "bluegreen-preview-replicas"))
    assert [step["canary"]["desired"] for step in found["steps"]] == [1, 3, 3]
    assert [person["number"] for person in found["persons"]] == [2]


@pytest.mark.parametrize(
    ("story", "stage", "why"),
    [
        ("bluegreen-prepromotion-failure", "prePromotionAnalysis", "pre-promotion analysis phase"),
        (
            "bluegreen-postpromotion-failure",
            "postPromotionAnalysis",
            "post-promotion analysis phase",
        ),
    ],
)
def test_analyses_of_a_blue_green_update(
    rolloutctl: Program, tmp_path: Path, story: str, stage: str, why: str
) -> None:
    file = blue_green(tmp_path, story)
    good = planned(rolloutctl, file)
    assert good["result"] == "promoted"
    (run,) = good["runs"]
    assert good["steps"][run["number"] - 1]["type"] == stage
    bad = planned(rolloutctl, file, *given(tmp_path, {"bad": "Failed"}))
    assert bad["result"] == "aborted"
    assert why in bad["message"]
    assert [step["type"] for step in bad["steps"] if step["result"] == "failed"] == [stage]
