"""What surprises about blue-green, and what must not happen: no version goes live unasked."""

from __future__ import annotations

from typing import Any

import pytest

from support.analysed import named, runs, said, template
from support.bluegreen import BlueGreen, service
from support.controlled import PLACE
from support.metrics import scripted

Obj = dict[str, Any]

GOOD = scripted(1, count=1)
BAD = scripted(0, count=1)
HALF = scripted(0.5, count=1, successCondition="result > 0.9", failureCondition="result < 0.1")
"""Neither good nor bad."""
LONG = scripted(*[1] * 60, count=60, interval="1s")


def analysed(metric: Obj, **strategy: Any) -> BlueGreen:
    """With the template `check` of one metric."""
    return BlueGreen(objects=[template("check", metric)], **strategy)


def lose_a_pod(story: BlueGreen, image: str) -> None:
    """One pod of a version goes, and its successor takes its time."""
    pod = next(
        each
        for each in story.pods
        if each["spec"]["containers"][0]["image"] == image
        and "deletionTimestamp" not in each["metadata"]
    )
    story.client.delete("pods", pod["metadata"]["name"], PLACE)
    story.cluster.settle()


def reasons(story: BlueGreen) -> list[str]:
    return [each["reason"] for each in story.status.get("pauseConditions", [])]


def test_a_retry_is_no_rollback_though_the_pods_are_still_there() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    story.abort()
    assert story.deadlines == {2}
    story.retry()
    assert (story.live, story.phase) == (1, ("Paused", "BlueGreenPause"))
    assert story.deadlines == set()


def test_a_retry_is_no_rollback_where_the_version_is_an_older_one_either() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    story.promote()
    story.wait(31)
    story.image("demo:v1")
    story.abort()
    story.retry()
    assert (story.live, story.phase) == (2, ("Paused", "BlueGreenPause"))


def test_a_retry_analyses_again_though_the_pods_are_still_there() -> None:
    story = analysed(BAD, prePromotionAnalysis=named("check"))
    story.image("demo:v2")
    story.retry()
    assert story.live == 1
    assert said(story) == {"demo-2-pre": "Failed", "demo-2-pre.1": "Failed"}


def test_back_to_a_preview_that_never_was_live_is_no_rollback() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    story.image("demo:v3")
    assert story.deadlines == {2}
    story.image("demo:v2")
    assert (story.live, story.phase) == (1, ("Paused", "BlueGreenPause"))
    assert story.deadlines == {3}


def test_back_to_what_has_no_pods_any_more_is_an_update() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    story.promote()
    story.wait(31)
    story.image("demo:v1")
    assert (story.live, story.phase) == (2, ("Paused", "BlueGreenPause"))


def test_a_fast_rollback_waits_for_a_lost_pod_and_then_is_one() -> None:
    story = BlueGreen(autoPromotionEnabled=False, pod_ready_delay=5, scaleDownDelaySeconds=60)
    story.image("demo:v2")
    story.wait(6)
    story.promote()
    lose_a_pod(story, "demo:v1")
    story.image("demo:v1")
    assert (story.live, story.deadlines) == (2, {3})
    story.wait(6)
    assert (story.live, story.phase) == (3, ("Healthy", ""))
    assert story.deadlines == {2}


def test_back_to_stable_after_the_switch_waits_for_nobody() -> None:
    story = analysed(
        LONG,
        autoPromotionEnabled=False,
        previewReplicaCount=1,
        prePromotionAnalysis=named("check"),
        postPromotionAnalysis=named("check"),
    )
    story.image("demo:v2")
    story.wait(61)
    story.promote()
    assert (story.live, story.status["blueGreen"].get("scaleUpPreviewCheckPoint")) == (2, True)
    story.image("demo:v1")
    assert (story.live, story.phase) == (3, ("Healthy", ""))
    assert story.sizes == {2: 2, 3: 2}
    assert len(runs(story)) == 2
    story.wait(31)
    assert story.sizes == {3: 2}


def test_automatic_promotion_may_be_switched_on_during_the_pause() -> None:
    story = analysed(LONG, autoPromotionEnabled=False, postPromotionAnalysis=named("check"))
    story.image("demo:v2")
    assert reasons(story) == ["BlueGreenPause"]
    story.strategy(autoPromotionEnabled=True)
    assert (story.live, reasons(story)) == (2, [])
    assert story.phase == ("Progressing", "waiting for analysis to complete")


