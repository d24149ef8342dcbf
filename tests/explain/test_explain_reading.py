"""What `explain` asks a cluster for, and what it makes of refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolloutctl.actions.explain import read
from rolloutctl.domain.explain.facts import CauseKind
from rolloutctl.errors import ExitCode
from support.explained import DEMO, analysing, at, paused, reading
from support.fake_cluster import FakeCluster
from support.recorded import Moment
from support.screens import program


def asked(found: Moment) -> set[tuple[str, str, str, str]]:
    run = program(found)
    assert run("explain", "demo").exit_code == ExitCode.OK
    assert isinstance(run.cluster, FakeCluster)
    return {(item.verb, item.plural, item.labels, item.fields) for item in run.cluster.requests}


def test_it_asks_only_for_what_belongs_to_the_rollout() -> None:
    found = at("plugin-failed-aborts")
    uid = found.objects["rollouts"][0]["metadata"]["uid"]
    mine = "app=demo,rollouts-pod-template-hash"
    about = f"involvedObject.kind=Rollout,involvedObject.name=demo,involvedObject.uid={uid}"
    assert asked(found) == {
        ("get", "rollouts", "", ""),
        ("list", "replicasets", mine, ""),
        ("list", "pods", mine, ""),
        ("list", "events", "", about),
        ("get", "configmaps", "", ""),
    }


def test_runs_are_asked_for_by_the_versions_hashes() -> None:
    labels = "rollouts-pod-template-hash in (677dfcf764,b6bcc645c)"
    assert ("list", "analysisruns", labels, "") in asked(at("analysis-step-success", analysing))


def test_events_of_a_pod_are_asked_for_only_when_nothing_else_tells() -> None:
    found = at("canary-bad-image-deadline")
    assert not any("kind=Pod" in fields for *_, fields in asked(found))
    for pod in found.objects["pods"]:
        for container in pod["status"]["containerStatuses"]:
            if not container["ready"]:
                container["state"] = {"running": {}}
    (bad,) = [p for p in found.objects["pods"] if "bad" in p["spec"]["containers"][0]["image"]]
    about = f"involvedObject.kind=Pod,involvedObject.name={bad['metadata']['name']}"
    assert ("list", "events", "", about) in asked(found)
    told = {
        "metadata": {"name": "e1", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "name": bad["metadata"]["name"]},
        "type": "Warning",
        "reason": "Unhealthy",
        "message": "Readiness probe failed: HTTP 503",
    }
    found.objects["events"].append(told)
    assert "Readiness probe failed: HTTP 503" in program(found)("explain", "demo").stdout


def test_runs_of_an_experiment_are_read_by_name() -> None:
    found = at("experiment-step")
    (rollout,) = found.objects["rollouts"]
    (trial,) = found.objects["experiments"]
    cause = "Experiment analysis phase is error/failed: no"
    rollout["status"].update(
        {
            "phase": "Degraded",
            "abort": True,
            "abortedAt": "2026-11-22T22:52:51Z",
            "stableRS": "677dfcf764",
            "currentPodHash": "b6bcc645c",
            "conditions": [
                {
                    "type": "Progressing",
                    "status": "False",
                    "reason": "RolloutAborted",
                    "message": f"Rollout aborted update to revision 2: {cause}",
                }
            ],
        }
    )
    trial["status"].update(
        {
            "phase": "Failed",
            "analysisRuns": [{"name": "rate", "analysisRun": "trial-rate", "phase": "Failed"}],
        }
    )
    found.objects["analysisruns"] = [_run("trial-rate")]
    shown = program(found)("explain", "demo").stdout
    assert "Step 1 of 2 (experiment) failed: metric rate is 0.5, wanted is result > 0.9" in shown


def _run(name: str) -> dict[str, Any]:
    measured = {"phase": "Failed", "value": "0.5"}
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"metrics": [{"name": "rate", "successCondition": "result > 0.9"}]},
        "status": {
            "phase": "Failed",
            "metricResults": [
                {"name": "rate", "phase": "Failed", "failed": 1, "measurements": [measured]}
            ],
        },
    }


def test_what_may_not_be_read_is_said_and_the_rest_is_explained() -> None:
    found = at("analysis-step-failure")
    run = program(found)
    run.cluster = FakeCluster(
        found.objects, forbidden=["pods", "events", "analysisruns", "configmaps", "replicasets"]
    )
    result = run("explain", "demo")
    assert (result.exit_code, result.stderr) == (ExitCode.OK, "")
    for what in ("pods", "events", "analysisruns", "replicasets", "plugin configuration"):
        assert f"{what} could not be read, so this may not be all" in result.stdout
    assert "failed (2) > failureLimit (1)" in result.stdout
    document = json.loads(run("explain", "demo", "-o", "json").stdout)
    assert document["causes"][0]["kind"] == "analysis-failed"
    assert len(document["unavailable"]) == 5


def test_a_fault_of_our_own_is_not_swallowed() -> None:
    class Faulty(FakeCluster):
        def pages(self, kind: Any, *args: Any, **options: Any) -> Any:
            if kind.plural == "pods":
                raise ZeroDivisionError
            return super().pages(kind, *args, **options)

    with pytest.raises(ZeroDivisionError):
        read(Faulty(at("istio-abort").objects), DEMO)


def test_forbidden_events_are_said_once() -> None:
    found = at("canary-bad-image-deadline")
    for pod in found.objects["pods"]:
        pod["status"]["containerStatuses"] = []
    missing = reading(found, forbidden=["events"]).missing
    assert [item.what for item in missing] == ["events"]


def test_an_unreadable_run_does_not_hide_the_others() -> None:
    found = at("analysis-step-failure")
    odd = json.loads(json.dumps(found.objects["analysisruns"][0]))
    odd["metadata"]["name"] = "odd"
    odd["spec"]["metrics"][0]["interval"] = 7
    found.objects["analysisruns"].append(odd)
    known = reading(found)
    assert known.explanation.cause.analysis is not None
    assert known.explanation.cause.analysis.name == "demo-b6bcc645c-2-2"
    assert [item.what for item in known.missing] == ["AnalysisRun odd"]


def test_a_rollout_that_is_not_there() -> None:
    result = program(at("istio-canary", paused))("explain", "dmeo")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "did you mean demo?" in result.stderr


def test_events_of_an_earlier_rollout_of_that_name_are_not_its_own() -> None:
    found = at("plugin-unknown")
    found.objects["configmaps"] = []
    for event in found.objects["events"]:
        event["involvedObject"]["uid"] = "another"
    explanation = reading(found).explanation
    assert explanation.events == ()
    assert explanation.cause.kind is CauseKind.DEADLINE
