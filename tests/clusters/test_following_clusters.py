"""`list -w` of several clusters."""

from __future__ import annotations

import json
from typing import Any

from rolloutctl.domain.cluster import WatchEvent
from rolloutctl.errors import ExitCode, Unreachable
from support.clusters import Clusters, Dead, rollout
from support.fake_cluster import HANG, FakeCluster

DEAD = Unreachable("https://10.0.0.1 does not answer")


def changing(*later: Any) -> FakeCluster:
    return FakeCluster({"rollouts": [rollout("checkout")]}, later={"rollouts": later})


def degraded() -> tuple[str, dict[str, Any]]:
    return ("MODIFIED", rollout("checkout", phase="Degraded"))


def test_changes_say_which_cluster_they_are_of() -> None:
    many = Clusters({"a": changing(), "b": changing(degraded())})
    result = many("list", "-w", "--all-contexts", "-o", "jsonl")
    assert result.exit_code == ExitCode.OK
    found = [json.loads(line) for line in result.stdout.splitlines()]
    of_b = [each for each in found if each["row"]["cluster"] == "b"]
    assert [each["row"]["rollout"]["phase"] for each in of_b] == ["Healthy", "Degraded"]
    assert len(found) == 3


def test_lines_name_the_cluster() -> None:
    result = Clusters({"a": changing(), "b": changing(degraded())})("list", "-w", "--all-contexts")
    said = sorted(line.split()[1:4] for line in result.stdout.splitlines())
    assert said == [
        ["a", "shop/checkout", "Healthy"],
        ["b", "shop/checkout", "Degraded"],
        ["b", "shop/checkout", "Healthy"],
    ]


def test_one_of_several_that_dies_is_told_and_the_others_go_on() -> None:
    gone = Dead(DEAD)
    lost = changing(WatchEvent("STALE", problem="reset"), Unreachable("the token is over"))
    many = Clusters({"gone": gone, "lost": lost, "live": changing(degraded())})
    result = many("list", "-w", "--all-contexts", "-o", "jsonl")
    phases = [
        each["row"]["rollout"]["phase"]
        for each in map(json.loads, result.stdout.splitlines())
        if each["row"]["cluster"] == "live"
    ]
    assert phases == ["Healthy", "Degraded"]
    assert "gone: https://10.0.0.1 does not answer" in result.stderr
    assert "the connection dropped (lost: reset)" in result.stderr
    assert "lost: the token is over" in result.stderr
    assert result.exit_code == ExitCode.OK


def test_all_of_several_die() -> None:
    result = Clusters({"a": Dead(DEAD), "b": Dead(DEAD)})("list", "-w", "--all-contexts")
    assert result.exit_code == ExitCode.CLUSTER
    assert result.stdout == ""
    assert "a: https://10.0.0.1" in result.stderr
    assert "b: https://10.0.0.1" in result.stderr


def test_the_table_has_rows_of_all_and_what_failed_above() -> None:
    many = Clusters({"gone": Dead(DEAD), "a": changing(degraded()), "b": changing()}, terminal=True)
    result = many("list", "-w", "--all-contexts", "--no-color")
    picture = result.stdout[result.stdout.rindex("gone: ") :].splitlines()
    rows = [line.split()[:4] for line in picture[1:]]
    assert rows[:3] == [
        ["CLUSTER", "NAMESPACE", "NAME", "STATUS"],
        ["a", "shop", "checkout", "Degraded"],
        ["b", "shop", "checkout", "Healthy"],
    ]


def test_the_time_is_up_for_all() -> None:
    many = Clusters({"a": changing(HANG), "b": changing(HANG)})
    result = many("list", "-w", "--all-contexts", "--timeout", "50ms", "-o", "jsonl")
    assert result.exit_code == ExitCode.TIMEOUT
    assert "stopped watching after 0.05 s" in result.stderr
