"""What becomes of a rollout whose steps are plugins."""

from __future__ import annotations

import pytest

from rolloutctl.sandbox.plugins.protocol import Result
from support.controlled import Controlled, Recording, plugin

MINE = "demo/mine"


def mine(as_: str = "") -> dict[str, object]:
    return plugin({"as": as_}, MINE)


def with_plugin(recording: Recording, *steps: dict[str, object], **more: object) -> Controlled:
    spec = more.pop("spec", None)
    assert spec is None or isinstance(spec, dict)
    return Controlled(*(steps or (mine(),)), plugins={MINE: recording}, spec=spec)


def test_an_exception_is_phase_error_and_is_tried_again_after_half_a_minute() -> None:
    broken = Recording(run=RuntimeError("the gate is on fire"))
    story = with_plugin(broken)
    story.image("demo:v2")
    assert story.record(0)["phase"] == "Error"
    assert story.record(0)["message"] == "the gate is on fire"
    assert story.record(0)["backoff"] == "30s"
    story.wait(29)
    assert story.record(0)["executions"] == 1
    story.wait(7)
    assert story.record(0)["executions"] == 2
    assert story.phase[0] == "Progressing"
    assert story.events("StepPluginTransition") == [
        "Step plugin demo/mine (step 1) transitioned to Error"
    ]


@pytest.mark.parametrize(
    ("asked", "backoff"), [(None, "30s"), (5.0, "30s"), (10.0, "30s"), (12.0, "12s"), (90, "1m30s")]
)
def test_only_more_than_ten_seconds_is_heeded(asked: float | None, backoff: str) -> None:
    story = with_plugin(Recording(run=Result("Running", requeue_after=asked)))
    story.image("demo:v2")
    assert story.record(0)["backoff"] == backoff


def test_a_running_plugin_keeps_its_status_from_call_to_call() -> None:
    story = Controlled(plugin({"return": "Running", "requeue": "12s"}))
    story.image("demo:v2")
    first = story.record(0)["status"]["Data"]
    story.wait(18)
    assert story.record(0)["executions"] == 2
    assert story.record(0)["status"] == {"Data": first, "Count": 2}


def test_phase_error_without_an_error_is_a_dead_end() -> None:
    """The trap of section 5: no backoff is written, and without one Run is never called again."""
    recording = Recording(run=Result("Error"))
    story = with_plugin(recording)
    story.image("demo:v2")
    story.wait(120)
    assert recording.calls == ["run"]
    assert story.events("ReconciliationError")[-1] == (
        "Reconciliation failed with error: failed to run plugin: "
        'could not parse backoff duration: time: invalid duration ""'
    )


def test_a_phase_nobody_knows_leaves_no_record() -> None:
    story = with_plugin(Recording(run=Result("Splendid")))
    story.image("demo:v2")
    assert story.records == []
    assert "phase 'Splendid' is not valid" in story.events("ReconciliationError")[0]


def test_a_plugin_that_returns_rubbish_is_phase_error() -> None:
    class Rubbish(Recording):
        def run(self, rollout: object, context: object) -> object:  # type: ignore[override]
            return {"phase": "Successful"}

    story = with_plugin(Rubbish())
    story.image("demo:v2")
    assert story.record(0)["phase"] == "Error"
    assert story.step == 0


def test_failed_aborts_and_undoes_the_steps_before_the_last_first() -> None:
    recording = Recording()
    failing = Recording(run=Result("Failed", "no"))
    story = Controlled(
        mine("a"), mine("b"), plugin({}, "demo/fails"),
        plugins={MINE: recording, "demo/fails": failing},
    )  # fmt: skip
    story.image("demo:v2")
    cause = "Step Plugin 3 (demo/fails) failed: no"
    assert story.phase == (
        "Degraded",
        f"RolloutAborted: Rollout aborted update to revision 2: {cause}",
    )
    assert recording.calls == ["run a", "run b", "abort b", "abort a"]
    assert failing.calls == ["run"]


