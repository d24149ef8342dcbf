"""--wait: following a change to its end, through what a real controller did next."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from itertools import dropwhile
from typing import Any

import pytest

from rolloutctl.actions import promotion, waiting
from rolloutctl.actions.promotion import Intent
from rolloutctl.domain.cluster import WatchEvent
from rolloutctl.domain.decision import Action
from rolloutctl.domain.endings import End
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Followed, Happened, What
from rolloutctl.domain.status import Awaiting
from rolloutctl.errors import ClusterError
from support.changing_cluster import ChangingCluster, cluster_at, following
from support.recorded import moment

REF = Ref("shop", "demo")
When = Callable[[Mapping[str, Any]], bool]


def paused(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("pauseConditions"))


def records(item: Mapping[str, Any], phase: str) -> bool:
    found = item.get("status", {}).get("canary", {}).get("stepPluginStatuses") or []
    return any(record.get("phase") == phase for record in found)


def running(item: Mapping[str, Any]) -> bool:
    return records(item, "Running")


def aborted(item: Mapping[str, Any]) -> bool:
    return bool(item.get("status", {}).get("abortedAt"))


class Story:
    """A recording from `when` on: the change is sent there, then what came next is watched."""

    def __init__(self, name: str, when: When, intent: Intent, *, until: int | None = None) -> None:
        self.cluster: ChangingCluster = cluster_at(moment(name, when))
        after = following(name, when)[:until]
        if intent.action is Action.ABORT:  # ours comes before the controller's writes until then
            after = list(dropwhile(lambda event: not event[1]["status"].get("abort"), after))
        self.cluster.later["rollouts"] = after
        self.intent = intent
        self.told: list[Happened] = []

    def followed(self, **settings: Any) -> Followed:
        decision = promotion.plan(self.cluster, REF, self.intent)
        sent = promotion.carry_out(self.cluster, decision, self.intent)
        settings.setdefault("timeout", 60)
        return waiting.follow(self.cluster, sent, report=self.told.append, **settings)

    def said(self, what: What) -> list[Happened]:
        return [event for event in self.told if event.what is what]


FULL = Intent(Action.PROMOTE_FULL)


def test_a_full_promotion_ends_healthy_with_its_terminate_outcome() -> None:
    story = Story("plugin-promote-full-terminates", running, FULL)
    followed = story.followed()
    assert followed.ending.end is End.HEALTHY
    (run,) = followed.terminated
    assert (run.index, run.name) == (1, "step/e2e-test")
    assert run.terminate is not None and run.terminate.phase == "Successful"
    assert followed.ending.uncalled == ()
    assert len(story.said(What.TERMINATE_CALL)) == 1


def test_a_terminate_that_did_not_go_well_is_reported_too() -> None:
    followed = Story("plugin-terminate-returns-failed", running, FULL).followed()
    assert followed.ending.end is End.HEALTHY
    assert [run.terminate.phase for run in followed.terminated if run.terminate] == ["Failed"]


def test_an_abort_reports_its_calls_in_the_controllers_order() -> None:
    followed = Story("plugin-running-abort", running, Intent(Action.ABORT)).followed()
    assert followed.ending.end is End.ABORTED
    assert [run.index for run in followed.aborted] == [2, 0]
    assert followed.ending.uncalled == ()


def test_a_promotion_ends_where_a_person_is_needed_or_healthy() -> None:
    story = Story("canary-pause-promote", paused, Intent(Action.PROMOTE))
    followed = story.followed()
    # The pause after this one is timed: nobody is needed, so it is waited out.
    assert followed.ending.end is End.HEALTHY
    assert [event.now.index for event in story.said(What.STEP) if event.now] == [2, 3, 4]


def test_a_later_pause_that_needs_a_person_ends_the_wait() -> None:
    story = Story("canary-pause-promote", paused, Intent(Action.PROMOTE))
    for _, item in story.cluster.later["rollouts"]:
        item["spec"]["strategy"]["canary"]["steps"][3] = {"pause": {}}
    stored = story.cluster.rollout
    stored["spec"]["strategy"]["canary"]["steps"][3] = {"pause": {}}
    followed = story.followed()
    assert followed.ending.end is End.WAITING
    assert followed.ending.awaiting is Awaiting.PROMOTION
    assert followed.ending.now.index == 3


def asked(item: Mapping[str, Any]) -> bool:
    """The moment the recorded person acted: paused, in the middle of an update."""
    status = item.get("status", {})
    return paused(item) and status.get("stableRS") != status.get("currentPodHash")


@pytest.mark.parametrize(
    ("name", "action", "end"),
    [
        ("bluegreen-promote", Action.PROMOTE, End.HEALTHY),
        ("bluegreen-preview-replicas", Action.PROMOTE, End.HEALTHY),
        ("canary-pause-full", Action.PROMOTE_FULL, End.HEALTHY),
        ("istio-full", Action.PROMOTE_FULL, End.HEALTHY),
        ("istio-abort", Action.ABORT, End.ABORTED),
        ("canary-pause-abort-fix", Action.ABORT, End.ABORTED),
    ],
)
def test_what_a_recorded_person_did_is_followed_to_its_recorded_end(
    name: str, action: Action, end: End
) -> None:
    assert Story(name, asked, Intent(action)).followed().ending.end is end


def test_a_retry_is_not_ended_by_the_old_degraded_state() -> None:
    followed = Story("plugin-abort-retry", aborted, Intent(Action.RETRY)).followed()
    assert followed.ending.end is not End.DEGRADED
    assert followed.ending.end is not End.ABORTED


def test_shipping_an_aborted_version_ends_healthy() -> None:
    intent = Intent(Action.PROMOTE_FULL, force=True)
    followed = Story("plugin-full-after-abort", aborted, intent).followed()
    assert followed.ending.end is End.HEALTHY


def test_an_update_that_aborts_itself_ends_the_wait() -> None:
    """The recorded plugin fails, and the controller aborts."""

    def first_step(item: Mapping[str, Any]) -> bool:
        status = item.get("status", {})
        return bool(status.get("stableRS")) and status["currentPodHash"] != status["stableRS"]

    intent = Intent(Action.PROMOTE, skip_step=True)
    followed = Story("plugin-failed-aborts", first_step, intent).followed()
    assert followed.ending.end is End.ABORTED
    assert "Step Plugin" in followed.ending.now.message


def test_a_cache_that_lags_behind_the_patch_is_not_believed() -> None:
    story = Story("plugin-running-abort", running, Intent(Action.ABORT))
    stale = copy.deepcopy(story.cluster.rollout)
    story.cluster.later["rollouts"] = [("MODIFIED", stale), *story.cluster.later["rollouts"]]
    assert story.followed().ending.end is End.ABORTED


def test_time_runs_out_where_nothing_moves() -> None:
    followed = Story("canary-pause-promote", paused, Intent(Action.PROMOTE), until=0).followed()
    assert followed.ending.end is End.TIMED_OUT


def test_another_version_ends_the_wait() -> None:
    story = Story("canary-pause-promote", paused, Intent(Action.PROMOTE), until=1)
    other = copy.deepcopy(story.cluster.later["rollouts"][0][1])
    other["status"]["currentPodHash"] = "other"
    story.cluster.later["rollouts"] = [("MODIFIED", other)]
    assert story.followed().ending.end is End.SUPERSEDED


def test_a_rollout_that_is_deleted_ends_the_wait() -> None:
    story = Story("canary-pause-promote", paused, Intent(Action.PROMOTE), until=1)
    story.cluster.later["rollouts"] = [("DELETED", story.cluster.rollout)]
    assert story.followed().ending.end is End.DELETED


def test_a_rollout_gone_before_the_watch_began_is_noticed() -> None:
    story = Story("canary-pause-promote", paused, Intent(Action.PROMOTE))
    decision = promotion.plan(story.cluster, REF, story.intent)
    story.cluster.objects["rollouts"] = []
    story.cluster.later["rollouts"] = []
    followed = waiting.follow(story.cluster, decision, timeout=5)
    assert followed.ending.end is End.DELETED


def test_a_dropped_connection_is_told_and_survived() -> None:
    story = Story("plugin-promote-full-terminates", running, FULL)
    story.cluster.later["rollouts"] = [WatchEvent("STALE"), *story.cluster.later["rollouts"]]
    assert story.followed().ending.end is End.HEALTHY
    assert len(story.said(What.STALE)) == 1


def test_a_watch_that_ends_without_a_limit_is_an_error_and_no_endless_loop() -> None:
    story = Story("canary-pause-promote", paused, Intent(Action.PROMOTE), until=0)
    with pytest.raises(ClusterError, match="ended the watch"):
        story.followed(timeout=None)


class Ticking(ChangingCluster):
    """A clock that a watch with a limit moves to its end."""

    time = 0.0

    def clock(self) -> float:
        return self.time

    def watch(self, *args: Any, **settings: Any) -> Iterator[WatchEvent]:
        yield from super().watch(*args, **settings)
        limit = settings.get("timeout")
        if limit is not None:
            self.time += limit


def test_an_abort_call_that_never_comes_is_waited_for_a_while_and_named() -> None:
    """A plugin that was disabled meanwhile is never asked to abort."""
    found = moment("plugin-running-abort", running)
    cluster = Ticking(found.objects, namespace="shop")
    intent = Intent(Action.ABORT)
    sent = promotion.carry_out(cluster, promotion.plan(cluster, REF, intent), intent)
    events = following("plugin-running-abort", running)
    for _, item in events:
        kept = item["status"]["canary"]["stepPluginStatuses"]
        item["status"]["canary"]["stepPluginStatuses"] = [
            record for record in kept if (record["index"], record["operation"]) != (0, "Abort")
        ]
    cluster.objects["rollouts"] = [events[-1][1]]
    cluster.rollout["metadata"]["namespace"] = "shop"
    followed = waiting.follow(cluster, sent, timeout=None, clock=cluster.clock)
    assert followed.ending.end is End.ABORTED
    assert [run.index for run in followed.ending.uncalled] == [0]
    assert [run.index for run in followed.aborted] == [2]
    assert cluster.time == waiting.GRACE


def test_a_hold_is_waited_for_until_the_controller_has_seen_it() -> None:
    def before(item: Mapping[str, Any]) -> bool:
        return running(item)

    story = Story("plugin-paused-by-user", before, Intent(Action.PAUSE))
    followed = story.followed()
    assert followed.ending.end is End.HELD
    assert followed.ending.now.message == "manually paused"
