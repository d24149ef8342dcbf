"""Blue-green: two full sets of pods, and a Service that moves from one to the other."""

from __future__ import annotations

from typing import Any

import pytest

from support.bluegreen import HASH, BlueGreen
from support.controlled import PLACE


def test_by_itself_the_new_version_goes_live_when_it_is_complete() -> None:
    story = BlueGreen()
    assert story.live == story.selected("preview") == 1
    story.image("demo:v2")
    assert story.live == story.selected("preview") == 2
    assert story.phase == ("Healthy", "")
    assert story.sizes == {1: 2, 2: 2}
    assert story.deadlines == {1}
    story.wait(31)
    assert story.sizes == {2: 2}
    assert story.deadlines == set()
    assert story.events("RolloutCompleted")[-1].endswith(": Completed blue-green update")


def test_a_person_promotes_what_waits_in_the_preview() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    story.wait(600)
    assert story.phase == ("Paused", "BlueGreenPause")
    assert (story.live, story.selected("preview")) == (1, 2)
    assert story.status["blueGreen"]["activeSelector"] == story.status["stableRS"]
    story.promote()
    assert (story.live, story.phase) == (2, ("Healthy", ""))
    assert story.status["duration"]["completionStatus"] == "Promoted"
    assert "manualPauseStartedAt" not in story.status["duration"]
    assert story.status["duration"]["totalManualPauseDurationSeconds"] == 600


def test_seconds_are_ignored_where_nothing_is_promoted_by_itself() -> None:
    story = BlueGreen(autoPromotionEnabled=False, autoPromotionSeconds=5)
    story.image("demo:v2")
    story.wait(60)
    assert story.phase == ("Paused", "BlueGreenPause")


def test_a_countdown_promotes_and_clearing_the_pause_starts_it_again() -> None:
    story = BlueGreen(autoPromotionSeconds=30)
    story.image("demo:v2")
    story.wait(20)
    story.promote()
    story.wait(20)
    assert story.live == 1, "the trap: the pause was added again with a new start"
    story.wait(11)
    assert (story.live, story.phase) == (2, ("Healthy", ""))


def test_a_full_promotion_does_not_wait() -> None:
    story = BlueGreen(autoPromotionSeconds=30)
    story.image("demo:v2")
    story.promote_full()
    assert (story.live, story.phase) == (2, ("Healthy", ""))
    assert story.events("RolloutCompleted")[-1].endswith(": Full promotion requested")
    assert "promoteFull" not in story.status


def test_a_preview_of_one_pod_grows_before_it_goes_live() -> None:
    story = BlueGreen(replicas=3, autoPromotionEnabled=False, previewReplicaCount=1)
    story.image("demo:v2")
    assert story.sizes == {1: 3, 2: 1}
    assert story.phase == ("Paused", "BlueGreenPause")
    story.promote()
    assert story.sizes == {1: 3, 2: 3}
    assert (story.live, story.phase) == (2, ("Healthy", ""))
    assert "scaleUpPreviewCheckPoint" not in story.status["blueGreen"]


def test_back_to_what_still_has_its_pods_is_immediate() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    story.promote()
    assert story.deadlines == {1}
    story.image("demo:v1")
    assert (story.live, story.phase) == (3, ("Healthy", ""))
    assert story.deadlines == {2}
    assert story.events("RolloutCompleted")[-1].endswith(": Fast rollback")


def test_back_to_the_live_version_drops_the_preview() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    story.image("demo:v1")
    assert (story.live, story.selected("preview")) == (3, 3)
    assert story.phase == ("Healthy", "")
    assert story.status["duration"]["completionStatus"] == "RolledBack"
    story.wait(31)
    assert story.sizes == {3: 2}


@pytest.mark.parametrize(("delay", "left"), [(None, {1: 2}), (0, {1: 2, 2: 2}), (60, {1: 2, 2: 2})])
def test_an_abort_before_the_switch_keeps_the_preview_for_a_while(
    delay: int | None, left: dict[int, int]
) -> None:
    more: dict[str, Any] = {} if delay is None else {"abortScaleDownDelaySeconds": delay}
    story = BlueGreen(autoPromotionEnabled=False, **more)
    story.image("demo:v2")
    story.abort()
    assert (story.live, story.selected("preview")) == (1, 2)
    assert story.phase[0] == "Degraded"
    assert story.sizes == {1: 2, 2: 2}
    story.wait(31)
    assert story.sizes == left
    story.wait(60)
    assert story.sizes == ({1: 2, 2: 2} if delay == 0 else {1: 2})


def test_a_retry_after_an_abort_pauses_again() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    story.abort()
    story.wait(31)
    story.retry()
    assert story.phase == ("Paused", "BlueGreenPause")
    assert story.sizes == {1: 2, 2: 2}
    assert story.deadlines == set()