def test_abort_is_called_once_per_step_whatever_it_says() -> None:
    recording = Recording(abort=RuntimeError("cannot"), run=Result("Running", requeue_after=12))
    story = with_plugin(recording)
    story.image("demo:v2")
    story.abort()
    story.wait(100)
    assert recording.calls == ["run", "abort"]
    assert story.record(0, "Abort")["phase"] == "Error"
    assert story.record(0, "Abort")["message"] == "cannot"
    assert story.record(0)["phase"] == "Running"


def test_running_from_abort_becomes_failed() -> None:
    story = with_plugin(Recording(run=Result("Running"), abort=Result("Running")))
    story.image("demo:v2")
    story.abort()
    assert story.record(0, "Abort")["phase"] == "Failed"


def test_a_retry_starts_the_plugins_anew() -> None:
    recording = Recording()
    story = with_plugin(recording, mine("a"), {"pause": {}})
    story.image("demo:v2")
    story.abort()
    story.retry()
    assert recording.calls == ["run a", "abort a", "run a"]
    assert story.records == ["0 Run Successful"]
    assert story.phase == ("Paused", "CanaryPauseStep")


def test_a_retry_after_an_error_in_step_one_goes_on_with_its_record() -> None:
    """The trap of section 5."""
    story = with_plugin(Recording(run=RuntimeError("down")))
    story.image("demo:v2")
    story.abort()
    assert story.records == ["0 Run Error"]
    story.retry()
    story.wait(36)
    assert story.record(0)["executions"] == 2


def test_moving_past_a_running_plugin_ends_it_only_at_the_promotion() -> None:
    recording = Recording(run=Result("Running", requeue_after=600))
    story = with_plugin(recording, mine(), {"pause": {}})
    story.image("demo:v2")
    story.skip()
    assert story.records == ["0 Run Running"]
    assert story.phase == ("Paused", "CanaryPauseStep")
    story.promote()
    assert story.phase == ("Healthy", "")
    assert story.records == ["0 Run Running", "0 Terminate Successful"]
    assert recording.calls == ["run", "terminate"]


def test_after_the_deadline_a_waiting_plugin_is_stuck_until_a_person_acts() -> None:
    """The trap of section 5: Run needs phase Progressing."""
    recording = Recording(run=Result("Running", requeue_after=12))
    story = with_plugin(recording, spec={"progressDeadlineSeconds": 60})
    story.image("demo:v2")
    story.wait(70)
    assert story.phase[0] == "Degraded"
    assert "ProgressDeadlineExceeded" in story.phase[1]
    called = len(recording.calls)
    story.wait(300)
    assert len(recording.calls) == called
    story.patch({"spec": {"paused": True}})
    story.patch({"spec": {"paused": False}})
    assert story.phase[0] == "Progressing"
    assert len(recording.calls) == called + 1


def test_the_deadline_can_abort_and_then_plugins_are_undone() -> None:
    recording = Recording(run=Result("Running", requeue_after=600))
    story = with_plugin(
        recording, spec={"progressDeadlineSeconds": 60, "progressDeadlineAbort": True}
    )
    story.image("demo:v2")
    story.wait(70)
    assert story.status["abort"] is True
    assert "has timed out progressing." in story.phase[1]
    assert recording.calls == ["run", "abort"]


def test_a_paused_rollout_calls_nobody() -> None:
    recording = Recording(run=Result("Running", requeue_after=12))
    story = with_plugin(recording)
    story.image("demo:v2")
    story.patch({"spec": {"paused": True}})
    story.wait(100)
    assert recording.calls == ["run"]
    assert story.phase == ("Paused", "manually paused")


def test_the_first_deploy_runs_no_plugin() -> None:
    recording = Recording()
    with_plugin(recording)
    assert recording.calls == []


def test_a_configured_plugin_without_an_implementation_is_said_as_such() -> None:
    story = Controlled(plugin(name="demo/nobody"))
    story.configure(
        story.configured
        + "- name: demo/nobody\n  location: http://sandbox.invalid/plugins/demo/nobody\n"
    )
    story.restart_controller()
    story.image("demo:v2")
    assert "the sandbox has no implementation of it" in story.events("ReconciliationError")[0]
    assert story.step == 0
