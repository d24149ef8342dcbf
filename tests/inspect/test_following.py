"""Following a rollout: every change comes out, and each way it can end is said."""

from __future__ import annotations

import copy
import json
import re
import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from rolloutctl.actions.following import News, follow
from rolloutctl.actions.following_rows import follow_rows
from rolloutctl.domain.cluster import Kind, Unreadable, WatchEvent
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import ExitCode, Unauthorized
from support.fake_cluster import HANG, FakeCluster
from support.program import Program
from support.recorded import trace
from support.screens import CONFIGURATION, program, screen

DEMO = Ref("shop", "demo")


def versions(story: str) -> list[dict[str, Any]]:
    """Every recorded version of the rollout, in the namespace of the tests."""
    found = []
    for event in trace(story)["watch"]:
        if event["kind"] == "rollouts":
            item = copy.deepcopy(event["object"])
            item["metadata"]["namespace"] = "shop"
            found.append(item)
    return found


def replay(story: str, *more: Any) -> Program:
    """The program on a cluster where the rollout goes through all its recorded versions."""
    first, *later = versions(story)
    events = [*(("MODIFIED", item) for item in later), *more]
    cluster = FakeCluster(
        {"rollouts": [first], "configmaps": [CONFIGURATION]}, later={"rollouts": events}
    )
    now = screen("healthy").now
    return Program(cluster=cluster, now=lambda: now)


def lines(stdout: str) -> list[str]:
    return [re.sub(r"^[\d:]+Z +shop/demo +", "", line) for line in stdout.splitlines()]


@pytest.mark.parametrize(
    "story",
    [
        "plugin-failed-aborts",
        "plugin-promote-full-terminates",
        "canary-pause-promote",
        "bluegreen-promote",
        "istio-canary",
        "plugin-disabled",
    ],
)
def test_a_line_per_change(story: str, snapshot: SnapshotAssertion) -> None:
    result = replay(story)("watch", "demo")
    assert lines(result.stdout) == snapshot


def test_a_document_per_change() -> None:
    result = replay("plugin-failed-aborts")("watch", "demo", "-o", "jsonl")
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert {item["kind"] for item in documents} == {"RolloutChange"}
    assert all(item["changes"] for item in documents)
    assert documents[-1]["now"]["rollout"]["phase"] == "Degraded"
    aborts = [
        change for item in documents for change in item["changes"] if change["what"] == "abort"
    ]
    assert [change["to"] for change in aborts] == ["Successful"]


@pytest.mark.parametrize(
    ("story", "goal", "code", "said"),
    [
        ("canary-pause-promote", "healthy", ExitCode.OK, "healthy reached"),
        ("canary-pause-promote", "done", ExitCode.OK, "done reached"),
        ("canary-pause-promote", "paused", ExitCode.OK, "paused reached"),
        ("canary-pause-promote", "awaiting", ExitCode.OK, "awaiting reached"),
        ("canary-pause-promote", "step=3", ExitCode.OK, "step=3 reached"),
        ("canary-pause-promote", "phase=paused", ExitCode.OK, "phase=Paused reached"),
        ("plugin-failed-aborts", "aborted", ExitCode.OK, "aborted reached"),
        ("plugin-failed-aborts", "degraded", ExitCode.OK, "degraded reached"),
        ("plugin-failed-aborts", "plugin=step/e2e-test:Failed", ExitCode.OK, "reached"),
        ("plugin-failed-aborts", "step=3", ExitCode.FAILED, "Step Plugin 2 (step/e2e-test) failed"),
    ],
)
def test_goals(story: str, goal: str, code: ExitCode, said: str) -> None:
    # The initial deployment is Healthy too: follow from where the second version begins.
    run = replay(story)
    assert isinstance(run.cluster, FakeCluster)
    second = next(
        index
        for index, item in enumerate(versions(story))
        if item["metadata"].get("annotations", {}).get("rollout.argoproj.io/revision") == "2"
        and item.get("status", {}).get("phase") not in ("Healthy", None)
    )
    first, *later = versions(story)[second:]
    run.cluster.objects["rollouts"] = [first]
    run.cluster.later["rollouts"] = [("MODIFIED", item) for item in later]
    result = run("watch", "demo", "--until", goal)
    assert result.exit_code == code, result.stderr
    assert said in result.stderr