def test_no_delay_means_that_old_pods_stay() -> None:
    """The trap of sections 4 and 7."""
    story = BlueGreen(scaleDownDelaySeconds=0)
    story.image("demo:v2")
    story.wait(3600)
    assert story.sizes == {1: 2, 2: 2}
    assert story.deadlines == set()


def test_only_so_many_old_versions_keep_their_pods() -> None:
    story = BlueGreen(scaleDownDelaySeconds=600, scaleDownDelayRevisionLimit=1)
    for tag in ("v2", "v3", "v4"):
        story.image(f"demo:{tag}")
        story.wait(1)
    assert story.sizes == {3: 2, 4: 2}


def test_while_a_person_holds_it_no_service_moves() -> None:
    story = BlueGreen()
    story.patch({"spec": {"paused": True}})
    story.image("demo:v2")
    story.wait(60)
    assert (story.live, story.selected("preview")) == (1, 1)
    assert story.phase == ("Paused", "manually paused")
    story.patch({"spec": {"paused": False}})
    assert (story.live, story.phase) == (2, ("Healthy", ""))


def test_held_by_a_person_it_is_still_resized() -> None:
    """Otherwise than a canary."""
    story = BlueGreen()
    story.patch({"spec": {"paused": True}})
    story.patch({"spec": {"replicas": 4}})
    assert story.sizes == {1: 4}


def test_counts_are_those_of_the_live_version() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    status = story.status
    assert (status["replicas"], status["updatedReplicas"], status["readyReplicas"]) == (4, 2, 2)
    assert status["HPAReplicas"] == status["availableReplicas"] == 2
    assert status["selector"] == f"app=demo,{HASH}={status['stableRS']}"


def test_pods_that_do_not_start_keep_the_old_version_live() -> None:
    story = BlueGreen(spec={"progressDeadlineSeconds": 60})
    story.image("demo:bad")
    assert story.phase == ("Progressing", "more replicas need to be updated") or story.live == 1
    story.wait(120)
    assert story.live == 1
    assert story.phase[0] == "Degraded"
    assert story.condition("Available") == ("True", "AvailableReason")


def test_an_unmet_deadline_may_abort() -> None:
    story = BlueGreen(spec={"progressDeadlineSeconds": 60, "progressDeadlineAbort": True})
    story.image("demo:bad")
    story.wait(120)
    assert story.status["abort"] is True
    assert story.phase[1].startswith("RolloutAborted: ")
    assert story.live == 1


def test_a_service_no_longer_named_is_let_go() -> None:
    story = BlueGreen()
    story.strategy(previewService="other")
    assert story.selected("other") == 1
    assert story.selected("preview") == 0
    annotations = story.client.get("services", "preview", PLACE)["metadata"].get("annotations")
    assert not annotations


def test_metadata_follows_the_roles() -> None:
    story = BlueGreen(
        autoPromotionEnabled=False,
        activeMetadata={"labels": {"role": "active"}},
        previewMetadata={"labels": {"role": "preview"}},
    )
    story.image("demo:v2")
    roles = {
        pod["spec"]["containers"][0]["image"]: pod["metadata"]["labels"]["role"]
        for pod in story.pods
    }
    assert roles == {"demo:v1": "active", "demo:v2": "preview"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"previewService": "active"},
            'spec.strategy.activeService: Invalid value: "active": This rollout uses the same '
            "service for the active and preview services, but two different services are required.",
        ),
        (
            {"activeService": "nowhere"},
            'spec.strategy.blueGreen.activeService: Invalid value: "nowhere": '
            'service "nowhere" not found',
        ),
        (
            {"scaleDownDelayRevisionLimit": 11},
            "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 11: This rollout's revision "
            "history limit can not be smaller than the rollout's scale down limit",
        ),
    ],
)
def test_what_is_invalid(changes: dict[str, Any], said: str) -> None:
    story = BlueGreen()
    story.strategy(**changes)
    assert story.phase == ("Degraded", f'InvalidSpec: The Rollout "demo" is invalid: {said}')


def test_anti_affinity_is_left_out_with_a_word() -> None:
    affinity: dict[str, Any] = {"requiredDuringSchedulingIgnoredDuringExecution": {}}
    story = BlueGreen(antiAffinity=affinity)
    assert [line for line in story.log if "not simulated: antiAffinity" in line]


def test_from_canary_to_blue_green_and_back() -> None:
    story = BlueGreen()
    story.patch({"spec": {"strategy": {"blueGreen": None, "canary": {"steps": [{"pause": {}}]}}}})
    story.image("demo:v2")
    assert story.phase == ("Paused", "CanaryPauseStep")
    strategy = {"canary": None, "blueGreen": {"activeService": "active"}}
    story.patch({"spec": {"strategy": strategy}})
    story.wait(31)
    assert story.live == 2
    assert story.phase == ("Healthy", "")
    assert "currentStepIndex" not in story.status
