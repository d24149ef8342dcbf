"""Sentences about the canary that no recording shows."""

from __future__ import annotations

from typing import Any

import pytest

from support.controlled import PLACE, Controlled

HALF = {"setWeight": 50}
PAUSE: dict[str, object] = {"pause": {}}
HASH = "rollouts-pod-template-hash"


@pytest.mark.parametrize(
    ("threshold", "goes_on"),
    [
        ({"type": "Percent", "value": 50}, True),
        ({"type": "Percent", "value": 51}, False),
        ({"type": "Pods", "value": 1}, True),
        ({"type": "Pods", "value": 2}, False),
        (None, False),
    ],
)
def test_a_step_may_be_content_with_less_than_all_its_pods(
    threshold: dict[str, Any] | None, goes_on: bool
) -> None:
    canary = {"replicaProgressThreshold": threshold} if threshold else {}
    story = Controlled(HALF, PAUSE, pod_ready_delay=10, canary=canary)
    story.image("demo:v2")
    story.wait(5)
    hashed = story.status["currentPodHash"]
    new = [pod for pod in story.pods if pod["metadata"]["labels"][HASH] == hashed]
    assert len(new) == 2
    # One of the two starts over, so that for a while the other is alone.
    story.client.delete("pods", new[0]["metadata"]["name"], PLACE)
    story.wait(7)
    assert story.sizes == {1: 2, 2: 2}
    assert (story.step == 1) is goes_on
    story.wait(5)
    assert story.step == 1


def test_an_edited_template_meanwhile_drops_an_abort() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    story.abort()
    story.image("demo:v3")
    assert story.phase == ("Paused", "CanaryPauseStep")
    assert "abort" not in story.status
    assert "abortedAt" not in story.status


def test_a_new_template_while_paused_by_a_person_only_creates_its_replicaset() -> None:
    story = Controlled(HALF, PAUSE)
    story.patch({"spec": {"paused": True}})
    story.image("demo:v2")
    assert len(story.client.list("replicasets", PLACE)[0]) == 2
    assert story.sizes == {1: 4}
    assert story.step == 0
    assert story.phase == ("Paused", "manually paused")
    story.patch({"spec": {"paused": False}})
    assert story.phase == ("Paused", "CanaryPauseStep")


def test_a_pause_by_a_person_is_told_by_no_event() -> None:
    story = Controlled(HALF, PAUSE)
    story.patch({"spec": {"paused": True}})
    story.patch({"spec": {"paused": False}})
    assert story.events("RolloutPaused") == []
    assert story.events("RolloutResumed") == []


def test_an_abort_while_paused_by_a_person_moves_no_pods_until_resumed() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    story.patch({"spec": {"paused": True}})
    story.abort()
    assert story.sizes == {1: 2, 2: 2}
    assert story.phase[0] == "Degraded"
    assert story.step == 0
    story.patch({"spec": {"paused": False}})
    assert story.sizes == {1: 4}


def test_a_timed_pause_may_be_over_when_a_person_resumes() -> None:
    story = Controlled(HALF, {"pause": {"duration": "1m"}})
    story.image("demo:v2")
    story.patch({"spec": {"paused": True}})
    story.wait(120)
    assert story.step == 1
    story.patch({"spec": {"paused": False}})
    assert story.phase == ("Healthy", "")


def test_a_resume_is_told_by_the_controller_only_when_it_resumed() -> None:
    by_a_person = Controlled(HALF, PAUSE)
    by_a_person.image("demo:v2")
    by_a_person.promote()
    assert by_a_person.events("RolloutPaused") == ["Rollout is paused (CanaryPauseStep)"]
    assert by_a_person.events("RolloutResumed") == []
    by_itself = Controlled(HALF, {"pause": {"duration": 5}})
    by_itself.image("demo:v2")
    by_itself.wait(6)
    assert by_itself.events("RolloutResumed") == ["Rollout is resumed"]


def test_back_to_an_older_version_that_is_not_stable_takes_all_steps() -> None:
    story = Controlled(replicas=2)
    story.wait(1)
    story.image("demo:v2")
    story.wait(1)
    story.patch({"spec": {"strategy": {"canary": {"steps": [HALF, PAUSE]}}}})
    story.image("demo:v1")
    assert story.phase == ("Paused", "CanaryPauseStep")
    assert story.step == 1


def test_edited_steps_of_a_promoted_rollout_are_done_at_once() -> None:
    story = Controlled(HALF, PAUSE)
    story.patch({"spec": {"strategy": {"canary": {"steps": [HALF, PAUSE, {"setWeight": 80}]}}}})
    assert story.step == 3
    assert story.phase == ("Healthy", "")
    assert story.events("SkipSteps") == ["Rollback to stable ReplicaSets"]


