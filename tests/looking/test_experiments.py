"""`experiment list` and `get`: what they print, pinned."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.errors import ExitCode
from support.program import Program
from support.shapes import problems

Obj = dict[str, Any]
Make = Callable[..., Program]

FORMATS = [None, "wide", "json", "yaml", "jsonl", "name"]
OWNED = [{"kind": "Rollout", "name": "web", "uid": "web", "controller": True}]


def experiment(name: str = "trial", **status: Any) -> Obj:
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": name,
            "creationTimestamp": "2026-03-01T12:00:00Z",
            "annotations": {"rollout.argoproj.io/revision": "4"},
            "ownerReferences": OWNED,
        },
        "spec": {
            "duration": "20m",
            "templates": [{"name": "baseline", "replicas": 2}, {"name": "new"}],
            "analyses": [
                {"name": "compare", "templateName": "ratio", "requiredForCompletion": True},
                {"name": "later", "templateName": "slow", "clusterScope": True},
            ],
        },
        "status": {
            "phase": "Running",
            "availableAt": "2026-03-01T12:02:00Z",
            "templateStatuses": [
                {
                    "name": "baseline",
                    "status": "Running",
                    "replicas": 2,
                    "readyReplicas": 2,
                    "availableReplicas": 1,
                    "serviceName": "trial-baseline",
                    "podTemplateHash": "aaa",
                },
                {"name": "new", "status": "Progressing", "message": "waits for pods"},
            ],
            "analysisRuns": [
                {"name": "compare", "analysisRun": "trial-compare", "phase": "Running"}
            ],
            **status,
        },
    }


def cluster() -> dict[str, list[Obj]]:
    labels = {"rollouts-pod-template-hash": "aaa"}
    rs: Obj = {
        "metadata": {
            "name": "trial-baseline",
            "namespace": "shop",
            "uid": "rs",
            "labels": labels,
            "annotations": {"experiment.argoproj.io/template-name": "baseline"},
            "ownerReferences": [{"kind": "Experiment", "name": "trial", "uid": "trial"}],
        },
        "spec": {
            "replicas": 2,
            "template": {"spec": {"containers": [{"name": "app", "image": "r/web:v1"}]}},
        },
        "status": {"replicas": 2, "readyReplicas": 2},
    }
    pod: Obj = {
        "metadata": {
            "name": "trial-baseline-x1",
            "namespace": "shop",
            "labels": labels,
            "ownerReferences": [{"kind": "ReplicaSet", "name": "trial-baseline", "uid": "rs"}],
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    weights = {"canary": {}, "stable": {}, "additional": [{"weight": 5, "podTemplateHash": "aaa"}]}
    return {
        "experiments": [experiment(), experiment("over", phase="Failed", message="no pods")],
        "replicasets": [rs],
        "pods": [pod],
        "analysisruns": [
            {
                "metadata": {"name": "trial-compare", "namespace": "shop"},
                "status": {"metricResults": [{"name": "m", "successful": 3, "failed": 1}]},
            }
        ],
        "rollouts": [
            {
                "metadata": {"name": "web", "namespace": "shop", "uid": "web"},
                "status": {"canary": {"weights": weights}},
            }
        ],
    }


@pytest.mark.parametrize("output", FORMATS)
def test_the_list_in_each_format(
    output: str | None, given: Make, snapshot: SnapshotAssertion
) -> None:
    result = given(cluster())("experiment", "list", *(["-o", output] if output else []))
    assert result.exit_code == ExitCode.OK
    assert result.stdout == snapshot


@pytest.mark.parametrize("output", FORMATS)
def test_one_in_each_format(output: str | None, given: Make, snapshot: SnapshotAssertion) -> None:
    result = given(cluster())("experiment", "get", "exp/trial", *(["-o", output] if output else []))
    assert result.exit_code == ExitCode.OK
    assert result.stdout == snapshot


def test_a_recorded_one(recorded: Make, snapshot: SnapshotAssertion) -> None:
    assert recorded("experiment-step")("experiment", "get", "demo-b6bcc645c-2-0").stdout == snapshot


def test_what_may_not_be_read_is_said_and_the_rest_is_shown(recorded: Make) -> None:
    program = recorded("experiment-step", forbidden=("replicasets", "rollouts"))
    result = program("experiment", "get", "demo-b6bcc645c-2-0")
    assert result.exit_code == ExitCode.OK
    assert "not shown: replicasets: not allowed to list replicasets" in result.stdout
    assert "not shown: Rollout demo: not allowed" in result.stdout
    assert "Version  canary  Successful" in result.stdout


@pytest.mark.parametrize(
    ("options", "names"),
    [([], ["over", "trial"]), (["--phase", "running"], ["trial"]), (["--rollout", "web"], None)],
)
def test_a_list_is_narrowed_down(options: list[str], names: list[str] | None, given: Make) -> None:
    result = given(cluster())("experiment", "list", "-o", "name", *options)
    shown = [line.partition("/")[2] for line in result.stdout.splitlines()]
    assert shown == (names or ["over", "trial"])


def changing() -> dict[str, Any]:
    """An experiment that says the same again, then fails, then is gone; another one comes."""
    first, failed = experiment(), experiment(phase="Failed", message="no pods")
    events = [("MODIFIED", first), ("MODIFIED", failed), ("DELETED", failed)]
    return {"later": {"experiments": events}, "objects": {"experiments": [first]}}


def test_a_followed_list_has_a_row_for_each_change(given: Make) -> None:
    program = given(**changing())
    shown = program("experiment", "list", "-w").stdout.splitlines()
    assert [line.split()[3] for line in shown] == ["PHASE", "Running", "Failed", "Deleted"]
    documents = program("experiment", "list", "-w", "-o", "jsonl").stdout.splitlines()
    found = list(map(json.loads, documents))
    assert {each["kind"] for each in found} == {"ExperimentRowChange"}
    changes = [(each["change"], each["row"]["phase"]) for each in found]
    assert changes == [("changed", "Running"), ("changed", "Failed"), ("deleted", "Failed")]
    assert problems(found[0], "ExperimentRowChange") == []


def test_one_that_is_followed_is_shown_at_each_change(given: Make) -> None:
    program = given(**changing())
    result = program("experiment", "get", "trial", "-w")
    lines = result.stdout.splitlines()
    assert [line.split()[3] for line in lines] == ["PHASE", "Running", "Failed", "Deleted"]
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "experiment shop/trial was deleted while it was watched" in result.stderr
    for output in ("json", "jsonl"):
        documents = program("experiment", "get", "trial", "-w", "-o", output).stdout.splitlines()
        shown = [(each["kind"], each["phase"]) for each in map(json.loads, documents)]
        assert shown == [("Experiment", "Running"), ("Experiment", "Failed")]
    assert program("get", "exp", "trial", "-w").stdout == result.stdout


def test_one_that_is_followed_is_a_picture_on_a_terminal(given: Make) -> None:
    result = given(**changing(), terminal=True)("experiment", "get", "trial", "-w", "--no-color")
    assert result.exit_code == ExitCode.NOT_FOUND
    last = result.stdout.rpartition("DELETED: this is how it was last")[2]
    assert "Failed" in last and "no pods" in last
    assert "Version  baseline" in last


def test_others_are_not_told_of_where_one_is_followed(given: Make) -> None:
    objects = {"experiments": [experiment(), experiment("over", phase="Failed")]}
    program = given(objects)
    assert "over" not in program("experiment", "get", "trial", "-w").stdout
    (asked,) = [each for each in program.cluster.requests if each.verb == "watch"]  # type: ignore
    assert asked.fields == "metadata.name=trial"


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["list", "-w", "-o", "yaml"], ExitCode.USAGE, "-o jsonl gives a document"),
        (["list", "--timeout", "1s"], ExitCode.USAGE, "--timeout needs --watch"),
        (["list", "-w", "--timeout", "10ms"], ExitCode.TIMEOUT, "stopped watching"),
        (["get", "trial", "-w", "-o", "name"], ExitCode.USAGE, "-o jsonl gives a document"),
        (["get", "trial", "-w", "-o", "json", "--raw"], ExitCode.USAGE, "--raw"),
        (["get", "trial", "over", "-w"], ExitCode.USAGE, "one experiment"),
        (["get", "trial", "--timeout", "1s"], ExitCode.USAGE, "--timeout needs --watch"),
        (["get", "trial", "-w", "--timeout", "10ms"], ExitCode.TIMEOUT, "stopped watching"),
        (["get", "trail", "-w", "--timeout", "9s"], ExitCode.NOT_FOUND, "did you mean trial?"),
    ],
)
def test_following_ends_and_what_does_not_go_with_it(
    argv: list[str], code: ExitCode, said: str, given: Make
) -> None:
    result = given(cluster(), later={"experiments": ["hang"]})("experiment", *argv)
    assert result.exit_code == code
    assert said in result.stderr


def test_one_that_is_not_there(given: Make) -> None:
    result = given(cluster())("experiment", "get", "trail")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert 'no experiment "trail" in namespace shop' in result.stderr
    assert "did you mean trial?" in result.stderr


@pytest.mark.parametrize(
    ("status", "spec", "said"),
    [
        ({}, {}, "12m of 20m left  until 12:22:00"),
        ({"availableAt": None}, {}, "20m once its pods are available"),
        ({"availableAt": "2026-03-01T11:00:00Z"}, {}, "its 20m are over"),
        ({}, {"duration": ""}, "it ends with its analyses, or is terminated"),
        ({"phase": "Successful"}, {}, "was to last 20m"),
        ({}, {"terminate": True}, "told to stop"),
    ],
)
def test_how_long_it_lasts(status: Obj, spec: Obj, said: str, given: Make) -> None:
    item = experiment(**status)
    item["spec"] |= spec
    assert said in given({"experiments": [item]})("experiment", "get", "trial").stdout