@pytest.mark.parametrize("role", ["pre", "post"])
def test_a_retry_does_not_take_the_old_result(role: str) -> None:
    """Also where the pods have gone meanwhile, and the new run has to wait for them."""
    key = f"{role}PromotionAnalysis"
    flaky = scripted(0, count=1)
    story = analysed(flaky, abortScaleDownDelaySeconds=5, **{key: named("check")})
    story.image("demo:v2")
    story.wait(10)
    assert story.sizes == {1: 2}
    assert story.phase[1].endswith("failed (1) > failureLimit (0)")
    healed = {"spec": {"metrics": [GOOD]}}
    story.client.patch("analysistemplates", "check", healed, PLACE)
    story.retry()
    story.wait(1)
    assert said(story) == {f"demo-2-{role}": "Failed", f"demo-2-{role}.1": "Successful"}
    assert (story.live, story.phase) == (2, ("Healthy", ""))


def test_an_abort_after_the_switch_needs_the_new_pods() -> None:
    """The trap: with fewer of them traffic stays where it is, and so do they."""
    story = analysed(HALF, postPromotionAnalysis=named("check"), pod_ready_delay=40)
    story.image("demo:v2")
    story.wait(41)
    assert story.phase == ("Paused", "InconclusiveAnalysisRun")
    lose_a_pod(story, "demo:v2")
    story.abort()
    assert (story.live, story.phase[0]) == (2, "Degraded")
    story.wait(35)
    assert (story.live, story.sizes) == (2, {1: 2, 2: 2})
    story.wait(10)
    assert story.live == 1
    story.wait(31)
    assert story.sizes == {1: 2}


def test_an_abort_while_a_person_holds_it_leaves_traffic_where_it_is() -> None:
    story = analysed(LONG, postPromotionAnalysis=named("check"))
    story.image("demo:v2")
    story.patch({"spec": {"paused": True}})
    story.abort()
    assert (story.live, story.phase[0]) == (2, "Degraded")
    story.wait(60)
    assert (story.live, story.sizes) == (2, {1: 2, 2: 2})
    story.patch({"spec": {"paused": False}})
    assert story.live == 1


def test_older_pods_wait_for_the_second_analysis_too() -> None:
    """Where no delay is given: nothing goes before it is Successful."""
    story = analysed(LONG, autoPromotionEnabled=False)
    story.image("demo:v2")
    story.promote()
    story.strategy(postPromotionAnalysis=named("check"))
    story.image("demo:v3")
    story.promote()
    story.wait(50)
    assert (story.live, story.sizes) == (3, {1: 2, 2: 2, 3: 2})
    story.wait(20)
    assert (story.phase, story.sizes) == (("Healthy", ""), {2: 2, 3: 2})


def test_with_a_delay_older_pods_go_when_it_is_over() -> None:
    story = analysed(LONG, autoPromotionEnabled=False, scaleDownDelaySeconds=30)
    story.image("demo:v2")
    story.promote()
    story.strategy(postPromotionAnalysis=named("check"))
    story.image("demo:v3")
    story.promote()
    story.wait(50)
    assert story.sizes == {2: 2, 3: 2}


@pytest.mark.parametrize("role", ["pre", "post"])
def test_what_is_not_clear_waits_for_a_person(role: str) -> None:
    key = f"{role}PromotionAnalysis"
    story = analysed(HALF, **{key: named("check")})
    story.image("demo:v2")
    live = 1 if role == "pre" else 2
    assert (story.live, reasons(story)) == (live, ["InconclusiveAnalysisRun"])
    assert story.phase == ("Paused", "InconclusiveAnalysisRun")
    assert "manualPauseStartedAt" in story.status["duration"]
    story.wait(100)
    assert (story.live, story.sizes) == (live, {1: 2, 2: 2})
    story.promote()
    assert said(story) == {
        f"demo-2-{role}": "Inconclusive",
        f"demo-2-{role}.1": "Inconclusive",
    }, "the same question is asked again"
    story.promote_full()
    assert (story.live, story.phase) == (2, ("Healthy", ""))


def test_back_into_the_rollback_window_takes_neither_pause_nor_preview() -> None:
    story = analysed(
        GOOD,
        replicas=3,
        autoPromotionEnabled=False,
        previewReplicaCount=1,
        prePromotionAnalysis=named("check"),
        spec={"rollbackWindow": {"revisions": 1}},
    )
    story.image("demo:v2")
    story.wait(1)
    story.promote()
    story.wait(31)
    assert story.sizes == {2: 3}
    story.image("demo:v1")
    assert (story.live, story.phase) == (3, ("Healthy", ""))
    assert story.events("RolloutCompleted")[-1].endswith(": Rollback within window")
    assert len(runs(story)) == 1


def test_outside_the_window_a_rollback_is_an_update() -> None:
    story = BlueGreen(autoPromotionEnabled=False, spec={"rollbackWindow": {"revisions": 1}})
    for tag in ("v2", "v3"):
        story.image(f"demo:{tag}")
        story.promote()
        story.wait(31)
    story.image("demo:v1")
    assert (story.live, story.phase) == (3, ("Paused", "BlueGreenPause"))


