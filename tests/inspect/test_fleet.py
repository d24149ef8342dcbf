"""`fleet`: a whole fleet on one page, in every format, once and followed."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from rolloutctl.actions.fleet import Following, Member
from rolloutctl.domain.cluster import Cluster, Unreadable, WatchEvent
from rolloutctl.domain.fleet.entry import entry
from rolloutctl.domain.fleet.snapshot import Snapshot
from rolloutctl.domain.fleet.tally import Tally
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import ExitCode, Forbidden, Unreachable
from rolloutctl.render.text import width
from rolloutctl.sandbox.scenarios import fleet as shapes
from support.clusters import Clusters, Dead, rollout
from support.clusters import cluster as healthy
from support.fake_cluster import FakeCluster
from support.program import Program, Result
from support.recorded import moment
from support.screens import SCREENS
from support.team_fleet import NOW, WAITING
from support.team_fleet import rollouts as fleet

CONFIGURATION = {
    "metadata": {"name": "argo-rollouts-config", "namespace": "argo-rollouts"},
    "data": {"stepPlugins": "- name: demo/jenkins-gate\n  location: file:///gate\n"},
}
SANDBOX = [
    {**item, "metadata": {**item["metadata"], "generation": 1}}
    for item in shapes.rollouts(400, NOW)
]
"""The fleet of the sandbox, as its API has it."""
_SGR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def incident() -> tuple[list[dict[str, Any]], datetime]:
    """One rollout of each of the recorded moments, all in one namespace and of one day."""
    items = []
    now = NOW
    for number, (name, (story, when)) in enumerate(SCREENS.items()):
        found = moment(story, when)
        now = max(now, found.now)
        for item in found.objects["rollouts"]:
            item = copy.deepcopy(item)
            item["metadata"]["name"] = name.replace(" ", "-")
            item["metadata"]["labels"] = {"team": ("shop", "bank")[number % 2]}
            items.append(item)
    return items, now


def program(items: list[dict[str, Any]], now: datetime = NOW, **settings: Any) -> Program:
    found = FakeCluster({"rollouts": items, "configmaps": [CONFIGURATION]})
    return Program(cluster=found, now=lambda: now, **settings)


def the_fleet(*argv: str, count: int = 300, **settings: Any) -> Result:
    return program(fleet(count), **settings)("fleet", *argv)


def document(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


# --- the page and the documents -----------------------------------------------------------------


@pytest.mark.parametrize("output", [None, "json", "yaml", "jsonl"])
def test_a_fleet_in_each_format(output: str | None, snapshot: SnapshotAssertion) -> None:
    options = [] if output is None else ["-o", output]
    result = the_fleet("--top", "3", *options)
    assert (result.exit_code, result.stderr) == (ExitCode.OK, "")
    assert result.stdout == snapshot


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_page_on_a_terminal(columns: int, snapshot: SnapshotAssertion) -> None:
    result = the_fleet("--no-color", terminal=True, columns=columns)
    assert max(map(width, result.stdout.splitlines())) <= columns
    assert result.stdout == snapshot


def test_recorded_rollouts_on_one_page(snapshot: SnapshotAssertion) -> None:
    items, now = incident()
    result = program(items, now)("fleet", "--since", "9000d", "--stuck", "1m")
    assert result.stdout == snapshot


def test_all_formats_say_the_same() -> None:
    found = document(the_fleet("-o", "json"))
    assert json.loads(the_fleet("-o", "jsonl").stdout) == found
    as_yaml = yaml.load(the_fleet("-o", "yaml").stdout, Loader=yaml.BaseLoader)
    assert as_yaml["counts"] == {key: str(value) for key, value in found["counts"].items()}


@pytest.mark.parametrize("items", [fleet(300), SANDBOX], ids=["teams", "sandbox"])
def test_the_numbers_are_those_of_the_list(items: list[dict[str, Any]]) -> None:
    run = program(items)
    counts = document(run("fleet", "-o", "json"))["counts"]
    rows = [json.loads(line) for line in run("list", "-A", "-o", "jsonl").stdout.splitlines()]
    phases = [row["rollout"]["phase"] for row in rows]
    for phase in ("Healthy", "Progressing", "Paused", "Degraded"):
        assert counts[phase.lower()] == phases.count(phase)
    assert counts["awaiting"] == sum(row["rollout"]["awaiting"] is not None for row in rows)
    assert counts["aborted"] == sum(row["rollout"]["aborted"] for row in rows)


def test_nothing_is_left_out_where_all_is_asked_for() -> None:
    found = document(the_fleet("-o", "json", "--top", "0"))
    for part in ("awaiting", "stuck", "groups", "strategies", "plugins"):
        assert len(found[part]["items"]) == found[part]["total"] > 0
    capped = document(the_fleet("-o", "json", "--top", "2"))
    assert len(capped["awaiting"]["items"]) == 2
    assert capped["awaiting"]["total"] == found["awaiting"]["total"]


@pytest.mark.parametrize("number", ["-1", "many", "1.5", "١"])
def test_how_many_are_listed_is_a_number(number: str) -> None:
    result = the_fleet(f"--top={number}", count=1)
    assert result.exit_code == ExitCode.USAGE
    assert "not a number from 0 on" in result.stderr


# --- what is looked at --------------------------------------------------------------------------


def test_a_fleet_is_all_namespaces_unless_one_is_named() -> None:
    run = program(fleet(120))
    assert document(run("fleet", "-o", "json"))["counts"]["total"] == 120
    assert document(run("fleet", "-n", "area-1", "-o", "json"))["counts"]["total"] == 40
    assert "rolloutctl list -n area-1 --awaiting" in run("fleet", "-n", "area-1").stdout
    found = document(run("fleet", "-l", "team=mail", "--by", "namespace", "-o", "json"))
    assert {group["name"] for group in found["groups"]["items"]} == {"area-2", "area-3"}
    assert found["counts"]["total"] == 40


def test_nothing_there_is_said_with_where_it_was_looked_for() -> None:
    result = program([])("fleet", "-l", "app=none")
    assert result.exit_code == ExitCode.OK
    assert result.stdout == "0 rollouts\n"
    assert result.stderr == "no rollouts with labels app=none in any namespace\n"
    assert document(program([])("fleet", "-o", "json"))["counts"]["total"] == 0


def test_how_far_back_and_what_is_too_long_can_be_said() -> None:
    everything = document(the_fleet("-o", "json", "--since", "30d"))
    assert everything["abortedBefore"] == 0
    assert everything["aborted"]["total"] == everything["counts"]["aborted"] > 0
    nothing = document(the_fleet("-o", "json", "--since", "1s", "--stuck", "30d"))
    assert nothing["aborted"] == {"total": 0, "causes": {"total": 0, "items": []}}
    assert nothing["abortedBefore"] == everything["counts"]["aborted"]
    assert nothing["stuck"]["total"] == 0


@pytest.mark.parametrize("output", ["name", "wide"])
def test_a_form_it_does_not_have_is_refused(output: str) -> None:
    result = the_fleet("-o", output, count=1)
    assert result.exit_code == ExitCode.USAGE
    assert "json, yaml and jsonl" in result.stderr


def test_what_cannot_be_read_is_named_and_the_rest_counted() -> None:
    bad = rollout("bad")
    bad["spec"] = {"replicas": "many"}
    result = program([rollout("good"), bad])("fleet", "-o", "json")
    assert result.exit_code == ExitCode.FAILED
    assert document(result)["counts"]["total"] == 1
    assert "shop/bad is not readable" in result.stderr


def test_plugins_that_are_off_are_said_and_so_is_a_configuration_nobody_may_read() -> None:
    items = fleet(10)  # one is blue-green
    off = copy.deepcopy(CONFIGURATION)
    off["data"]["stepPlugins"] += "  disabled: true\n"
    for config, state in ((off, "disabled"), ({**off, "data": {}}, "NOT CONFIGURED")):
        found = FakeCluster({"rollouts": items, "configmaps": [config]})
        page = Program(cluster=found, now=lambda: NOW)("fleet").stdout
        assert re.search(rf"demo/jenkins-gate +{state} +9 ", page)
    hidden = FakeCluster({"rollouts": items}, forbidden=["configmaps"])
    result = Program(cluster=hidden, now=lambda: NOW)("fleet")
    assert result.exit_code == ExitCode.OK
    assert "argo-rollouts-config was not read: not allowed" in result.stdout


def test_without_plugins_the_configuration_is_not_asked_for() -> None:
    found = FakeCluster({"rollouts": [rollout("web")]})
    assert Program(cluster=found)("fleet").exit_code == ExitCode.OK
    assert {request.plural for request in found.requests} == {"rollouts"}


def test_what_a_cluster_says_does_not_reach_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;owned\x07\u202eevil\nDegraded"
    item = fleet(100)[WAITING]
    item["metadata"]["name"] = item["metadata"]["namespace"] = evil
    item["metadata"]["labels"] = {"team": evil}
    wrong = rollout("x")
    wrong["metadata"]["labels"] = {"team": evil}
    wrong["status"] |= {"phase": "Degraded", "message": f"InvalidSpec: {evil}"}
    wrong["status"]["conditions"] = [{"type": "InvalidSpec", "message": evil}]
    for columns in (40, 80):
        page = program([item, wrong], terminal=True, columns=columns)("fleet").stdout
        plain = re.sub(r"\x1b\[[0-9;]*m", "", page)
        assert "evil" in plain
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", plain)
    found = document(program([item, wrong])("fleet", "-o", "json"))
    assert found["groups"]["items"][0]["name"] == evil


# --- several clusters ---------------------------------------------------------------------------


def test_several_clusters_are_one_fleet_with_a_count_for_each(snapshot: SnapshotAssertion) -> None:
    east = FakeCluster({"rollouts": fleet(300), "configmaps": [CONFIGURATION]})
    west = FakeCluster({"rollouts": fleet(100)[50:], "configmaps": [CONFIGURATION]})
    west.objects["configmaps"] = [{**CONFIGURATION, "data": {}}]
    run = Clusters({"east": east, "west": west}, now=NOW)
    result = run("fleet", "--all-contexts", "--top", "2")
    assert result.exit_code == ExitCode.OK
    assert result.stdout == snapshot
    found = document(run("fleet", "--all-contexts", "-o", "json"))
    assert {each["name"]: each["counts"]["total"] for each in found["clusters"]["items"]} == {
        "east": 300,
        "west": 50,
    }


def test_a_dead_cluster_is_told_and_not_counted() -> None:
    run = Clusters({"east": healthy("a", "b"), "dead": Dead(Unreachable("no route"))})
    result = run("fleet", "--all-contexts", "-o", "json")
    assert result.exit_code == ExitCode.FAILED
    assert "dead: no route" in result.stderr
    assert [each["name"] for each in document(result)["clusters"]["items"]] == ["east"]


# --- followed -----------------------------------------------------------------------------------


def followed(*events: Any, count: int = 100, **settings: Any) -> Program:
    found = FakeCluster(
        {"rollouts": fleet(count), "configmaps": [CONFIGURATION]}, later={"rollouts": events}
    )
    return Program(cluster=found, now=lambda: NOW, **settings)


def test_a_followed_fleet_ends_as_it_would_be_read() -> None:
    items = fleet(100)
    gone, promoted = items[WAITING], copy.deepcopy(items[2])
    promoted["status"] = copy.deepcopy(items[0]["status"])
    run = followed(("DELETED", gone), ("MODIFIED", promoted))
    result = run("fleet", "-w", "-o", "json")
    assert result.exit_code == ExitCode.OK
    last = json.loads(result.stdout.splitlines()[-1])
    rest = [promoted if item is items[2] else item for item in items if item is not gone]
    assert last == document(program(rest)("fleet", "-o", "json"))


def test_the_page_of_a_followed_fleet_fits_the_screen() -> None:
    settings: dict[str, Any] = {"terminal": True, "columns": 80, "env": {"LINES": "44"}}
    result = followed(count=300, **settings)("fleet", "-w")
    first = _SGR.sub("", result.stdout.split("\x1b[J")[0])
    assert 10 < len(first.splitlines()) <= 44
    assert "more lines" not in first


def test_yaml_is_not_followed() -> None:
    assert followed()("fleet", "-w", "-o", "yaml").exit_code == ExitCode.USAGE


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Summaries follow each other without a second between them."""
    monkeypatch.setattr("rolloutctl.actions.fleet.PERIOD", 0.01)