def test_an_abort_ends_a_wait_for_healthy_at_once_with_its_cause() -> None:
    result = program(screen("plugin failed and aborted"))("watch", "demo", "--until", "healthy")
    assert result.exit_code == ExitCode.FAILED
    assert "Step Plugin 2 (step/e2e-test) failed" in result.stderr


def test_an_abort_the_controller_has_not_acted_on_is_waited_for() -> None:
    asked = copy.deepcopy(screen("plugin running").objects["rollouts"][0])
    asked["status"]["abort"] = True
    last = versions("plugin-failed-aborts")[-1]
    cluster = FakeCluster({"rollouts": [asked]}, later={"rollouts": [("MODIFIED", last)]})
    result = Program(cluster=cluster)("watch", "demo", "--until", "healthy")
    assert result.exit_code == ExitCode.FAILED
    assert "Step Plugin 2 (step/e2e-test) failed" in result.stderr


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ("step=9", "shop/demo: it has 3 steps"),
        ("step=0", "steps count from 1"),
        ("step=two", "steps count from 1"),
        ("phase=Helthy", "did you mean Healthy?"),
        ("heathy", "did you mean healthy?"),
        ("plugin=a/b", "its plugins: step/e2e-test"),
        ("plugin=step/e2e-test:Great", "known phases: Running"),
        ("", ""),
    ],
)
def test_a_goal_that_cannot_be_is_a_usage_error(goal: str, said: str) -> None:
    result = program(screen("plugin running"))("watch", "demo", "--until", goal)
    if not goal:
        assert result.exit_code == ExitCode.OK
        return
    assert result.exit_code == ExitCode.USAGE
    assert said in result.stderr


def test_a_step_of_the_next_update_is_waited_for_while_none_is_under_way() -> None:
    found = screen("healthy")
    run = program(found)
    cluster = FakeCluster(found.objects, later={"rollouts": [HANG]})
    run.cluster = cluster
    result = run("watch", "demo", "--until", "step=2", "--timeout", "100ms")
    assert result.exit_code == ExitCode.TIMEOUT


def test_time_runs_out() -> None:
    found = screen("paused canary")
    run = program(found)
    run.cluster = FakeCluster(found.objects, later={"rollouts": [HANG]})
    result = run("watch", "demo", "--until", "healthy", "--timeout", "100ms")
    assert result.exit_code == ExitCode.TIMEOUT
    assert "without getting to healthy: it is Paused (CanaryPauseStep)" in result.stderr


def test_a_deleted_rollout_ends_the_watch() -> None:
    run = replay("canary-pause-promote", ("DELETED", versions("canary-pause-promote")[-1]))
    result = run("watch", "demo")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "was deleted while it was watched" in result.stderr
    assert lines(result.stdout)[-1] == "deleted"
    gone = run("watch", "demo", "--until", "deleted")
    assert gone.exit_code == ExitCode.OK


def test_a_dropped_connection_is_said_and_survived() -> None:
    *before, last = versions("canary-pause-promote")
    cluster = FakeCluster(
        {"rollouts": [before[0]]},
        later={"rollouts": [WatchEvent("STALE", None, "reset by peer"), ("MODIFIED", last)]},
    )
    updates = list(follow(cluster, DEMO))
    stale = [item for item in updates if item.news is News.STALE]
    assert [item.problem for item in stale] == ["reset by peer"]
    assert updates[-1].news is News.CHANGE
    assert updates[-1].problem == ""
    result = Program(cluster=cluster)("watch", "demo")
    assert "stale: reset by peer" in result.stdout


def test_an_outage_is_said_once_and_so_is_its_end() -> None:
    *before, _ = versions("canary-pause-promote")
    away, again = WatchEvent("STALE", None, "refused"), WatchEvent("SYNCED")
    cluster = FakeCluster(
        {"rollouts": [before[0]]}, later={"rollouts": [away, away, again, away, again]}
    )
    updates = list(follow(cluster, DEMO))
    assert [(item.news, item.problem) for item in updates[1:]] == [
        (News.STALE, "refused"),
        (News.BACK, ""),
        (News.STALE, "refused"),
        (News.BACK, ""),
    ]
    shown = lines(Program(cluster=cluster)("watch", "demo").stdout)
    assert (
        shown[-4:]
        == [
            "stale: refused; going on when the connection is back",
            "the connection is back",
        ]
        * 2
    )
    rows = [item.news for item in follow_rows(cluster, "shop") if item.news is not News.TICK]
    assert rows == [News.CHANGE, News.STALE, News.BACK, News.STALE, News.BACK]
    documents = Program(cluster=cluster)("watch", "demo", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(item)["news"] for item in documents[-2:]] == ["stale", "back"]


