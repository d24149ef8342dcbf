"""Sending a change: conflicts, harmless changes in between, two patches, waiting to be observed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rolloutctl.actions import promotion
from rolloutctl.actions.promotion import HalfDone, Intent, Overtaken
from rolloutctl.domain.decision import Action, Decision, NeedsSkip, NothingToDo, NotObserved
from rolloutctl.domain.differences import Changed
from rolloutctl.domain.refs import Ref
from rolloutctl.errors import Conflict, ExitCode, Forbidden, NotFound, Timeout
from support.changing_cluster import ChangingCluster, cluster_at, following
from support.recorded import moment

Object = dict[str, Any]
REF = Ref("shop", "demo")
PROMOTE, FULL = Intent(Action.PROMOTE), Intent(Action.PROMOTE_FULL)
SKIP = Intent(Action.PROMOTE, skip_step=True)
ABORT, PAUSE = Intent(Action.ABORT), Intent(Action.PAUSE)


def paused(item: Any) -> bool:
    return bool(item.get("status", {}).get("pauseConditions"))


def running(item: Any) -> bool:
    records = item.get("status", {}).get("canary", {}).get("stepPluginStatuses") or []
    return any(record.get("phase") == "Running" for record in records)


def at_pause(*intrusions: Any, **settings: Any) -> ChangingCluster:
    return cluster_at(
        moment("canary-pause-promote", paused), intrusions=list(intrusions), **settings
    )


def run(cluster: ChangingCluster, intent: Intent) -> Decision:
    return promotion.carry_out(cluster, promotion.plan(cluster, REF, intent), intent)


# --- what comes in between ----------------------------------------------------------------------


def moved_on(item: Object) -> None:
    item["status"].pop("pauseConditions")
    item["status"].update(currentStepIndex=2, controllerPause=False)


def scaled(item: Object) -> None:
    item["spec"]["replicas"] = 9
    item["metadata"]["generation"] += 1
    item["status"]["observedGeneration"] = str(item["metadata"]["generation"])


def aborted(item: Object) -> None:
    item["status"].pop("pauseConditions", None)
    item["status"].update(
        abort=True, abortedAt="2026-11-22T23:00:00Z", currentStepIndex=0, phase="Degraded"
    )


def another_version(item: Object) -> None:
    scaled(item)
    item["spec"]["template"]["spec"]["containers"][0]["image"] = "demo:v3"
    item["status"].pop("pauseConditions", None)
    item["status"].update(currentPodHash="other", currentStepIndex=0)


def edited(item: Object) -> None:
    item["spec"]["template"]["spec"]["containers"][0]["image"] = "demo:v3"
    item["metadata"]["generation"] += 1


def promoted(item: Object) -> None:
    item["status"].pop("pauseConditions", None)
    item["status"].update(stableRS=item["status"]["currentPodHash"], currentStepIndex=4)


def made_anew(item: Object) -> None:
    item["metadata"]["uid"] = "another"


@pytest.mark.parametrize(
    ("intent", "intrusion", "what", "says"),
    [
        (PROMOTE, moved_on, Changed.MOVED, r"step 2 \(pause\) to step 3"),
        (PROMOTE, aborted, Changed.ABORTED, "it was aborted"),
        (PROMOTE, another_version, Changed.TEMPLATE, "another version"),
        (PROMOTE, promoted, Changed.PROMOTED, "fully promoted"),
        (FULL, aborted, Changed.ABORTED, "it was aborted"),
        (FULL, another_version, Changed.TEMPLATE, "another version"),
        (ABORT, another_version, Changed.TEMPLATE, "another version"),
        (ABORT, promoted, Changed.PROMOTED, "fully promoted"),
        (PAUSE, made_anew, Changed.RECREATED, "made anew"),
    ],
)
def test_a_conflict_says_what_changed_meanwhile_and_sends_nothing(
    intent: Intent, intrusion: Callable[[Object], None], what: Changed, says: str
) -> None:
    cluster = at_pause(intrusion)
    with pytest.raises(Overtaken, match=says) as caught:
        run(cluster, intent)
    assert caught.value.exit_code is ExitCode.CONFLICT
    assert what in {entry.what for entry in caught.value.differences}
    assert "rolloutctl get demo -n shop" in caught.value.hint
    assert cluster.sent == []


@pytest.mark.parametrize(
    ("intent", "intrusion"),
    [
        (PROMOTE, scaled),
        (FULL, scaled),
        (FULL, moved_on),
        (ABORT, scaled),
        (ABORT, moved_on),
        (PAUSE, moved_on),
    ],
)
def test_what_leaves_the_intention_as_it_is_does_not_get_in_its_way(
    intent: Intent, intrusion: Callable[[Object], None]
) -> None:
    cluster = at_pause(intrusion)
    run(cluster, intent)
    assert len(cluster.sent) == 1


def test_promoting_twice_at_once_moves_one_step() -> None:
    def other(item: Object) -> None:
        item["status"].pop("pauseConditions")

    cluster = at_pause(other)
    with pytest.raises(Overtaken, match="was lifted"):
        run(cluster, PROMOTE)
    assert cluster.rollout["status"]["currentStepIndex"] == 1


def test_aborting_what_somebody_else_aborted_meanwhile_is_nothing_to_do() -> None:
    with pytest.raises(NothingToDo):
        run(at_pause(aborted), ABORT)


def test_a_server_that_keeps_refusing_is_not_asked_for_ever() -> None:
    refusal = Conflict("the server rejected our request")
    cluster = at_pause(*[refusal] * 50)
    with pytest.raises(Conflict, match="refused the change"):
        run(cluster, PROMOTE)
    assert len(cluster.intrusions) == 50 - promotion.ATTEMPTS


def test_a_template_changed_between_looking_and_sending_is_noticed() -> None:
    """The controller has not seen it yet, so the pod hash is the old one: a promotion is lost."""
    cluster = at_pause(edited)
    after = copy.deepcopy(cluster.rollout)
    another_version(after)

    class Observed(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            cluster.objects["rollouts"] = [after]
            yield ("MODIFIED", after)

    cluster.later["rollouts"] = Observed()
    with pytest.raises(Overtaken, match="another version"):
        run(cluster, PROMOTE)
    assert cluster.sent == []


# --- two patches --------------------------------------------------------------------------------


def both(*intrusions: Any) -> ChangingCluster:
    found = moment("canary-pause-promote", paused)
    found.objects["rollouts"][0]["spec"]["paused"] = True
    return cluster_at(found, intrusions=list(intrusions))


def test_the_status_is_sent_before_the_spec() -> None:
    cluster = both()
    run(cluster, SKIP)
    assert [change.subresource for change in cluster.sent] == ["status", ""]
    assert "pauseConditions" not in cluster.rollout["status"]
    assert cluster.rollout["spec"]["paused"] is False


def test_a_hold_lifted_by_somebody_else_between_the_two_is_fine() -> None:
    def resumed(item: Object) -> None:
        item["spec"]["paused"] = False

    cluster = both(None, resumed)
    run(cluster, SKIP)
    assert cluster.rollout["spec"]["paused"] is False


def test_a_second_patch_that_fails_is_told_as_half_done() -> None:
    cluster = both(None, Forbidden("not allowed to patch rollouts", hint="ask for it"))
    with pytest.raises(HalfDone, match=r"half done.*not allowed") as caught:
        run(cluster, SKIP)
    assert caught.value.exit_code is ExitCode.CLUSTER
    assert "resume" in caught.value.hint


# --- waiting until the controller has seen the template ------------------------------------------


def new_image(item: Any) -> bool:
    image: str = item["spec"]["template"]["spec"]["containers"][0]["image"]
    return image.endswith(":v2")


class Reconciling(ChangingCluster):
    """Plays what a recording has next, one state for each event of a watch."""

    def watch(self, *args: Any, **settings: Any) -> Any:
        for event in super().watch(*args, **settings):
            if event.object is not None and event.type == "MODIFIED":
                self.objects["rollouts"] = [self.states.pop(0)]
            yield event

    states: list[Object]


def reconciling(name: str) -> Reconciling:
    found = moment(name, new_image)
    cluster = Reconciling(found.objects, namespace="shop")
    states = following(name, new_image)
    for _, item in states:
        item["metadata"]["namespace"] = "shop"
    cluster.states = [item for _, item in states]
    cluster.later["rollouts"] = states
    return cluster


def test_it_waits_until_the_new_template_was_observed() -> None:
    cluster = reconciling("plugin-promote-full-terminates")
    told: list[NotObserved] = []
    decision = promotion.plan(cluster, REF, FULL, waiting=told.append)
    assert len(told) == 1
    assert decision.seen.rollout.status.observed_generation == "4"
    assert decision.seen.rollout.status.current_pod_hash == "b6bcc645c"


def test_what_is_decided_after_the_wait_is_decided_anew() -> None:
    with pytest.raises(NeedsSkip):
        promotion.plan(reconciling("plugin-promote-full-terminates"), REF, PROMOTE)


def test_a_controller_that_never_looks_is_not_waited_for_for_ever() -> None:
    cluster = cluster_at(moment("canary-pause-promote", new_image))
    with pytest.raises(Timeout, match="newest spec, also not after 7 s"):
        promotion.plan(cluster, REF, ABORT, timeout=7)
    assert cluster.sent == []


def test_a_rollout_deleted_while_it_waits_is_not_found() -> None:
    found = moment("canary-pause-promote", new_image)
    item = found.objects["rollouts"][0]
    cluster = cluster_at(found, later={"rollouts": [("DELETED", item)]})
    with pytest.raises(NotFound):
        promotion.plan(cluster, REF, ABORT)


def test_an_unknown_name_is_told_with_near_ones() -> None:
    with pytest.raises(NotFound) as caught:
        promotion.plan(at_pause(), Ref("shop", "demmo"), PROMOTE)
    assert "demo" in caught.value.hint