def test_zero_weight_and_all_weight_are_taken_as_such() -> None:
    story = Controlled({"setWeight": 0}, PAUSE, {"setWeight": 100}, PAUSE)
    story.image("demo:v2")
    assert story.sizes == {1: 4}
    story.promote()
    assert story.sizes == {2: 4}
    assert story.phase == ("Paused", "CanaryPauseStep")


def test_scaling_to_zero_and_back() -> None:
    story = Controlled(HALF, PAUSE)
    story.patch({"spec": {"replicas": 0}})
    assert story.sizes == {}
    assert story.phase == ("Healthy", "")
    story.patch({"spec": {"replicas": 3}})
    assert story.sizes == {1: 3}
    assert story.phase == ("Healthy", "")


def test_a_new_version_of_a_rollout_without_pods_still_takes_its_pauses() -> None:
    story = Controlled(HALF, PAUSE, replicas=0)
    story.image("demo:v2")
    assert story.phase == ("Paused", "CanaryPauseStep")
    story.promote()
    assert story.phase == ("Healthy", "")


def test_how_long_it_took_and_how_it_ended() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    story.wait(30)
    assert "manualPauseStartedAt" in story.status["duration"]
    story.promote()
    ended = story.status["duration"]
    assert ended["completionStatus"] == "Promoted"
    assert ended["totalManualPauseDurationSeconds"] == 30
    assert "finishedAt" in ended and "manualPauseStartedAt" not in ended
    story.image("demo:v3")
    assert "finishedAt" not in story.status["duration"]
    story.promote_full()
    assert story.status["duration"]["completionStatus"] == "FastPromoted"
    story.image("demo:v4")
    story.abort()
    assert story.status["duration"]["completionStatus"] == "Aborted"
    story.image("demo:v3")
    assert story.status["duration"]["completionStatus"] == "RolledBack"


def test_raising_the_deadline_does_not_help_but_progress_does() -> None:
    story = Controlled(HALF, PAUSE, spec={"progressDeadlineSeconds": 60})
    story.image("demo:bad")
    story.wait(120)
    assert story.phase[1].startswith("ProgressDeadlineExceeded: ReplicaSet")
    story.patch({"spec": {"progressDeadlineSeconds": 6000}})
    assert story.phase[0] == "Degraded"
    story.image("demo:v3")
    assert story.phase == ("Paused", "CanaryPauseStep")


def test_a_deadline_without_an_abort_is_told_by_no_event() -> None:
    story = Controlled(HALF, PAUSE, spec={"progressDeadlineSeconds": 60})
    story.image("demo:bad")
    before = len(story.client.list("events", PLACE)[0])
    story.wait(61)
    assert story.phase[0] == "Degraded"
    found = {each["reason"] for each in story.client.list("events", PLACE)[0][before:]}
    assert found <= {"Failed", "BackOff"}


def test_a_deadline_that_aborts_is_told_twice() -> None:
    spec = {"progressDeadlineSeconds": 60, "progressDeadlineAbort": True}
    story = Controlled(HALF, PAUSE, spec=spec)
    story.image("demo:bad")
    story.wait(61)
    cause = f'ReplicaSet "demo-{story.status["currentPodHash"]}" has timed out progressing.'
    assert story.phase[1] == f"RolloutAborted: Rollout aborted update to revision 2: {cause}"
    assert sorted(story.events("RolloutAborted")) == sorted(
        [f"Rollout aborted update to revision 2: {cause}", cause]
    )


def test_a_pause_of_any_length_is_no_lack_of_progress() -> None:
    story = Controlled(HALF, PAUSE, spec={"progressDeadlineSeconds": 60})
    story.image("demo:v2")
    story.wait(3600)
    assert story.phase == ("Paused", "CanaryPauseStep")


def test_a_promoted_rollout_that_loses_its_pods_is_not_aborted() -> None:
    spec = {"progressDeadlineSeconds": 60, "progressDeadlineAbort": True}
    story = Controlled(spec=spec, pod_ready_delay=300)
    story.wait(300)
    for pod in story.pods:
        story.client.delete("pods", pod["metadata"]["name"], PLACE)
    story.cluster.settle()
    assert story.condition("Progressing") in (
        ("True", "ReplicaSetNotAvailable"),
        ("True", "ReplicaSetUpdated"),
    )
    story.wait(200)
    assert "abort" not in story.status
    story.wait(200)
    assert story.phase == ("Healthy", "")


