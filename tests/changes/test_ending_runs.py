"""terminate, retry experiment, and types before names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolloutctl.errors import ExitCode, InDoubt
from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.changing_cluster import ChangingCluster
from support.embedded import InProcess
from support.program import Program, Result

Object = dict[str, Any]


def run_of(
    type_: str = "Step", *, phase: str = "Running", owner: str = "Rollout", **spec: Any
) -> Object:
    owners = [{"kind": owner, "name": "web", "uid": "uid-web"}] if owner else []
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisRun",
        "metadata": {
            "name": "smoke",
            "namespace": "shop",
            "uid": "uid-smoke",
            "labels": {"rollout-type": type_, "step-index": "1"} if type_ else {},
            "ownerReferences": owners,
        },
        "spec": {"metrics": [], **spec},
        "status": {"phase": phase},
    }


def experiment(*, phase: str = "Running", owner: str = "", **spec: Any) -> Object:
    owners = [{"kind": owner, "name": "web", "uid": "uid-web"}] if owner else []
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Experiment",
        "metadata": {
            "name": "trial",
            "namespace": "shop",
            "uid": "uid-trial",
            "ownerReferences": owners,
        },
        "spec": {"templates": [], **spec},
        "status": {"phase": phase},
    }


def cluster(*items: Object, **settings: Any) -> ChangingCluster:
    objects: dict[str, list[Object]] = {"analysisruns": [], "experiments": [], "rollouts": []}
    for item in items:
        objects[item["kind"].lower() + "s"].append(item)
    return ChangingCluster(objects, namespace="shop", **settings)


def run(program: Program, found: ChangingCluster, *argv: str) -> Result:
    program.cluster = found
    return program(*argv)


def stored(found: ChangingCluster, plural: str = "analysisruns") -> Any:
    (item,) = found.objects[plural]
    return item


# --- terminate ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json", "yaml", "jsonl", "name"])
def test_formats(rolloutctl: Program, form: str, snapshot: Any) -> None:
    output = () if form == "text" else ("-o", form)
    done = run(rolloutctl, cluster(run_of()), "terminate", "ar", "smoke", *output)
    assert done.exit_code is ExitCode.OK
    assert done.stdout == snapshot


@pytest.mark.parametrize(
    ("item", "name", "said"),
    [
        (run_of("Step"), "ar/smoke", "(Rollout web, step 2): the step goes on as if it had"),
        (run_of("Background"), "ar/smoke", "the update goes on without it"),
        (run_of("PrePromotion"), "ar/smoke", "the update goes on as if it had succeeded"),
        (run_of("", owner="Experiment"), "ar/smoke", "the experiment takes its result so far"),
        (run_of("", owner=""), "ar/smoke", ""),
        (experiment(owner="Rollout"), "exp/trial", "the step goes on as if it had succeeded"),
        (experiment(), "exp/trial", ""),
    ],
)
def test_what_follows_is_said(rolloutctl: Program, item: Object, name: str, said: str) -> None:
    found = cluster(item)
    done = run(rolloutctl, found, "terminate", name)
    assert done.exit_code is ExitCode.OK
    assert said in " ".join(done.stderr.split())
    assert bool(done.stderr) is bool(said)
    (change,) = found.sent
    assert change.subresource == ""
    plural = "experiments" if name.startswith("exp") else "analysisruns"
    assert stored(found, plural)["spec"]["terminate"] is True
    assert found.created[0][1]["involvedObject"]["kind"] == item["kind"]


@pytest.mark.parametrize(
    ("item", "argv", "code", "said"),
    [
        (run_of(phase="Successful"), ["ar", "smoke"], ExitCode.OK, "it has ended already"),
        (run_of(terminate=True), ["ar", "smoke"], ExitCode.OK, "it is ending already"),
        (run_of(), ["ar", "other"], ExitCode.NOT_FOUND, "other"),
        (run_of(), ["smoke"], ExitCode.USAGE, "a rollout is stopped with abort"),
        (run_of(), ["ar"], ExitCode.USAGE, "say what to end"),
        (run_of(), ["ar/smoke", "exp/x"], ExitCode.USAGE, "names of several types"),
        (run_of(), ["ar", "smoke", "--read-only"], ExitCode.USAGE, "it is read-only"),
        (run_of(), ["ar", "smoke", "--dry-run"], ExitCode.OK, "would be terminated"),
    ],
)
def test_what_cannot_or_need_not_be_done(
    rolloutctl: Program, item: Object, argv: list[str], code: ExitCode, said: str
) -> None:
    found = cluster(item)
    done = run(rolloutctl, found, "terminate", *argv)
    assert done.exit_code is code
    assert said in done.stdout + done.stderr
    assert found.sent == []


def test_one_that_fails_does_not_keep_the_others_back(rolloutctl: Program) -> None:
    found = cluster(run_of())
    done = run(rolloutctl, found, "terminate", "ar", "missing", "smoke", "-o", "json")
    assert done.exit_code is ExitCode.FAILED
    results = [one["result"] for one in json.loads(done.stdout)["results"]]
    assert results == ["failed", "changed"]


def test_a_status_written_in_between_is_decided_anew(rolloutctl: Program) -> None:
    def ended(item: Object) -> None:
        item["status"]["phase"] = "Failed"
        item["spec"]["terminate"] = True

    found = cluster(run_of(), intrusions=[ended])
    done = run(rolloutctl, found, "terminate", "ar", "smoke")
    assert (done.exit_code, found.sent) == (ExitCode.OK, [])
    assert "it has ended already (Failed)" in done.stdout


def test_a_lost_answer_is_neither_done_nor_failed(rolloutctl: Program) -> None:
    found = cluster(run_of(), intrusions=[InDoubt("the server did not answer in time")])
    done = run(rolloutctl, found, "terminate", "ar", "smoke", "-o", "json")
    assert json.loads(done.stdout)["results"][0]["result"] == "unknown"
    assert done.exit_code is ExitCode.CLUSTER


def test_a_run_on_a_cluster_is_followed_to_its_end(
    embedded: EmbeddedCluster, rolloutctl: Program
) -> None:
    metric = {"name": "up", "interval": "10s", "provider": {"web": {"url": "http://127.0.0.1:9"}}}
    embedded.apply(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AnalysisRun",
            "metadata": {"name": "smoke", "namespace": "default"},
            "spec": {"metrics": [{**metric, "consecutiveErrorLimit": 99, "count": 100}]},
        }
    )
    embedded.advance(5)
    rolloutctl.cluster = InProcess(embedded, "default")
    done = rolloutctl("terminate", "ar/smoke", "--wait", "--timeout", "1m")
    assert done.exit_code is ExitCode.OK, done.stderr
    assert done.stdout.splitlines()[-1].startswith("smoke: ended ")


# --- retry experiment ---------------------------------------------------------------------------


@pytest.mark.parametrize("terminated", [False, True])
def test_a_finished_experiment_starts_again(rolloutctl: Program, terminated: bool) -> None:
    spec: Object = {"terminate": True} if terminated else {}
    item = experiment(phase="Failed", **spec)
    found = cluster(item)
    done = run(rolloutctl, found, "retry", "experiment", "trial", "--reason", "again")
    assert (done.exit_code, done.stdout) == (ExitCode.OK, "experiment trial: starts again\n")
    (change,) = found.sent
    removed = [one["path"] for one in change.operations if one["op"] == "remove"]
    assert removed == ["/status", "/spec/terminate"][: 1 + terminated]
    assert found.events == ["retry by ann@example: Failed (reason: again)"]


def test_a_running_experiment_keeps_its_status(rolloutctl: Program) -> None:
    found = cluster(experiment())
    done = run(rolloutctl, found, "retry", "exp/trial")
    assert (done.exit_code, found.sent) == (ExitCode.CONFLICT, [])
    assert "it has not ended yet (Running)" in done.stderr


@pytest.mark.parametrize(
    "argv", [["ar", "smoke"], ["experiment"], ["exp", "trial", "-l", "a=b", "--yes"]]
)
def test_what_cannot_be_retried(rolloutctl: Program, argv: list[str]) -> None:
    found = cluster(experiment(phase="Failed"))
    assert run(rolloutctl, found, "retry", *argv).exit_code is ExitCode.USAGE
    assert found.sent == []


# --- get TYPE NAME ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["ar", "smoke"], "smoke"),
        (["analysisrun/smoke"], "smoke"),
        (["experiments", "trial"], "trial"),
        (["exp/trial"], "trial"),
        (["ar"], "smoke"),
        (["experiment"], "trial"),
    ],
)
def test_get_takes_types(rolloutctl: Program, argv: list[str], said: str) -> None:
    done = run(rolloutctl, cluster(run_of(), experiment()), "get", *argv)
    assert done.exit_code is ExitCode.OK, done.stderr
    assert said in done.stdout


def test_a_rollout_called_like_a_type(rolloutctl: Program) -> None:
    item = {"metadata": {"name": "ar", "namespace": "shop"}, "spec": {}, "status": {}}
    found = ChangingCluster({"rollouts": [item]}, namespace="shop")
    assert run(rolloutctl, found, "get", "ro/ar", "-o", "name").stdout == (
        "rollout.argoproj.io/ar\n"
    )
    assert run(rolloutctl, found, "get", "rollout", "ar", "-o", "name").exit_code is ExitCode.OK
    assert run(rolloutctl, found, "get", "ar", "-w").exit_code is ExitCode.USAGE


def test_get_says_with_which_labels_nothing_was_found(rolloutctl: Program) -> None:
    found = ChangingCluster({"analysisruns": []}, namespace="shop")
    done = run(rolloutctl, found, "get", "analysisruns", "-l", "app=x")
    assert done.stderr == "no analysis runs with labels app=x in namespace shop\n"
