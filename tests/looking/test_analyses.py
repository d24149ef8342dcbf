"""`analysis list` and `get`: what they print, pinned, and what they make of odd runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.domain.analyses import is_dry_run
from rolloutctl.errors import ExitCode
from support.clusters import Clusters
from support.fake_cluster import FakeCluster
from support.program import Program

Obj = dict[str, Any]
Make = Callable[..., Program]

AT = "2026-03-01T12:0{}:00Z"
METRICS: list[Obj] = [
    {
        "name": "errors",
        "interval": "1m",
        "count": 20,
        "initialDelay": "30s",
        "failureLimit": 1,
        "inconclusiveLimit": -1,
        "consecutiveSuccessLimit": "{{args.enough}}",
        "successCondition": "result[0] < {{args.limit}}",
        "failureCondition": "result[0] > 0.5",
        "provider": {
            "prometheus": {
                "address": "http://prom:9090",
                "query": "rate(e{job='{{args.job}}'}[1m])",
            }
        },
    },
    {"name": "tried-latency", "provider": {"web": {"url": "http://x/", "jsonPath": "{$.p99}"}}},
]


def measured(phase: str, value: str, minute: int, **more: Any) -> Obj:
    at = AT.format(minute)
    return {"phase": phase, "value": value, "startedAt": at, "finishedAt": at, **more}


def run(name: str = "web-1", *, owner: str = "", **status: Any) -> Obj:
    """A run with two metrics, the second of them on trial."""
    metadata: Obj = {
        "name": name,
        "namespace": "shop",
        "uid": name,
        "creationTimestamp": AT.format(0),
    }
    if owner:
        kind, _, owner = owner.partition("/")
        metadata["ownerReferences"] = [
            {"kind": kind, "name": owner, "uid": owner, "controller": True}
        ]
        metadata["labels"] = {"rollout-type": "Step", "step-index": "2"}
        metadata["annotations"] = {"rollout.argoproj.io/revision": "7"}
    return {
        "metadata": metadata,
        "spec": {
            "metrics": METRICS,
            "dryRun": [{"metricName": "^tried-"}],
            "args": [
                {"name": "limit", "value": "0.1"},
                {"name": "enough", "value": "4"},
                {"name": "token", "valueFrom": {"secretKeyRef": {"name": "prom", "key": "token"}}},
            ],
        },
        "status": {
            "phase": "Failed",
            "message": 'Metric "errors" assessed Failed due to failed (2) > failureLimit (1)',
            "startedAt": AT.format(1),
            "completedAt": AT.format(5),
            "metricResults": [
                {
                    "name": "errors",
                    "phase": "Failed",
                    "count": 14,
                    "successful": 12,
                    "failed": 2,
                    "error": 1,
                    "measurements": [
                        measured("Successful", "[0.05]", 2),
                        measured("Error", "", 3, message="no answer"),
                        measured("Failed", "[0.7]", 4),
                        measured("Failed", "[0.9]", 5),
                    ],
                },
                {
                    "name": "tried-latency",
                    "phase": "Failed",
                    "count": 1,
                    "failed": 1,
                    "dryRun": True,
                    "measurements": [measured("Failed", "900", 5)],
                },
            ],
            **status,
        },
    }


FORMATS = [None, "wide", "json", "yaml", "jsonl", "name"]


@pytest.mark.parametrize("output", FORMATS)
def test_the_list_in_each_format(
    output: str | None, given: Make, snapshot: SnapshotAssertion
) -> None:
    program = given(
        {
            "analysisruns": [
                run("web-7-2", owner="Rollout/web"),
                run("trial-check", owner="Experiment/trial", phase="Running", completedAt=None),
                {"metadata": {"name": "new", "namespace": "shop"}},
            ]
        }
    )
    result = program("analysis", "list", *(["-o", output] if output else []))
    assert result.exit_code == ExitCode.OK
    assert (result.stdout, result.stderr) == snapshot


@pytest.mark.parametrize("output", FORMATS)
def test_a_run_in_each_format(output: str | None, given: Make, snapshot: SnapshotAssertion) -> None:
    program = given({"analysisruns": [run(owner="Rollout/web")]})
    result = program("analysis", "get", "ar/web-1", *(["-o", output] if output else []))
    assert result.exit_code == ExitCode.OK
    assert result.stdout == snapshot


def test_a_run_on_a_terminal_has_a_curve(given: Make) -> None:
    program = given({"analysisruns": [run()]}, terminal=True, columns=90)
    shown = program("analysis", "get", "web-1", "--no-color").stdout
    assert "curve     ▁ ▆█" in shown
    assert max(map(len, shown.splitlines())) <= 90
    # Ten of fifteen measurements are kept by the controller; here four of fifteen.
    assert "got       11 earlier, no longer kept" in shown
    assert "2 failed (1 allowed)" in shown and "(any number allowed)" in shown
    assert "0 ok in a row (4 end it)" in shown
    assert "token   from secret prom/token" in shown


def test_a_recorded_run(recorded: Make, snapshot: SnapshotAssertion) -> None:
    program = recorded("analysis-args")
    assert program("analysis", "get", "demo-b6bcc645c-2-1").stdout == snapshot


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--phase", "failed"], ["web-7-2"]),
        (["--phase", "Running,Pending"], ["new", "trial-check"]),
        (["--rollout", "web"], ["trial-check", "web-7-2"]),
        (["--rollout", "ro/web", "--phase", "Running"], ["trial-check"]),
        (["--rollout", "other"], ["other-1"]),
        (["-l", "rollout-type=Step"], ["other-1", "trial-check", "web-7-2"]),
    ],
)
def test_a_list_is_narrowed_down(options: list[str], names: list[str], given: Make) -> None:
    program = given(
        {
            "rollouts": [
                {"metadata": {"name": name, "namespace": "shop", "uid": name}}
                for name in ("web", "other")
            ],
            "experiments": [
                {
                    "metadata": {
                        "name": "trial",
                        "namespace": "shop",
                        "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "web"}],
                    }
                }
            ],
            "analysisruns": [
                run("web-7-2", owner="Rollout/web"),
                run("other-1", owner="Rollout/other", phase="Successful"),
                run("trial-check", owner="Experiment/trial", phase="Running"),
                {"metadata": {"name": "new", "namespace": "shop"}},
            ],
        }
    )
    result = program("analysis", "list", "-o", "name", *options)
    assert sorted(line.partition("/")[2] for line in result.stdout.splitlines()) == names


def test_a_followed_list_has_a_row_for_each_change(given: Make) -> None:
    first, changed = run(phase="Running", message=""), run()
    program = given(
        {"analysisruns": [first]},
        later={"analysisruns": [("MODIFIED", first), ("MODIFIED", changed), ("DELETED", changed)]},
    )
    shown = program("analysis", "list", "-w").stdout.splitlines()
    assert [line.split()[4] for line in shown] == ["PHASE", "Running", "Failed", "Deleted"]
    documents = program("analysis", "list", "-w", "-o", "jsonl").stdout.splitlines()
    changes = [(each["change"], each["row"]["phase"]) for each in map(json.loads, documents)]
    assert changes == [("changed", "Running"), ("changed", "Failed"), ("deleted", "Failed")]


def test_a_list_that_is_followed_ends_in_time(given: Make) -> None:
    program = given({"analysisruns": []}, later={"analysisruns": ["hang"]})
    result = program("analysis", "list", "-w", "--timeout", "10ms")
    assert (result.exit_code, result.stdout) == (ExitCode.TIMEOUT, "")


def test_lists_of_several_clusters() -> None:
    program = Clusters(
        {
            name: FakeCluster({"analysisruns": [run(f"{name}-1")]}, namespace="shop")
            for name in ("prod", "stage")
        }
    )
    shown = program("analysis", "list", "--all-contexts").stdout.splitlines()
    assert [line.split()[:3] for line in shown[1:]] == [
        ["prod", "shop", "prod-1"],
        ["stage", "shop", "stage-1"],
    ]
    found = program("analysis", "get", "prod-1", "--all-contexts", "-o", "jsonl")
    assert json.loads(found.stdout)["cluster"] == "prod"
    assert "prod-1 is not in stage" in found.stderr


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["get", "web-2"], ExitCode.NOT_FOUND, "did you mean web-1?"),
        (["get", "zzz"], ExitCode.NOT_FOUND, "rolloutctl analysis list -n shop"),
        (["get", "ro/web-1"], ExitCode.USAGE, "write NAME or ar/NAME"),
        (["get", "web-1", "-A"], ExitCode.USAGE, "across all namespaces"),
        (["get", "web-1", "--raw"], ExitCode.USAGE, "--raw needs -o"),
        (["list", "--phase", "Faild"], ExitCode.USAGE, "did you mean Failed?"),
        (["list", "--rollout", "nope"], ExitCode.NOT_FOUND, 'no rollout "nope"'),
        (["list", "-w", "-o", "yaml"], ExitCode.USAGE, "-o jsonl gives a document"),
        (["list", "--timeout", "1s"], ExitCode.USAGE, "--timeout needs --watch"),
    ],
)
def test_what_is_refused(argv: list[str], code: ExitCode, said: str, given: Make) -> None:
    result = given({"analysisruns": [run()]})("analysis", *argv)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_several_names_one_of_which_is_missing(given: Make) -> None:
    result = given({"analysisruns": [run()]})("analysis", "get", "web-1", "nope", "-o", "name")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert result.stdout == "analysisrun.argoproj.io/web-1\n"
    assert "nope" in result.stderr


def test_the_object_itself(given: Make) -> None:
    result = given({"analysisruns": [run()]})("analysis", "get", "web-1", "-o", "json", "--raw")
    assert json.loads(result.stdout)["spec"]["metrics"] == METRICS


def test_an_empty_list_says_where_it_looked(given: Make) -> None:
    result = given({})("analysis", "list", "--phase", "Failed")
    assert (result.stdout, result.stderr) == ("", "no analysis runs that match in namespace shop\n")


def test_one_that_is_not_readable_does_not_hide_the_others(given: Make) -> None:
    program = given({"analysisruns": [run(), {**run("odd"), "status": {"phase": 3}}]})
    result = program("analysis", "list", "-o", "name")
    assert result.exit_code == ExitCode.FAILED
    assert result.stdout == "analysisrun.argoproj.io/web-1\n"
    assert "shop/odd is not readable" in result.stderr


def test_nothing_a_run_says_reaches_the_terminal_as_it_is(given: Make) -> None:
    evil = "\x1b[2J\nfake  Successful\u202e"
    odd = run("web-1", message=evil)
    odd["spec"]["metrics"] = [{"name": evil, "interval": evil, "provider": {"web": {"url": evil}}}]
    odd["spec"]["args"] = [{"name": evil, "value": evil}]
    odd["status"]["metricResults"] = [
        {"name": evil, "phase": evil, "message": evil, "measurements": [{"value": evil}]}
    ]
    program = given({"analysisruns": [odd]}, terminal=True)
    for argv in (["list", "-o", "wide"], ["get", "web-1"]):
        shown = program("analysis", *argv, "--no-color").stdout
        assert "\x1b" not in shown and "\u202e" not in shown
        assert not any(line.startswith("fake") for line in shown.splitlines())


@pytest.mark.parametrize(
    ("name", "rules", "found"),
    [
        ("latency", [], False),
        ("latency", ["ten"], True),
        ("latency", ["^ten"], False),
        ("latency", [".*"], True),
        ("a[b", ["a[b"], True),
        ("other", ["a[b"], False),
    ],
)
def test_rules_for_dry_runs_are_looked_for_anywhere(
    name: str, rules: list[str], found: bool
) -> None:
    assert is_dry_run(name, rules) is found