def following(cluster: Cluster, **settings: Any) -> Following:
    return Following([Member("", cluster, None)], Tally(), **settings)


def test_many_changes_are_one_summary() -> None:
    found = healthy("web", later={"rollouts": [("MODIFIED", rollout("web"))] * 500})
    times = Following([Member("", found, None)], Tally(), clock=lambda: 0.0)
    assert list(times) == [True, True]


@pytest.mark.usefixtures("quick")
def test_a_dropped_connection_and_an_unreadable_version_are_known() -> None:
    bad = WatchEvent("UNREADABLE", Unreadable("shop", "web", "no"), problem="no")
    events = [WatchEvent("STALE", problem="reset"), bad]
    seen = following(healthy("web", later={"rollouts": events}))
    states = [(dict(seen.stale), len(seen.tally), len(seen.unreadable)) for _ in seen]
    assert ({"": "reset"}, 1, 0) in states
    assert states[-1] == ({}, 0, 1)


@pytest.mark.usefixtures("quick")
def test_one_cluster_that_fails_is_left_and_the_only_one_raises() -> None:
    bad = Dead(Forbidden("not allowed"))
    with pytest.raises(Forbidden):
        list(following(bad))
    both = Following(
        [Member("east", healthy("a"), None), Member("bad", bad, None)],
        Tally(clusters=["east", "bad"]),
    )
    assert list(both)
    assert set(both.broken) == {"bad"}
    assert [group.name for group in both.tally.summary(NOW).clusters] == ["east"]
    with pytest.raises(Forbidden):
        list(Following([Member("x", bad, None), Member("y", bad, None)], Tally()))


