"""What `get` asks the cluster for, and what it makes of refusals and unknown names."""

from __future__ import annotations

import json

import pytest

from rolloutctl.actions import inspect
from rolloutctl.domain import wire
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import ExitCode, NotFound
from support.fake_cluster import FakeCluster
from support.screens import program, screen


def test_it_asks_only_for_what_belongs_to_the_rollout() -> None:
    run = program(screen("plugin failed and aborted"))
    run("get", "demo")
    cluster = run.cluster
    assert isinstance(cluster, FakeCluster)
    asked = [(item.verb, item.plural, item.namespace, item.labels) for item in cluster.requests]
    mine = "app=demo,rollouts-pod-template-hash"
    assert asked == [
        ("get", "rollouts", "shop", ""),
        ("list", "replicasets", "shop", mine),
        ("list", "pods", "shop", mine),
        ("get", "configmaps", "argo-rollouts", ""),
    ]


def test_analysis_runs_are_asked_for_by_the_versions_hashes() -> None:
    run = program(screen("analysis failed"))
    run("get", "demo")
    assert isinstance(run.cluster, FakeCluster)
    (asked,) = [item for item in run.cluster.requests if item.plural == "analysisruns"]
    assert asked.labels == "rollouts-pod-template-hash in (677dfcf764,b6bcc645c)"


def test_status_asks_once() -> None:
    run = program(screen("plugin running"))
    run("status", "demo")
    assert isinstance(run.cluster, FakeCluster)
    assert len(run.cluster.requests) == 1


def test_what_may_not_be_read_is_said_and_the_rest_is_shown() -> None:
    found = screen("plugin running")
    run = program(found)
    run.cluster = FakeCluster(found.objects, forbidden=["pods", "configmaps"])
    result = run("get", "demo")
    assert result.exit_code == ExitCode.OK
    assert "pods not shown: not allowed to list pods" in result.stdout
    assert "plugin configuration not shown" in result.stdout
    assert "plugin step/e2e-test" in result.stdout


def test_a_pod_that_is_not_readable_is_named_and_the_others_are_shown() -> None:
    found = screen("plugin running")
    first, *_ = found.objects["pods"]
    first["status"]["containerStatuses"] = "none"
    result = program(found)("get", "demo")
    assert result.exit_code == ExitCode.OK
    assert f"Pod {first['metadata']['name']} not shown" in result.stdout


def test_a_rollout_that_may_not_be_read_is_an_error_of_the_cluster() -> None:
    found = screen("plugin running")
    run = program(found)
    run.cluster = FakeCluster(found.objects, forbidden=["rollouts"])
    result = run("get", "demo")
    assert result.exit_code == ExitCode.CLUSTER
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["get", "status", "watch"])
def test_an_unknown_name_suggests_near_ones(command: str) -> None:
    result = program(screen("healthy"))(command, "dmeo")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert 'no rollout "dmeo" in namespace shop' in result.stderr
    assert "did you mean demo?" in result.stderr


def test_an_unknown_name_says_in_which_namespace_it_is() -> None:
    result = program(screen("healthy"))("get", "demo", "-n", "billing")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "there are no rollouts in namespace billing" in result.stderr
    assert "there is one in namespace shop: add -n shop" in result.stderr


def test_suggestions_are_left_out_where_listing_is_forbidden() -> None:
    cluster = FakeCluster({})
    cluster.forbidden = frozenset()
    ref = Ref("shop", "demo")

    def refuse(*_: object, **__: object) -> None:
        from rolloutctl.errors import Forbidden

        raise Forbidden("not allowed to list rollouts")

    cluster.pages = refuse  # type: ignore[assignment, method-assign]
    with pytest.raises(NotFound) as raised:
        inspect.examine(cluster, ref)
    assert "rolloutctl list -n shop" in raised.value.hint


def test_of_several_names_the_good_ones_are_shown() -> None:
    result = program(screen("healthy"))("get", "demo", "dmeo")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert result.stdout.startswith("demo  shop  Healthy")
    assert "did you mean demo?" in result.stderr