def test_the_picture_is_fresh_again_only_when_all_connections_are() -> None:
    found = screen("paused canary")
    away, again = WatchEvent("STALE", None, "refused"), WatchEvent("SYNCED")

    class InTurn(FakeCluster):
        """Lets each watch speak only when the one before it has."""

        passed = tuple(threading.Event() for _ in range(4))

        def watch(self, kind: Kind, *args: Any, **kwargs: Any) -> Iterator[WatchEvent]:
            yield from super().watch(kind, *args, **kwargs)
            if kind.plural == "rollouts":
                yield away
                self.passed[0].set()
                self.passed[1].wait(10)
                yield again
                self.passed[2].set()
                self.passed[3].wait(10)
            elif kind.plural == "pods":
                self.passed[0].wait(10)
                yield away
                self.passed[1].set()
                self.passed[2].wait(10)
                yield again
                self.passed[3].set()

    updates = list(follow(InTurn(found.objects), DEMO))
    news = [item.news for item in updates if item.news in (News.STALE, News.BACK)]
    assert news == [News.STALE, News.BACK]


def test_a_pod_that_is_not_readable_in_a_burst_is_named() -> None:
    found = screen("paused canary")
    pod = {"metadata": {"name": "demo-new", "namespace": "shop"}}
    bad = WatchEvent("UNREADABLE", Unreadable("shop", "odd", "odd"), "shop/odd: odd")
    cluster = FakeCluster(found.objects, later={"pods": [("ADDED", pod), bad, ("ADDED", pod)]})
    last = list(follow(cluster, DEMO))[-1]
    assert ("pods odd", "shop/odd: odd") in last.missing


def test_what_can_no_longer_be_watched_is_not_shown_as_if_it_could() -> None:
    found = screen("paused canary")
    error = Unauthorized("the token ran out")
    cluster = FakeCluster(found.objects, later={"replicasets": [error], "rollouts": [HANG]})
    for last in follow(cluster, DEMO, timeout=5):
        if last.missing:
            break
    assert last.missing == (("replicasets", "the token ran out"),)
    assert last.picture.replica_sets == ()


def test_a_plugin_switched_off_meanwhile_is_seen_by_who_watches() -> None:
    found = screen("plugin running")
    cluster = FakeCluster(found.objects, later={"rollouts": [HANG]})
    times = count(0, 5)
    seen = follow(cluster, DEMO, timeout=1000, tick=0.001, clock=lambda: float(next(times)))
    off = copy.deepcopy(CONFIGURATION)
    off["data"]["stepPlugins"] = "- name: step/e2e-test\n  location: file:///e\n  disabled: true\n"
    said = []
    for update in seen:
        runs = [item.plugin for item in update.picture.steps if item.plugin is not None]
        said.append(runs[0].availability)
        cluster.objects["configmaps"] = [off]
    assert (said[0], said[-1]) == ("enabled", "disabled")


def test_a_version_that_is_not_readable_is_said_and_the_next_one_shown() -> None:
    *before, last = versions("canary-pause-promote")
    bad = WatchEvent("UNREADABLE", Unreadable("shop", "demo", "odd"), "shop/demo: odd")
    cluster = FakeCluster({"rollouts": [before[0]]}, later={"rollouts": [bad, ("MODIFIED", last)]})
    result = Program(cluster=cluster)("watch", "demo")
    assert "not readable: shop/demo: odd" in lines(result.stdout)
    assert lines(result.stdout)[-1].startswith("weight")
    listed = Program(cluster=cluster)("list", "-w")
    assert "not readable: shop/demo: odd" in listed.stderr


