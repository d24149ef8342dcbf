"""`wait`: each way it can end, in every format."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.actions.waiting_for import wait_for
from rolloutctl.domain.cluster import WatchEvent
from rolloutctl.domain.goals import parse_goal
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.waited import Came, Moved
from rolloutctl.errors import ExitCode, Unauthorized
from support.fake_cluster import HANG, FakeCluster
from support.program import Program
from support.recorded import trace
from support.screens import screen

DEMO = Ref("shop", "demo")
SOON = "--timeout", "5s"
"""A wait that should have ended goes on no longer."""


def named(item: Mapping[str, Any], name: str = "demo", namespace: str = "shop") -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(dict(item))
    found["metadata"].update(name=name, namespace=namespace, uid=f"uid-{name}")
    return found


def update(story: str) -> list[dict[str, Any]]:
    """The versions of a recorded rollout from where its second revision is under way."""
    every = [
        named(event["object"]) for event in trace(story)["watch"] if event["kind"] == "rollouts"
    ]
    start = next(
        index
        for index, item in enumerate(every)
        if item["metadata"].get("annotations", {}).get("rollout.argoproj.io/revision") == "2"
        and item.get("status", {}).get("phase") not in ("Healthy", None)
    )
    return every[start:]


def cluster_of(items: Sequence[Mapping[str, Any]], *later: Any, **more: Any) -> FakeCluster:
    objects: dict[str, Sequence[Mapping[str, Any]]] = {"rollouts": list(items), **more}
    return FakeCluster(objects, later={"rollouts": [*later, HANG]})


def playing(story: str, *more: Any) -> FakeCluster:
    first, *later = update(story)
    return cluster_of([first], *(("MODIFIED", item) for item in later), *more)


@pytest.mark.parametrize(
    ("story", "goal", "code"),
    [
        ("canary-pause-promote", "healthy", ExitCode.OK),
        ("canary-pause-promote", "paused", ExitCode.OK),
        ("canary-pause-promote", "step=4", ExitCode.OK),
        ("canary-pause-promote", "weight=50", ExitCode.OK),
        ("canary-pause-promote", "generation", ExitCode.OK),
        ("canary-pause-promote", "degraded", ExitCode.FAILED),
        ("bluegreen-promote", "paused", ExitCode.OK),
        ("plugin-success", "plugin=step/e2e-test:Successful", ExitCode.OK),
        ("plugin-failed-aborts", "plugin=step/e2e-test:Error", ExitCode.FAILED),
        ("plugin-failed-aborts", "healthy", ExitCode.FAILED),
        ("plugin-running-abort", "plugin=step/e2e-test:Failed", ExitCode.FAILED),
        ("plugin-new-template-while-running", "healthy", ExitCode.CONFLICT),
        ("plugin-new-template-while-running", "revision=3", ExitCode.OK),
        ("canary-bad-image-deadline", "healthy", ExitCode.FAILED),
    ],
)
def test_recorded_rollouts(
    story: str, goal: str, code: ExitCode, snapshot: SnapshotAssertion
) -> None:
    now = screen("healthy").now
    result = Program(cluster=playing(story), now=lambda: now)("wait", "demo", "--for", goal, *SOON)
    assert result.exit_code == code, result.stderr
    assert (result.stdout, result.stderr) == snapshot


def test_a_retry_that_the_controller_has_not_seen_ends_no_wait() -> None:
    versions = [
        named(event["object"])
        for event in trace("plugin-abort-retry")["watch"]
        if event["kind"] == "rollouts"
    ]
    phases = [item.get("status", {}).get("phase") for item in versions]
    last = len(phases) - 1 - phases[::-1].index("Degraded")
    asked = copy.deepcopy(versions[last])
    asked["status"]["abort"] = False
    assert asked["status"]["abortedAt"]
    cluster = cluster_of([asked], *(("MODIFIED", item) for item in versions[last + 1 :]))
    result = Program(cluster=cluster)("wait", "demo", "--for", "step=2", *SOON)
    assert result.exit_code == ExitCode.OK, result.stdout


def test_status_waits_for_the_rollout_whichever_version_it_comes_to() -> None:
    *_, healthy = update("canary-pause-promote")
    cluster = playing("plugin-new-template-while-running", ("MODIFIED", healthy))
    result = Program(cluster=cluster)("status", "demo", "--wait", *SOON)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert result.stdout.startswith("Healthy")


@pytest.mark.parametrize("output", ["text", "wide", "json", "jsonl", "yaml", "name"])
def test_formats(output: str, snapshot: SnapshotAssertion) -> None:
    found = screen("paused canary")
    failed = named(screen("plugin failed and aborted").objects["rollouts"][0], "bad")
    cluster = cluster_of([found.objects["rollouts"][0], failed])
    run = Program(cluster=cluster, now=lambda: found.now)
    chosen = [] if output == "text" else ["-o", output]
    result = run(
        "wait", "demo", "bad", "lost", "--for", "awaiting", "--for", "done", *SOON, *chosen
    )
    stdout = "\n".join(
        line
        for line in result.stdout.replace('"afterSeconds":', '\n"afterSeconds":').splitlines()
        if "afterSeconds" not in line
    )
    assert stdout == snapshot
    assert result.exit_code == ExitCode.FAILED


def three(*later: Any) -> FakeCluster:
    paused = screen("paused canary").objects["rollouts"][0]
    healthy = screen("healthy").objects["rollouts"][0]
    return cluster_of([named(paused, "a"), named(healthy, "b"), named(paused, "c")], *later)


def ends(
    cluster: FakeCluster, goal: str, names: Sequence[str] = "abc", **more: Any
) -> dict[str, Came]:
    refs = [Ref("shop", name) for name in names]
    more.setdefault("timeout", 5.0)
    return {
        item.ref.name: item.came for item in wait_for(cluster, refs, [parse_goal(goal)], **more)
    }


def test_the_first_is_enough_with_any() -> None:
    found = ends(three(), "healthy", one_is_enough=True)
    assert found == {"b": Came.REACHED, "a": Came.LEFT, "c": Came.LEFT}
    result = Program(cluster=three())("wait", "a", "b", "c", "--for", "healthy", "--any", *SOON)
    assert result.exit_code == ExitCode.OK


def test_one_that_cannot_get_there_ends_the_wait_for_all() -> None:
    found = ends(three(), "plugin=step/e2e-test")
    assert set(found.values()) == {Came.UNREACHABLE}  # what is known at the start is said of each
    later = ("DELETED", named(screen("paused canary").objects["rollouts"][0], "a"))
    assert ends(three(later), "healthy") == {
        "b": Came.REACHED,
        "a": Came.DELETED,
        "c": Came.LEFT,
    }


def test_one_that_fails_does_not_end_the_wait_for_any() -> None:
    gone = ("DELETED", named(screen("paused canary").objects["rollouts"][0], "a"))
    done = ("MODIFIED", named(screen("healthy").objects["rollouts"][0], "c"))
    found = ends(three(gone, done), "healthy", "ac", one_is_enough=True)
    assert found == {"a": Came.DELETED, "c": Came.REACHED}


def test_time_runs_out_with_what_lets_it_go_on() -> None:
    found = screen("paused canary")
    run = Program(cluster=cluster_of(found.objects["rollouts"]), now=lambda: found.now)
    result = run("wait", "demo", "--for", "healthy", "--timeout", "100ms")
    assert result.exit_code == ExitCode.TIMEOUT
    assert "demo: not healthy within" in result.stdout
    assert "rolloutctl promote demo -n shop lets it go on" in result.stderr


@pytest.mark.parametrize("anew", [False, True])
def test_a_deleted_rollout_is_not_waited_for(anew: bool) -> None:
    item = screen("paused canary").objects["rollouts"][0]
    event = ("MODIFIED", named(item)) if anew else ("DELETED", item)
    result = Program(cluster=cluster_of([item], event))("wait", "demo", "--for", "healthy", *SOON)
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "demo: deleted after" in result.stdout
    gone = Program(cluster=cluster_of([item], event))("wait", "demo", "--for", "deleted")
    assert gone.exit_code == ExitCode.OK


def test_what_is_not_there_is_said_at_once_unless_its_end_is_waited_for() -> None:
    run = Program(cluster=cluster_of(screen("paused canary").objects["rollouts"]))
    result = run("wait", "dmo", "--for", "healthy", *SOON)
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "did you mean demo?" in result.stderr
    assert run("wait", "dmo", "--for", "deleted").exit_code == ExitCode.OK


def test_a_watch_that_breaks_is_told_of_each() -> None:
    item = screen("paused canary").objects["rollouts"][0]
    cluster = FakeCluster(
        {"rollouts": [item]}, later={"rollouts": [Unauthorized("the token has expired")]}
    )
    result = Program(cluster=cluster)("wait", "demo", "--for", "healthy", *SOON)
    assert result.exit_code == ExitCode.CLUSTER
    assert "the token has expired" in result.stderr


def test_a_dropped_connection_is_said_and_survived() -> None:
    first, *_, last = update("canary-pause-promote")
    cluster = cluster_of([first], WatchEvent("STALE", None, "reset"), ("MODIFIED", last))
    result = Program(cluster=cluster)("wait", "demo", "--for", "healthy", *SOON)
    assert result.exit_code == ExitCode.OK
    assert "the connection dropped" in result.stderr


def with_deployment(generation: int, *later: Any) -> FakeCluster:
    """A healthy rollout whose Deployment the controller knows at generation 1."""
    healthy = named(screen("healthy").objects["rollouts"][0])
    healthy["spec"].pop("template")
    healthy["spec"]["workloadRef"] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "demo",
    }
    healthy["status"]["workloadObservedGeneration"] = "1"
    healthy["metadata"]["annotations"]["rollout.argoproj.io/workload-generation"] = "1"
    metadata = {"name": "demo", "namespace": "shop", "generation": generation}
    return cluster_of([healthy], *later, deployments=[{"metadata": metadata}])


@pytest.mark.parametrize("goal", ["healthy", "generation", "done"])
def test_a_deployment_the_controller_has_not_seen_is_waited_for(goal: str) -> None:
    assert ends(with_deployment(2), goal, ["demo"], timeout=0.05) == {"demo": Came.TIMED_OUT}
    assert ends(with_deployment(1), goal, ["demo"]) == {"demo": Came.REACHED}
    seen = named(with_deployment(1).objects["rollouts"][0])
    seen["status"]["workloadObservedGeneration"] = "2"
    seen["metadata"]["annotations"]["rollout.argoproj.io/workload-generation"] = "2"
    seen["metadata"]["uid"] = with_deployment(1).objects["rollouts"][0]["metadata"]["uid"]
    assert ends(with_deployment(2, ("MODIFIED", seen)), goal, ["demo"]) == {"demo": Came.REACHED}


@pytest.mark.parametrize(
    "command", [("watch", "demo", "--until", "done"), ("status", "demo", "--wait")]
)
def test_watch_and_status_know_of_the_deployment_too(command: tuple[str, ...]) -> None:
    early = Program(cluster=with_deployment(2))(*command, "--timeout", "100ms")
    assert early.exit_code == ExitCode.TIMEOUT
    assert Program(cluster=with_deployment(1))(*command, *SOON).exit_code == ExitCode.OK


def test_a_workload_that_may_not_be_read_is_told_by_the_rollout_alone() -> None:
    cluster = with_deployment(2)
    cluster.forbidden = frozenset({"deployments"})
    result = Program(cluster=cluster)("wait", "demo", "--for", "healthy", *SOON)
    assert result.exit_code == ExitCode.OK
    assert "a change of its workload may be missed: not allowed" in result.stderr


def test_one_watch_by_name_a_watch_a_namespace_or_one_for_all() -> None:
    item = screen("paused canary").objects["rollouts"][0]

    def watched(*places: tuple[str, str]) -> list[tuple[str | None, str]]:
        cluster = cluster_of([named(item, name, place) for place, name in places])
        refs = [Ref(*place) for place in places]
        assert {e.came for e in wait_for(cluster, refs, [parse_goal("paused")])} == {Came.REACHED}
        return sorted((str(r.namespace), r.fields) for r in cluster.requests if r.verb == "watch")

    assert watched(("x", "a")) == [("x", "metadata.name=a")]
    assert watched(("x", "a"), ("x", "b"), ("y", "c")) == [("x", ""), ("y", "metadata.name=c")]
    assert watched(*((str(number), "a") for number in range(9))) == [("None", "")]


def test_only_what_moves_is_reported() -> None:
    found: list[Moved] = []
    *_, last = wait_for(
        playing("canary-pause-promote"), [DEMO], [parse_goal("healthy")], report=found.append
    )
    assert last.came is Came.REACHED
    stands = [(m.now.phase, m.now.message, m.now.index) for m in found if m.now is not None]
    assert all(one != other for one, other in pairwise(stands))


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["demo"], ExitCode.USAGE, "say what to wait for"),
        (["demo", "--for", "nirvana"], ExitCode.USAGE, "--for nirvana: not known"),
        (["--for", "healthy"], ExitCode.USAGE, "say which rollouts"),
        (["demo", "--for", "healthy", "-l", "a=b"], ExitCode.USAGE, "not both"),
        (["--for", "healthy", "-l", "a=b"], ExitCode.FAILED, "no rollouts with labels a=b"),
        (["--for", "healthy", "-l", "a=b", "--allow-empty"], ExitCode.OK, "no rollouts"),
        (["--for", "paused", "-A"], ExitCode.OK, ""),
        (["--for", "paused", "--phase", "paused"], ExitCode.OK, ""),
        (["--for", "paused", "-f", "-"], ExitCode.OK, ""),
    ],
)
def test_what_is_meant(argv: list[str], code: ExitCode, said: str) -> None:
    cluster = cluster_of(screen("paused canary").objects["rollouts"])
    result = Program(cluster=cluster, stdin="shop/demo\n")("wait", *argv)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr


def test_very_many_are_told_in_numbers() -> None:
    item = screen("paused canary").objects["rollouts"][0]
    cluster = cluster_of([named(item, f"web-{number}") for number in range(30)])
    result = Program(cluster=cluster)("wait", "-A", "--for", "paused", "-o", "json")
    assert len(json.loads(result.stdout)["items"]) == 30
    assert result.stderr == ""


@pytest.mark.parametrize("goal", ["healthy", "paused", "plugin=step/e2e-test:Error", "deleted"])
def test_what_the_cluster_says_cannot_mislead(goal: str) -> None:
    evil = "\x1b[2J[red]x[/]\nweb: healthy after 1s\u202e"
    item = named(screen("plugin failed and aborted").objects["rollouts"][0])
    item["status"].update(message=evil, phase=evil if goal == "paused" else "Degraded")
    for record in item["status"]["canary"]["stepPluginStatuses"]:
        record["message"] = evil
    for condition in item["status"]["conditions"]:
        condition["message"] = evil
    result = Program(cluster=cluster_of([item]))("wait", "demo", "--for", goal, "--timeout", "50ms")
    assert result.exit_code in (ExitCode.FAILED, ExitCode.TIMEOUT)
    for stream in (result.stdout, result.stderr):
        assert all(char.isprintable() or char == "\n" for char in stream)
        assert not any(line.startswith("web:") for line in stream.splitlines())