def test_several_names_as_json_are_one_list() -> None:
    found = screen("healthy")
    (first,) = found.objects["rollouts"]
    second = {**first, "metadata": {**first["metadata"], "name": "other"}}
    found.objects["rollouts"].append(second)
    result = program(found)("get", "demo", "ro/other", "demo", "-o", "json")
    assert [item["name"] for item in json.loads(result.stdout)["items"]] == ["demo", "other"]


def test_raw_is_what_the_server_has() -> None:
    found = screen("healthy")
    result = program(found)("get", "demo", "-o", "json", "--raw")
    assert json.loads(result.stdout) == found.objects["rollouts"][0]
    assert program(found)("get", "demo", "--raw").exit_code == ExitCode.USAGE


def test_an_unknown_format_lists_the_known_ones() -> None:
    result = program(screen("healthy"))("get", "demo", "-o", "jsno")
    assert result.exit_code == ExitCode.USAGE
    assert "did you mean json?" in result.stderr
    assert "json, yaml, jsonl, name, wide" in result.stderr


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["list", "--phase", "Helthy"], "did you mean Healthy?"),
        (["list", "--phase", "Sideways"], "Healthy, Degraded, Progressing, Paused"),
        (["get", "a", "-l", "x=y"], "do not go together"),
        (["get", "a", "b", "-w"], "one rollout"),
        (["get", "deploy/a"], "does not name a rollout"),
        (["get", "a", "-A"], "cannot be named across all namespaces"),
        (["list", "-w", "-o", "yaml"], "does not go with --watch"),
    ],
)
def test_wrong_command_lines_say_what_is_wrong(argv: list[str], said: str) -> None:
    result = program(screen("healthy"))(*argv)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("argv", "count"),
    [
        (["--phase", "Degraded"], 1),
        (["--phase", "healthy,paused"], 0),
        (["--plugin", "step/e2e-test"], 1),
        (["--plugin", "e2e-test"], 1),
        (["--plugin", "e2e"], 0),
        (["--awaiting"], 0),
    ],
)
def test_filters_of_the_list(argv: list[str], count: int) -> None:
    result = program(screen("plugin failed and aborted"))("list", "-o", "name", *argv)
    assert result.exit_code == ExitCode.OK
    assert len(result.stdout.splitlines()) == count
    assert ("no rollouts that match in namespace shop" in result.stderr) == (count == 0)


def test_the_longest_wait_stands_first() -> None:
    found = screen("paused canary")
    (first,) = found.objects["rollouts"]
    for name, since in (("older", "2026-11-20T00:00:00Z"), ("newer", "2026-11-22T23:59:00Z")):
        copied = json.loads(json.dumps(first))
        copied["metadata"]["name"] = name
        copied["status"]["pauseConditions"][0]["startTime"] = since
        found.objects["rollouts"].append(copied)
    result = program(found)("list", "--awaiting", "-o", "name")
    order = [line.partition("/")[2] for line in result.stdout.splitlines()]
    assert order[0] == "older" and order[-1] == "newer"


def test_selectors_as_the_api_takes_them() -> None:
    selector = wire.LabelSelector(
        match_labels={"b": "2", "a": "1"},
        match_expressions=[
            wire.LabelSelectorRequirement("tier", "In", ["x", "y"]),
            wire.LabelSelectorRequirement("old", "DoesNotExist"),
            wire.LabelSelectorRequirement("env", "NotIn", ["dev"]),
            wire.LabelSelectorRequirement("app", "Exists"),
        ],
    )
    assert inspect.selector_text(selector) == "a=1,b=2,tier in (x,y),!old,env notin (dev),app"


def test_the_selector_of_a_referenced_workload_stands_in_the_status() -> None:
    rollout = wire.Rollout()
    assert inspect.children_selector(rollout) == ""
    rollout.status.selector = "app=demo,rollouts-pod-template-hash=abc"
    assert inspect.children_selector(rollout) == "app=demo,rollouts-pod-template-hash"