def test_a_rollout_that_is_not_readable_at_all_is_an_error() -> None:
    bad = WatchEvent("UNREADABLE", Unreadable("shop", "demo", "odd"), "shop/demo: odd")

    class Early(FakeCluster):
        def watch(self, *args: Any, **kwargs: Any) -> Iterator[WatchEvent]:
            yield bad
            yield WatchEvent("SYNCED")

    result = Program(cluster=Early({}))("watch", "demo")
    assert result.exit_code == ExitCode.CLUSTER
    assert "shop/demo is not readable" in result.stderr


def test_a_watch_that_may_not_go_on_is_an_error() -> None:
    found = screen("healthy")
    cluster = FakeCluster(found.objects, later={"rollouts": [Unauthorized("the token ran out")]})
    result = Program(cluster=cluster, now=lambda: found.now)("watch", "demo")
    assert result.exit_code == ExitCode.CLUSTER
    assert "the token ran out" in result.stderr


def test_pods_that_may_not_be_watched_leave_a_smaller_picture() -> None:
    found = screen("paused canary")
    cluster = FakeCluster(found.objects, forbidden=["pods"])
    last = list(follow(cluster, DEMO))[-1]
    assert [what for what, _ in last.missing] == ["pods"]
    assert last.picture.replica_sets


def test_only_what_belongs_to_the_rollout_is_watched() -> None:
    found = screen("paused canary")
    cluster = FakeCluster(found.objects)
    list(follow(cluster, DEMO))
    watched = {(item.plural, item.labels, item.fields) for item in cluster.requests}
    assert watched == {
        ("rollouts", "", "metadata.name=demo"),
        ("replicasets", "app=demo,rollouts-pod-template-hash", ""),
        ("pods", "app=demo,rollouts-pod-template-hash", ""),
    }


def test_rows_that_change_come_out_and_others_do_not() -> None:
    first, *later = versions("canary-pause-promote")
    same = copy.deepcopy(first)
    same["metadata"]["resourceVersion"] = "9"
    cluster = FakeCluster(
        {"rollouts": [first]},
        later={
            "rollouts": [
                ("MODIFIED", same),
                *(("MODIFIED", item) for item in later),
                ("DELETED", later[-1]),
            ]
        },
    )
    updates = [item for item in follow_rows(cluster, "shop") if item.news is not News.TICK]
    assert updates[0].first and updates[0].before is None
    assert all(item.row != item.before for item in updates[:-1])
    assert updates[-1].news is News.DELETED


def test_a_steady_flow_of_changes_is_shown_while_it_flows() -> None:
    first = versions("canary-pause-promote")[-1]
    changes = []
    for index in range(400):
        item = copy.deepcopy(first)
        item["status"]["readyReplicas"] = index
        changes.append(("MODIFIED", item))

    class Flow(FakeCluster):
        def watch(self, *args: Any, **kwargs: Any) -> Iterator[WatchEvent]:
            for event in super().watch(*args, **kwargs):
                yield event
                time.sleep(0.002)

    cluster = Flow({"rollouts": [first]}, later={"rollouts": changes})
    ticks = [item for item in follow_rows(cluster, "shop") if item.news is News.TICK]
    assert 2 <= len(ticks) <= 20


def test_a_followed_list_prints_a_line_per_change(snapshot: SnapshotAssertion) -> None:
    run = replay("canary-pause-promote", ("DELETED", versions("canary-pause-promote")[-1]))
    result = run("list", "-w")
    assert result.exit_code == ExitCode.OK
    shown = [re.sub(r"^[\d:]+Z +", "", line) for line in result.stdout.splitlines()]
    assert shown == snapshot


def test_a_followed_list_ends_with_its_time() -> None:
    found = screen("healthy")
    run = program(found)
    run.cluster = FakeCluster(found.objects, later={"rollouts": [HANG]})
    result = run("get", "-w", "--timeout", "100ms")
    assert result.exit_code == ExitCode.TIMEOUT
    assert "shop/demo  Healthy" in result.stdout


# --- status --wait ------------------------------------------------------------------------------


def test_waiting_ends_when_it_is_healthy() -> None:
    result = program(screen("healthy"))("status", "demo", "--wait")
    assert result.exit_code == ExitCode.OK
    assert result.stdout.startswith("Healthy")


def test_waiting_ends_when_it_failed() -> None:
    result = program(screen("bad image"))("status", "demo", "--wait")
    assert result.exit_code == ExitCode.FAILED
    assert result.stdout.startswith("Degraded: ProgressDeadlineExceeded")


