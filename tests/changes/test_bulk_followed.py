"""--wait for several: one watch for each scope, one deadline, each end by the same rules."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from rolloutctl.actions import promotion, waiting_many
from rolloutctl.actions.promotion import Intent
from rolloutctl.actions.waiting_many import follow_all
from rolloutctl.domain.cluster import WatchEvent
from rolloutctl.domain.decision import Action, Decision
from rolloutctl.domain.endings import End
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Happened, What
from rolloutctl.errors import Forbidden
from support.changing_cluster import following
from support.fleet_cluster import Fleet, fleet, paused
from support.program import Program

PROMOTE = Intent(Action.PROMOTE)
Object = dict[str, Any]


def renamed(item: Mapping[str, Any], like: Mapping[str, Any]) -> Object:
    """A recorded state as one of another rollout."""
    own = copy.deepcopy(dict(item))
    keys = ("name", "namespace", "uid", "labels")
    own["metadata"].update({key: like["metadata"][key] for key in keys})
    return own


def story(cluster: Fleet, name: str) -> list[tuple[str, Object]]:
    """What a real controller did after that promotion, as if with this rollout."""
    like = cluster.rollout_of(name)
    return [(kind, renamed(item, like)) for kind, item in following("canary-pause-promote", paused)]


def sent(cluster: Fleet, refs: Sequence[Ref]) -> list[Decision]:
    return [
        promotion.carry_out(cluster, promotion.plan(cluster, ref, PROMOTE), PROMOTE) for ref in refs
    ]


def refs(*names: str) -> list[Ref]:
    return [Ref("shop", name) for name in names]


def watches(cluster: Fleet) -> list[Any]:
    return [request for request in cluster.requests if request.verb == "watch"]


def test_all_are_followed_on_one_watch() -> None:
    cluster = fleet("one", "two", "other")
    decisions = sent(cluster, refs("one", "two"))
    first, second = story(cluster, "one"), story(cluster, "two")
    mixed = [event for pair in zip(first, second, strict=True) for event in pair]
    cluster.later["rollouts"] = [*mixed, "hang"]
    told: list[Happened] = []
    ends = list(follow_all(cluster, decisions, timeout=30, report=told.append))
    assert [end.ref.name for end in ends] == ["one", "two"]
    assert [end.followed.ending.end for end in ends if end.followed] == [End.HEALTHY] * 2
    assert [request.namespace for request in watches(cluster)] == ["shop"]
    assert {event.ref.name for event in told} == {"one", "two"}


def test_one_that_ends_early_is_told_before_the_others() -> None:
    cluster = fleet("one", "two", "three")
    decisions = sent(cluster, refs("one", "two", "three"))
    gone = cluster.rollout_of("two")
    cluster.later["rollouts"] = [("DELETED", gone), *story(cluster, "three"), "hang"]
    ends = list(follow_all(cluster, decisions, timeout=0.3))
    found = [(end.ref.name, end.followed.ending.end) for end in ends if end.followed]
    assert found == [
        ("two", End.DELETED),
        ("three", End.HEALTHY),
        ("one", End.TIMED_OUT),
    ]


def test_what_is_gone_before_the_watch_began_is_noticed() -> None:
    cluster = fleet("one", "two")
    decisions = sent(cluster, refs("one", "two"))
    cluster.objects["rollouts"].remove(cluster.rollout_of("one"))
    cluster.later["rollouts"] = [*story(cluster, "two"), "hang"]
    ends = {end.ref.name: end.followed for end in follow_all(cluster, decisions, timeout=30)}
    assert ends["one"] is not None and ends["one"].ending.end is End.DELETED
    assert ends["two"] is not None and ends["two"].ending.end is End.HEALTHY


def test_each_namespace_has_its_watch_and_one_that_fails_hurts_no_other() -> None:
    cluster = fleet("mall/one", "shop/two")
    decisions = sent(cluster, [Ref("mall", "one"), Ref("shop", "two")])
    ours = story(cluster, "two")
    watch = cluster.watch

    def per_scope(kind: Any, namespace: str | None, *given: Any, **more: Any) -> Any:
        cluster.later["rollouts"] = [*ours, "hang"]
        if namespace == "mall":
            raise Forbidden("not allowed to watch rollouts in mall")
        return watch(kind, namespace, *given, **more)

    cluster.watch = per_scope  # type: ignore[method-assign]
    ends = {end.ref.name: end for end in follow_all(cluster, decisions, timeout=30)}
    assert isinstance(ends["one"].error, Forbidden)
    assert ends["two"].followed is not None
    assert ends["two"].followed.ending.end is End.HEALTHY


def test_of_many_namespaces_all_are_watched_at_once() -> None:
    names = [f"ns{number}/web-{number}" for number in range(waiting_many.MOST_WATCHES + 1)]
    cluster = fleet(*names, "elsewhere/other")
    decisions = sent(cluster, [Ref(*name.split("/")) for name in names])
    cluster.later["rollouts"] = [
        *(event for name in names for event in story(cluster, name.split("/")[1])),
        "hang",
    ]
    ends = list(follow_all(cluster, decisions, timeout=30))
    assert len(ends) == len(names)
    assert [request.namespace for request in watches(cluster)] == [None]


def test_a_dropped_connection_is_told_once_for_all() -> None:
    cluster = fleet("one", "two")
    decisions = sent(cluster, refs("one", "two"))
    cluster.later["rollouts"] = [WatchEvent("STALE", problem="dropped"), "hang"]
    told: list[Happened] = []
    list(follow_all(cluster, decisions, timeout=0.1, report=told.append))
    assert [event.what for event in told].count(What.STALE) == 1


def test_a_server_that_ends_the_watch_ends_no_rollout_well() -> None:
    cluster = fleet("one", "two")
    ends = list(follow_all(cluster, sent(cluster, refs("one", "two")), timeout=30))
    assert [end.error is not None for end in ends] == [True, True]


def test_an_abort_call_that_never_comes_is_waited_for_a_while() -> None:
    """The rules of one wait hold in many: `almost` counts once its grace is over."""
    cluster = fleet("one", "two")
    decisions = sent(cluster, refs("one", "two"))
    now = 0.0

    def clock() -> float:
        return now

    many = waiting_many._Many(cluster, decisions, None, clock, lambda happened: None)
    follower = many.pending[Ref("shop", "one")]
    follower.almost, follower.grace = follower.timed_out(), 15.0
    assert list(many._by_time()) == []
    assert many._limit() == 15.0
    now = 15.0
    (end,) = many._by_time()
    assert end.ref.name == "one"
    assert set(many.pending) == {Ref("shop", "two")}


# --- as a command -------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [("one", "two"), ("-l", "team=a", "--yes")])
def test_the_command_follows_all_and_says_how_each_ended(
    rolloutctl: Program, argv: tuple[str, ...]
) -> None:
    cluster = fleet("one", "two")
    rolloutctl.cluster = cluster
    cluster.later["rollouts"] = [*story(cluster, "two"), *story(cluster, "one"), "hang"]
    done = rolloutctl("promote", *argv, "--wait", "--timeout", "30")
    assert done.exit_code == 0, done.stderr
    ended = [text for text in done.stdout.splitlines() if "Healthy after" in text]
    assert [text.split(":")[0] for text in ended] == ["two", "one"]
    assert len(watches(cluster)) == 1


def test_a_batch_that_does_not_end_well_is_the_last(rolloutctl: Program) -> None:
    cluster = fleet("one", "two", "three")
    rolloutctl.cluster = cluster
    cluster.later["rollouts"] = ["hang"]
    argv = ("promote", "-l", "team=a", "--yes", "--wait", "--timeout", "0.2s", "--batch", "2")
    done = rolloutctl(*argv, "-o", "jsonl")
    assert done.exit_code != 0
    assert '"timed-out"' in done.stdout
    assert len(cluster.sent) == 2
    assert "this batch did not end well" in done.stderr
    assert "2 promoted, 2 of them did not end well, 1 not done" in done.stderr


def test_ctrl_c_while_waiting_accounts_for_the_batches_that_did_not_begin(
    rolloutctl: Program,
) -> None:
    cluster = fleet("one", "two", "three")
    rolloutctl.cluster = cluster
    cluster.later["rollouts"] = [KeyboardInterrupt()]
    argv = ("promote", "-l", "team=a", "--yes", "--wait", "--batch", "1")
    done = rolloutctl(*argv)
    assert done.exit_code == 130
    assert "stopped waiting; what was sent stays" in done.stderr
    assert "1 promoted, 2 not done" in done.stderr
    assert len(cluster.sent) == 1