def test_a_cluster_that_cannot_be_followed_is_told_on_the_page_and_at_the_end() -> None:
    class Interrupting(FakeCluster):
        def watch(self, *_: Any, **__: Any) -> Iterator[WatchEvent]:
            raise Unreachable("no route")

    run = Clusters({"east": healthy("a"), "dead": Interrupting({})})
    result = run("fleet", "-w", "--all-contexts")
    assert result.exit_code == ExitCode.FAILED
    assert "dead is not in this: no route" in result.stdout
    assert "dead: no route" in result.stderr


def test_clusters_that_cannot_be_opened_do_not_keep_the_others_back() -> None:
    no = Forbidden("no credentials")
    dead = Dead(Unreachable("no route"))
    run = Clusters({"shut": no, "dead": dead, "east": healthy("a")})
    result = run("fleet", "-w", "--all-contexts", "-o", "jsonl")
    assert result.exit_code == ExitCode.FAILED
    last = json.loads(result.stdout.splitlines()[-1])
    assert [each["name"] for each in last["clusters"]["items"]] == ["east"]
    assert "shut: no credentials" in result.stderr
    assert "dead: no route" in result.stderr
    assert Clusters({"a": no, "b": no})("fleet", "-w", "--all-contexts").exit_code == no.exit_code