def test_waiting_ends_when_a_person_has_to_act() -> None:
    found = screen("paused canary")
    run = program(found)
    run.cluster = FakeCluster(found.objects, later={"rollouts": [HANG]})
    result = run("status", "demo", "--wait")
    assert result.exit_code == ExitCode.TIMEOUT
    assert result.stdout.startswith("Paused: CanaryPauseStep")
    assert "waits for a person to promote" in result.stderr
    assert "rolloutctl promote demo -n shop" in result.stderr


def test_waiting_ends_with_the_time() -> None:
    found = screen("plugin running")
    run = program(found)
    run.cluster = FakeCluster(found.objects, later={"rollouts": [HANG]})
    result = run("status", "demo", "--wait", "--timeout", "100ms")
    assert result.exit_code == ExitCode.TIMEOUT
    assert result.stdout.startswith("Progressing")


# --- on a terminal ------------------------------------------------------------------------------


def test_on_a_terminal_the_picture_is_redrawn_and_stands_whole_at_the_end() -> None:
    run = replay("canary-pause-promote")
    run.terminal = True
    run.env = {"LINES": "12"}
    result = run("watch", "demo", "--no-color")
    assert "\x1b[2J" not in result.stdout and "\x1b[H" not in result.stdout
    assert result.stdout.startswith("\x1b[?25l") and result.stdout.endswith("\x1b[?25h")
    assert "more lines: a taller window shows them" in result.stdout
    last = result.stdout.rpartition("\x1b[11A")[2]
    assert "all 4 done" in last and "more lines" not in last


def test_on_a_short_terminal_an_outage_and_what_to_do_are_still_seen() -> None:
    found = screen("paused canary")
    run = program(found)
    away = WatchEvent("STALE", None, "connection refused")
    run.cluster = FakeCluster(found.objects, later={"rollouts": [away]})
    run.terminal = True
    run.env = {"LINES": "20"}
    frames = run("watch", "demo", "--no-color").stdout.split("\x1b[J")
    assert "STALE" not in frames[0]
    stale = re.sub(r"\x1b\[\??\d*[A-Za-z]|\r", "", frames[1]).splitlines()
    assert re.fullmatch(r"STALE since [\d:]+Z, trying again: connection refused", stale[0])
    assert any(row.startswith("  promote --full") for row in stale)
    assert not any("pod demo-" in row for row in stale)
    assert "pod demo-" in frames[-2]


def test_a_list_that_does_not_fit_shows_first_what_is_not_healthy() -> None:
    healthy = screen("healthy").objects["rollouts"][0]
    aborted = copy.deepcopy(screen("plugin failed and aborted").objects["rollouts"][0])
    aborted["metadata"]["name"] = "zz-aborted"
    many = []
    for index in range(30):
        many.append(copy.deepcopy(healthy))
        many[-1]["metadata"]["name"] = f"app-{index:02}"
    run = Program(cluster=FakeCluster({"rollouts": [*many, aborted]}), terminal=True)
    run.env = {"LINES": "10"}
    result = run("list", "-w", "--no-color")
    last = result.stdout.split("\x1b[J")[-2]
    rows = re.sub(r"\x1b\[\??\d*[A-Za-z]|\r", "", last).splitlines()
    assert rows[0] == "31 rollouts: 1 Degraded, 30 Healthy"
    assert rows[2].startswith("zz-aborted  Degraded")
    assert rows[3].startswith("app-00") and len(rows) == 9
    assert rows[-1] == "25 more; what is not Healthy comes first"


@pytest.mark.parametrize("command", [("watch", "demo"), ("list", "-w")])
def test_a_terminal_that_cannot_redraw_gets_lines(command: tuple[str, ...]) -> None:
    run = replay("canary-pause-promote")
    run.terminal = True
    run.env = {"TERM": "dumb"}
    assert "\x1b" not in run(*command).stdout


def test_a_list_on_a_terminal_is_redrawn() -> None:
    run = replay("canary-pause-promote")
    run.terminal = True
    result = run("list", "-w", "--no-color")
    last = result.stdout.rpartition("\x1b[2A")[2]
    assert "Healthy" in last and "v2" in last
    assert "\x1b[2J" not in result.stdout