def test_an_abort_inside_the_window_is_undone() -> None:
    story = BlueGreen(spec={"rollbackWindow": {"revisions": 1}}, pod_ready_delay=5)
    story.image("demo:v2")
    story.wait(40)
    story.image("demo:v1")
    story.abort()
    story.wait(6)
    assert "abort" not in story.status
    assert (story.live, story.phase) == (3, ("Healthy", ""))


def test_a_full_promotion_of_what_was_aborted_ships_it() -> None:
    story = analysed(BAD, prePromotionAnalysis=named("check"))
    story.image("demo:v2")
    story.wait(31)
    assert (story.sizes, story.phase[0]) == ({1: 2}, "Degraded")
    story.promote_full()
    assert (story.live, story.phase) == (2, ("Healthy", ""))
    assert story.status["duration"]["completionStatus"] == "FastPromoted"
    assert not story.status.get("abort")


def test_a_full_promotion_does_not_wait_for_the_second_analysis() -> None:
    story = analysed(LONG, postPromotionAnalysis=named("check"))
    story.image("demo:v2")
    assert story.status["stableRS"] != story.status["currentPodHash"]
    story.promote_full()
    assert story.phase == ("Healthy", "")
    assert [run["spec"].get("terminate") for run in runs(story)] == [True]


def test_a_preview_is_resized_with_the_rollout_only_when_it_is_complete() -> None:
    story = BlueGreen(replicas=3, autoPromotionEnabled=False, previewReplicaCount=1)
    story.image("demo:v2")
    story.patch({"spec": {"replicas": 5}})
    assert story.sizes == {1: 5, 2: 1}
    assert reasons(story) == ["BlueGreenPause"]
    story.promote()
    assert (story.live, story.phase, story.sizes) == (2, ("Healthy", ""), {1: 5, 2: 5})


def test_scaling_during_the_pause_resizes_both_and_keeps_the_pause() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    since = story.status["pauseConditions"]
    story.wait(10)
    story.patch({"spec": {"replicas": 4}})
    assert (story.sizes, story.live) == ({1: 4, 2: 4}, 1)
    assert story.status["pauseConditions"] == since


def test_scaling_after_the_switch_resizes_what_is_still_stable() -> None:
    story = analysed(HALF, postPromotionAnalysis=named("check"))
    story.image("demo:v2")
    story.patch({"spec": {"replicas": 3}})
    assert (story.live, story.sizes) == (2, {1: 3, 2: 3})
    story.abort()
    assert (story.live, story.phase[0]) == (1, "Degraded")


def test_a_preview_once_seen_is_not_seen_again_after_a_retry() -> None:
    """The checkpoint stays until the promotion or another template."""
    story = analysed(
        BAD,
        replicas=3,
        autoPromotionEnabled=False,
        previewReplicaCount=1,
        postPromotionAnalysis=named("check"),
    )
    story.image("demo:v2")
    story.promote()
    assert (story.live, story.phase[0]) == (1, "Degraded")
    assert story.status["blueGreen"]["scaleUpPreviewCheckPoint"] is True
    story.wait(31)
    story.retry()
    assert said(story) == {"demo-2-post": "Failed", "demo-2-post.1": "Failed"}
    story.image("demo:v3")
    assert story.sizes[3] == 1
    assert "scaleUpPreviewCheckPoint" not in story.status["blueGreen"]


def test_an_aborted_preview_of_a_few_pods_comes_back_with_as_many() -> None:
    story = BlueGreen(replicas=3, autoPromotionEnabled=False, previewReplicaCount=1)
    story.image("demo:v2")
    story.abort()
    story.wait(31)
    assert story.sizes == {1: 3}
    story.retry()
    assert (story.sizes, reasons(story)) == ({1: 3, 2: 1}, ["BlueGreenPause"])


def test_a_new_template_during_the_pause_starts_over() -> None:
    story = BlueGreen(autoPromotionEnabled=False)
    story.image("demo:v2")
    story.image("demo:v3")
    assert (story.live, story.selected("preview"), reasons(story)) == (1, 3, ["BlueGreenPause"])
    assert story.deadlines == {2}
    story.wait(31)
    assert story.sizes == {1: 2, 3: 2}
    story.promote()
    assert (story.live, story.phase) == (3, ("Healthy", ""))


def test_without_a_preview_service_all_is_as_with_one() -> None:
    story = BlueGreen(autoPromotionEnabled=False, previewService=None)
    assert (story.phase, story.selected("preview")) == (("Healthy", ""), 0)
    story.image("demo:v2")
    assert reasons(story) == ["BlueGreenPause"]
    assert "previewSelector" not in story.status["blueGreen"]
    story.promote()
    assert (story.live, story.phase) == (2, ("Healthy", ""))
    assert story.condition("Healthy") == ("True", "RolloutHealthy")