class Kept:
    """Meets Snapshots: a list that was read a minute ago."""

    def __init__(self, *items: dict[str, Any]) -> None:
        entries = tuple(entry(msgspec.convert(item, Rollout)) for item in items)
        self.snapshot = Snapshot("the-cluster", "1", NOW - timedelta(minutes=1), entries)

    def load(self, _cluster: Cluster, _namespace: str | None) -> Snapshot | None:
        return self.snapshot

    def save(self, *_: Any) -> None:
        raise AssertionError("what is followed is not kept")


def test_following_goes_on_from_a_kept_list() -> None:
    gone, new = rollout("gone"), rollout("new", phase="Degraded")
    changes = {"rollouts": [("DELETED", gone), ("ADDED", new)]}
    cluster = FakeCluster({"rollouts": [rollout("not read again")]}, later=changes)
    kept = Kept(rollout("web"), gone)
    seen = Following([Member("", cluster, None, kept)], Tally(), now=lambda: NOW)
    assert list(seen)
    counts = seen.tally.summary(NOW).counts
    assert (counts.total, counts.healthy, counts.degraded) == (2, 1, 1)


def test_a_cluster_that_fails_after_its_kept_list_is_not_counted() -> None:
    cluster = FakeCluster({}, later={"rollouts": [Unreachable("gone")]})
    members = [
        Member("east", cluster, None, Kept(rollout("web"))),
        Member("west", healthy("a"), None),
    ]
    seen = Following(members, Tally(clusters=["east", "west"]), now=lambda: NOW)
    assert list(seen)
    assert seen.tally.summary(NOW).counts.total == 1