def test_conditions_of_a_rollout_at_rest() -> None:
    story = Controlled(HALF, PAUSE)
    assert story.condition("Healthy") == ("True", "RolloutHealthy")
    assert story.condition("Completed") == ("True", "RolloutCompleted")
    assert story.condition("Available") == ("True", "AvailableReason")
    assert story.condition("Progressing") == ("True", "NewReplicaSetAvailable")
    story.image("demo:v2")
    assert story.condition("Healthy")[0] == "False"
    assert story.condition("Completed")[0] == "False"
    assert story.condition("Paused") == ("True", "RolloutPaused")
    assert story.condition("Progressing") == ("Unknown", "RolloutPaused")
    story.promote()
    assert story.condition("Paused") == ("False", "RolloutPaused")
    assert story.condition("Progressing") == ("True", "NewReplicaSetAvailable")


def test_a_rollback_window_undoes_an_abort() -> None:
    story = Controlled(HALF, PAUSE, spec={"rollbackWindow": {"revisions": 3}}, pod_ready_delay=30)
    story.wait(31)
    story.image("demo:v2")
    story.wait(31)
    story.promote()
    story.wait(120)
    assert story.phase == ("Healthy", "")
    story.image("demo:v1")
    story.abort()
    story.wait(120)
    assert story.phase == ("Healthy", "")
    assert not story.status.get("abort")
    assert story.status["duration"]["completionStatus"] == "FastRolledBack"


def test_the_events_of_an_update() -> None:
    story = Controlled(HALF, PAUSE)
    assert story.events("RolloutNotCompleted")[0].startswith(
        "Rollout not completed, started update to revision 1 ("
    )
    assert story.events("RolloutStepCompleted") == []
    story.image("demo:v2")
    new = f"demo-{story.status['currentPodHash']}"
    assert story.events("RolloutUpdated")[-1] == "Rollout updated to revision 2"
    assert story.events("NewReplicaSetCreated")[-1] == f"Created ReplicaSet {new} (revision 2)"
    assert f"Scaled up ReplicaSet {new} (revision 2) from 0 to 2" in story.events(
        "ScalingReplicaSet"
    )
    story.promote()
    assert story.events("RolloutStepCompleted") == [
        "Rollout step 1/2 completed (setWeight: 50)",
        "Rollout step 2/2 completed (pause)",
    ]


def test_a_moved_index_is_no_completed_step() -> None:
    story = Controlled(HALF, PAUSE, {"setWeight": 75}, PAUSE)
    story.image("demo:v2")
    body = {"status": {"pauseConditions": None, "currentStepIndex": 3, "controllerPause": False}}
    story.patch(body, status=True)
    assert story.step == 3
    assert "Rollout step 2/4 completed (pause)" not in story.events("RolloutStepCompleted")


def test_an_invalid_edit_of_a_running_rollout_stops_it_where_it_is() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    story.patch({"spec": {"strategy": {"canary": {"steps": [{"setWeight": 101}]}}}})
    assert story.phase == (
        "Degraded",
        'InvalidSpec: The Rollout "demo" is invalid: spec.strategy.steps[0].setWeight:'
        " Invalid value: 101: SetWeight needs to be between 0 and 100",
    )
    assert story.sizes == {1: 2, 2: 2}
    assert story.status["observedGeneration"] == str(story.rollout["metadata"]["generation"])
    story.patch({"spec": {"strategy": {"canary": {"steps": [HALF, PAUSE]}}}})
    assert story.phase == ("Paused", "CanaryPauseStep")
    assert story.condition("InvalidSpec") == ("", "")


def test_a_version_may_be_promoted_with_less_than_all_its_pods() -> None:
    one_by_one = {"maxSurge": 1, "maxUnavailable": 0}
    threshold = {"replicaProgressThreshold": {"type": "Percent", "value": 75}}
    story = Controlled(pod_ready_delay=10, canary={**one_by_one, **threshold})
    story.image("demo:v2")
    for _ in range(60):
        story.wait(1)
        if story.status["stableRS"] == story.status["currentPodHash"]:
            break
    found = story.client.list("replicasets", PLACE)[0]
    hashed = story.status["currentPodHash"]
    (new,) = (each for each in found if each["metadata"]["labels"][HASH] == hashed)
    assert new["status"]["availableReplicas"] == 3
    story.wait(30)
    assert story.phase == ("Healthy", "")


def test_a_missing_template_is_looked_for_again() -> None:
    analysis = {"analysis": {"templates": [{"templateName": "rate"}]}}
    story = Controlled(HALF, analysis, replicas=1)
    assert story.phase[1].endswith("AnalysisTemplate 'rate' not found")
    assert story.sizes == {}
    kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate"}
    template = {**kind, "metadata": {"name": "rate"}, "spec": {"metrics": []}}
    story.client.create("analysistemplates", template, PLACE)
    story.wait(11)
    assert story.phase == ("Healthy", "")