def test_another_rollouts_service_is_not_taken() -> None:
    theirs = service("theirs")
    theirs["metadata"]["annotations"] = {"argo-rollouts.argoproj.io/managed-by-rollouts": "web"}
    story = BlueGreen(objects=[theirs])
    story.strategy(activeService="theirs")
    assert story.phase[1].endswith(
        'spec.strategy.blueGreen.activeService: Invalid value: "theirs": '
        'Service "theirs" is managed by another Rollout'
    )
    assert story.selected("theirs") == 0


def test_a_stable_version_somebody_deleted_is_followed_by_the_new_one() -> None:
    story = analysed(LONG, autoPromotionEnabled=False, prePromotionAnalysis=named("check"))
    story.image("demo:v2")
    stable = f"demo-{story.status['stableRS']}"
    story.client.delete("replicasets", stable, PLACE)
    story.cluster.settle()
    assert (story.live, story.phase) == (2, ("Healthy", ""))
    assert story.events("RolloutCompleted")[-1].endswith(": Initial deploy")


def test_no_progress_is_counted_while_an_old_version_waits_for_its_end() -> None:
    story = BlueGreen(scaleDownDelaySeconds=300, spec={"progressDeadlineSeconds": 60})
    story.image("demo:v2")
    story.image("demo:bad")
    story.wait(200)
    assert story.phase[0] == "Progressing"
    story.wait(200)
    assert story.phase[0] == "Degraded"
    assert story.phase[1].startswith("ProgressDeadlineExceeded: ")


def test_a_pause_is_no_lack_of_progress() -> None:
    story = BlueGreen(autoPromotionEnabled=False, spec={"progressDeadlineSeconds": 60})
    story.image("demo:v2")
    story.wait(600)
    assert story.phase == ("Paused", "BlueGreenPause")
    story.promote()
    assert story.phase == ("Healthy", "")


def test_pods_are_restarted_a_few_at_a_time() -> None:
    story = BlueGreen(replicas=4, maxUnavailable=2, pod_ready_delay=3)
    story.wait(10)
    before = {pod["metadata"]["uid"] for pod in story.pods}
    story.patch({"spec": {"restartAt": story.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")}})
    assert story.phase == ("Progressing", "rollout is restarting")
    assert len(before & {pod["metadata"]["uid"] for pod in story.pods}) == 2
    story.wait(60)
    assert not before & {pod["metadata"]["uid"] for pod in story.pods}
    assert (story.live, story.phase) == (1, ("Healthy", ""))


def test_the_services_are_free_when_the_rollout_is_gone() -> None:
    story = BlueGreen()
    story.client.delete("rollouts", "demo", PLACE)
    story.cluster.settle()
    for name in ("active", "preview"):
        found = story.client.get("services", name, PLACE)
        assert found["spec"]["selector"] == {"app": "demo"}
        assert not found["metadata"].get("annotations")


def test_the_events_of_an_update_with_both_analyses() -> None:
    story = analysed(
        GOOD,
        autoPromotionEnabled=False,
        prePromotionAnalysis=named("check"),
        postPromotionAnalysis=named("check"),
    )
    first = story.status["currentPodHash"]
    seen = len(story.client.list("events", PLACE)[0])
    story.image("demo:v2")
    story.wait(1)
    story.promote()
    story.wait(31)
    new = story.status["currentPodHash"]
    found = story.client.list("events", PLACE)[0]
    found.sort(key=lambda each: int(each["metadata"]["resourceVersion"]))
    told = [
        f"{each['reason']}: {each['message']}".replace(new, "NEW").replace(first, "OLD")
        for each in found[seen:]
        if each["involvedObject"]["kind"] == "Rollout"
    ]
    assert [line for line in told if "Analysis Run" not in line] == [
        "RolloutUpdated: Rollout updated to revision 2",
        "NewReplicaSetCreated: Created ReplicaSet demo-NEW (revision 2)",
        "SwitchService: Switched selector for service 'preview' from 'OLD' to 'NEW'",
        "RolloutNotCompleted: Rollout not completed, started update to revision 2 (NEW)",
        "ScalingReplicaSet: Scaled up ReplicaSet demo-NEW (revision 2) from 0 to 2",
        "RolloutPaused: Rollout is paused (BlueGreenPause)",
        "SwitchService: Switched selector for service 'active' from 'OLD' to 'NEW'",
        "RolloutCompleted: Rollout completed update to revision 2 (NEW): "
        "Completed blue-green update",
        "ScalingReplicaSet: Scaled down ReplicaSet demo-OLD (revision 1) from 2 to 0",
    ]
    assert [line.partition(":")[0] for line in told if "Analysis Run" in line] == [
        "AnalysisRunSuccessful",
        "AnalysisRunSuccessful",
    ]
