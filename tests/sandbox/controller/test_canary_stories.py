"""What becomes of a canary: pods, pauses, aborts, scaling, history."""

from __future__ import annotations

from support.controlled import PLACE, Controlled

HALF = {"setWeight": 50}
PAUSE: dict[str, object] = {"pause": {}}


def test_a_canary_from_start_to_end() -> None:
    story = Controlled(HALF, PAUSE)
    assert story.phase == ("Healthy", "")
    story.image("demo:v2")
    assert story.sizes == {1: 2, 2: 2}
    assert story.phase == ("Paused", "CanaryPauseStep")
    assert story.step == 1
    story.promote()
    assert story.sizes == {2: 4}
    assert story.phase == ("Healthy", "")
    assert story.events("RolloutCompleted")[-1].endswith("Completed all 2 canary steps")


def test_a_timed_pause_ends_by_itself_and_not_before() -> None:
    story = Controlled(HALF, {"pause": {"duration": "1m"}})
    story.image("demo:v2")
    story.wait(59)
    assert story.phase[0] == "Paused"
    story.wait(2)
    assert story.phase == ("Healthy", "")


def test_an_abort_takes_the_new_version_out_and_a_retry_begins_again() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    story.abort()
    assert story.sizes == {1: 4}
    assert story.phase == ("Degraded", "RolloutAborted: Rollout aborted update to revision 2")
    assert story.step == 0
    assert "abortedAt" in story.status
    story.retry()
    assert story.sizes == {1: 2, 2: 2}
    assert "abortedAt" not in story.status
    assert story.status["abort"] is False


def test_a_fix_of_an_aborted_rollout_is_the_stable_template() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    story.abort()
    story.image("demo:v1")
    assert story.phase == ("Healthy", "")
    assert story.step == 2
    assert story.events("SkipSteps") == ["Rollback to stable ReplicaSets"]
    assert story.sizes == {3: 4}


def test_a_new_template_meanwhile_empties_the_interrupted_one() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    story.image("demo:v3")
    assert story.sizes == {1: 2, 3: 2}
    assert story.step == 1
    assert story.phase == ("Paused", "CanaryPauseStep")


def test_pods_that_never_start_stop_the_canary_at_the_deadline() -> None:
    story = Controlled(HALF, spec={"progressDeadlineSeconds": 60})
    story.image("demo:bad")
    waiting = [
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
        for pod in story.pods
        if pod["status"]["phase"] == "Pending"
    ]
    assert set(waiting) == {"ImagePullBackOff"}
    story.wait(70)
    assert story.phase[0] == "Degraded"
    assert story.sizes[1] == 3
    story.image("demo:v2")
    assert story.phase == ("Healthy", "")


def test_scaling_while_paused_at_a_step_keeps_the_weight() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    story.patch({"spec": {"replicas": 10}})
    assert story.sizes == {1: 5, 2: 5}
    assert story.step == 1


def test_scaling_while_paused_by_a_person_waits_for_that_person() -> None:
    """The trap of section 4."""
    story = Controlled(HALF, PAUSE)
    story.patch({"spec": {"paused": True}})
    story.patch({"spec": {"replicas": 6}})
    assert story.sizes == {1: 4}
    story.patch({"spec": {"paused": False}})
    assert story.sizes == {1: 6}
    assert story.events("RolloutPaused") == []


def test_full_promotion_skips_the_steps_also_after_an_abort() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    story.abort()
    story.promote_full()
    assert story.phase == ("Healthy", "")
    assert "promoteFull" not in story.status
    assert story.sizes == {2: 4}
    assert story.status["duration"]["completionStatus"] == "FastPromoted"


def test_an_abort_of_a_finished_rollout_is_undone() -> None:
    story = Controlled(HALF)
    story.abort()
    assert story.phase == ("Healthy", "")
    assert "abort" not in story.status


def test_edited_steps_start_over() -> None:
    story = Controlled(HALF, PAUSE)
    story.image("demo:v2")
    steps = [{"setWeight": 25}, {"pause": {}}, {"setWeight": 75}]
    story.patch({"spec": {"strategy": {"canary": {"steps": steps}}}})
    assert story.step == 1
    assert story.sizes == {1: 3, 2: 1}


def test_restarted_pods_are_replaced_a_few_at_a_time() -> None:
    story = Controlled(HALF, replicas=4, pod_ready_delay=10)
    old = {pod["metadata"]["name"] for pod in story.pods}
    story.wait(5)
    at = story.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    story.patch({"spec": {"restartAt": at}})
    assert story.phase == ("Progressing", "rollout is restarting")
    assert len(old & {pod["metadata"]["name"] for pod in story.pods}) == 3
    story.wait(200)
    assert not old & {pod["metadata"]["name"] for pod in story.pods}
    assert story.status["restartedAt"] == at
    assert story.phase == ("Healthy", "")


def test_a_deleted_pod_is_replaced() -> None:
    story = Controlled(replicas=2)
    gone = story.pods[0]["metadata"]["name"]
    story.client.delete("pods", gone, PLACE)
    story.cluster.settle()
    assert len(story.pods) == 2
    assert gone not in {pod["metadata"]["name"] for pod in story.pods}


def test_an_older_version_gets_a_new_number_and_keeps_the_old_in_its_history() -> None:
    story = Controlled(replicas=1)
    story.image("demo:v2")
    story.image("demo:v3")
    story.image("demo:v1")
    found = story.client.list("replicasets", PLACE)[0]
    notes = [each["metadata"]["annotations"] for each in found if each["spec"]["replicas"]]
    assert [each["rollout.argoproj.io/revision"] for each in notes] == ["4"]
    assert [each["rollout.argoproj.io/revision-history"] for each in notes] == ["1"]
    assert len(found) == 3


def test_back_to_a_recent_version_skips_the_steps_inside_the_window() -> None:
    story = Controlled(spec={"rollbackWindow": {"revisions": 2}})
    story.wait(1)
    story.image("demo:v2")
    story.patch({"spec": {"strategy": {"canary": {"steps": [HALF, PAUSE]}}}})
    story.image("demo:v1")
    assert story.phase == ("Healthy", "")
    assert story.events("RolloutCompleted")[-1].endswith("Rollback within window")


def test_only_so_many_old_versions_are_kept() -> None:
    story = Controlled(replicas=1, spec={"revisionHistoryLimit": 2})
    for version in range(2, 7):
        story.wait(1)
        story.image(f"demo:v{version}")
    assert len(story.client.list("replicasets", PLACE)[0]) <= 4


def test_services_follow_the_two_versions() -> None:
    story = Controlled(replicas=2)
    for name in ("stable", "canary"):
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": PLACE},
            "spec": {"selector": {"app": "demo"}, "ports": [{"port": 80}]},
        }
        story.client.create("services", service, PLACE)
    services = {"stableService": "stable", "canaryService": "canary"}
    story.patch({"spec": {"strategy": {"canary": {"steps": [HALF, PAUSE], **services}}}})
    story.image("demo:v2")

    def selected(name: str) -> str:
        found = story.client.get("services", name, PLACE)["spec"]["selector"]
        hashed: str = found["rollouts-pod-template-hash"]
        return hashed

    assert selected("stable") == story.status["stableRS"]
    assert selected("canary") == story.status["currentPodHash"]
    story.abort()
    assert selected("canary") == story.status["stableRS"]
    story.client.delete("rollouts", "demo", PLACE)
    story.cluster.settle()
    assert story.client.get("services", "stable", PLACE)["spec"]["selector"] == {"app": "demo"}
    assert story.pods == []


def test_an_invalid_spec_says_so_and_heals_when_what_is_missing_comes() -> None:
    story = Controlled(replicas=1, canary={"stableService": "web"})
    assert story.phase[1].endswith('service "web" not found')
    assert story.condition("InvalidSpec") == ("True", "InvalidSpec")
    assert story.sizes == {}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": PLACE},
        "spec": {"selector": {"app": "demo"}, "ports": [{"port": 80}]},
    }
    story.client.create("services", service, PLACE)
    story.cluster.settle()
    assert story.phase == ("Healthy", "")
    assert story.condition("InvalidSpec") == ("", "")


def test_missing_replicas_are_one() -> None:
    story = Controlled(HALF)
    story.patch({"spec": {"replicas": None}})
    assert story.rollout["spec"]["replicas"] == 1
    assert story.sizes == {1: 1}


def test_annotations_are_copied_and_that_counts_as_history() -> None:
    """The trap of section 1: the ReplicaSet's own revision appears in its history."""
    story = Controlled(replicas=1)
    story.patch({"metadata": {"annotations": {"team": "checkout"}}})
    notes = story.client.list("replicasets", PLACE)[0][0]["metadata"]["annotations"]
    assert notes["team"] == "checkout"
    assert notes["rollout.argoproj.io/revision"] == "1"
    assert notes["rollout.argoproj.io/revision-history"] == "1"


def test_a_field_a_client_wrote_survives_the_controllers_writes() -> None:
    story = Controlled(HALF, PAUSE)
    story.patch({"status": {"abort": False}}, status=True)
    story.image("demo:v2")
    assert story.status["abort"] is False
    assert story.phase == ("Paused", "CanaryPauseStep")


def test_repeated_events_are_counted() -> None:
    story = Controlled(PAUSE)
    for version in ("demo:v2", "demo:v3"):
        story.image(version)
    found = story.client.list("events", PLACE)[0]
    paused = [each for each in found if each["reason"] == "RolloutPaused"]
    assert [each["count"] for each in paused] == [2]


def test_about_one_rollout_only_so_many_events_are_told_at_once() -> None:
    """As a real recorder does it: who waits for an event may wait in vain."""
    story = Controlled(PAUSE, replicas=1)
    for version in range(2, 12):
        story.image(f"demo:v{version}")
    found = story.client.list("events", PLACE)[0]
    told = [each for each in found if each["involvedObject"]["kind"] == "Rollout"]
    assert sum(each["count"] for each in told) <= 25
    assert story.phase == ("Paused", "CanaryPauseStep")


def test_a_hundred_rollouts_come_to_rest() -> None:
    """The work grows with what happens, not with how much there is."""
    story = Controlled(HALF, PAUSE, replicas=1)
    for number in range(100):
        story.create(f"other-{number}", HALF, PAUSE, replicas=1)
    story.cluster.controllers.settle(limit=200)
    story.image("demo:v2")
    phases = [each["status"]["phase"] for each in story.client.list("rollouts", PLACE)[0]]
    assert sorted(set(phases)) == ["Healthy", "Paused"]
    story.cluster.controllers.settle(limit=1)
