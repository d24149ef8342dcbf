"""Steps, and how far a rollout has come through them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rolloutctl.domain.steps import (
    Analysis,
    Pause,
    Step,
    completion,
    current_index,
    current_step,
    progress,
    step_text,
    steps_of,
)
from rolloutctl.domain.tree import row
from rolloutctl.domain.wire import Rollout
from support.objects import (
    AT,
    GATE,
    PAUSE,
    SMOKE,
    START,
    aborted,
    canary,
    record,
    rollout,
    weight,
)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"setWeight": 20}, "setWeight: 20"),
        ({"setWeight": 0}, "setWeight: 0"),
        ({"pause": {}}, "pause"),
        ({"pause": {"duration": "5s"}}, "pause: 5s"),
        ({"pause": {"duration": 30}}, "pause: 30"),
        ({"pause": {"duration": 0}}, "pause: 0"),
        ({"experiment": {}}, "experiment"),
        ({"analysis": {"templates": [{"templateName": "t"}]}}, "analysis"),
        ({"setCanaryScale": {"weight": 10}}, "setCanaryScale{weight: 10}"),
        (
            {"setCanaryScale": {"matchTrafficWeight": True}},
            "setCanaryScale{matchTrafficWeight: true}",
        ),
        ({"setCanaryScale": {"replicas": 3}}, "setCanaryScale{replicas: 3}"),
        ({"plugin": {"name": "a/b"}}, "plugin: a/b"),
        ({"setHeaderRoute": {"name": "h"}}, "setHeaderRoute: h"),
        ({"setMirrorRoute": {"name": "m"}}, "setMirrorRoute: m"),
        ({"somethingNew": {}}, "invalid"),
        ({}, "invalid"),
    ],
)
def test_the_controller_s_text_of_a_step(raw: dict[str, Any], text: str) -> None:
    (step,) = steps_of(canary(raw))
    assert step_text(step) == text


def test_steps_carry_what_they_do() -> None:
    r = canary(
        {"pause": {"duration": "soon"}},
        {"analysis": {"templates": [{"templateName": "a"}, {"templateName": "b"}]}},
    )
    assert steps_of(r) == (Pause(timedelta(seconds=-1), "soon"), Analysis(("a", "b")))


@pytest.mark.parametrize(
    ("stored", "index"), [(None, 0), (0, 0), (1, 1), (2, 2), (3, 2), (-1, 0), (10**12, 2)]
)
def test_the_index_stays_within_the_steps(stored: int | None, index: int) -> None:
    r = canary(weight(20), PAUSE, index=stored)
    assert current_index(r) == index


def test_no_step_is_current_without_steps_or_for_blue_green() -> None:
    blue_green = rollout({"strategy": {"blueGreen": {}}}, {"currentStepIndex": 3})
    for r in (canary(), blue_green):
        assert (current_index(r), current_step(r), progress(r)) == (0, None, ())


def _states(r: Rollout, **more: Any) -> str:
    return " ".join(entry.state for entry in progress(r, **more))


def _finished(steps: list[dict[str, Any]], revision: str, completed: str, **more: Any) -> Rollout:
    duration = {"duration": {"completionStatus": completed}}
    status: dict[str, Any] = duration if completed else {}
    r: Rollout = canary(*steps, index=len(steps), stableRS="bbb", **status, **more)
    r.metadata.annotations = {"rollout.argoproj.io/revision": revision}
    return r


def test_states_follow_the_index() -> None:
    r = canary(weight(20), PAUSE, weight(50), index=1)
    assert _states(r) == "done current ahead"
    assert current_step(r) == Pause()


def test_all_done_past_the_end() -> None:
    assert _states(canary(weight(20), PAUSE, index=3)) == "done done"


@pytest.mark.parametrize(
    ("run", "state"),
    [
        (record(0, "Successful"), "done"),
        (record(0, "Running"), "stopped"),
        (record(0, "Error"), "stopped"),
        (record(0, "Failed"), "failed"),
        (record(0, "Whatever"), "stopped"),
        (record(0, "", disabled=True), "skipped"),
    ],
)
def test_a_plugin_step_that_was_left_is_done_only_if_it_succeeded(
    run: dict[str, Any], state: str
) -> None:
    (first, _) = progress(canary(GATE, PAUSE, index=1, records=[run]))
    assert first.state == state
    assert first.plugin is not None
    assert first.plugin.disabled is bool(run.get("disabled"))
    assert first.plugin.phase == run["phase"]


@pytest.mark.parametrize(
    ("revision", "completed", "states", "how"),
    [
        ("1", "", "skipped skipped skipped skipped", "initial"),
        ("1", "Promoted", "skipped skipped skipped skipped", "initial"),
        ("3", "", "passed skipped passed passed", "unknown"),
        ("3", "Promoted", "done skipped done done", "promoted"),
        ("3", "FastPromoted", "passed skipped passed passed", "promoted-in-full"),
        ("3", "RolledBack", "skipped skipped skipped skipped", "rolled-back"),
        ("3", "FastRolledBack", "skipped skipped skipped skipped", "rolled-back"),
        ("3", "Odd", "passed skipped passed passed", "unknown"),
    ],
)
def test_no_step_of_a_finished_update_is_called_done_unless_it_was(
    revision: str, completed: str, states: str, how: str
) -> None:
    r = _finished([weight(20), GATE, weight(60), PAUSE], revision, completed)
    assert _states(r) == states
    assert completion(r) == how


def test_what_stands_before_a_plugin_that_was_called_was_done() -> None:
    steps = [weight(20), GATE, weight(60), PAUSE]
    r = _finished(steps, "3", "FastPromoted", records=[record(1, "Running")])
    assert _states(r) == "done stopped passed passed"
    assert completion(canary(*steps, index=2)) is None


def test_no_step_is_current_before_there_is_a_stable_version() -> None:
    first = canary(weight(20), PAUSE, index=0, stableRS="")
    refused = canary(weight(101), index=None, stableRS="", currentPodHash="")
    assert _states(first) == "ahead ahead"
    assert _states(refused) == "ahead"
    assert (row(refused).step, row(refused).step_index, row(refused).weight) == (None, None, None)


def test_a_plugin_that_was_never_called_is_skipped_when_passed() -> None:
    assert _states(canary(GATE, PAUSE, index=1)) == "skipped current"


def test_a_running_timed_pause_has_an_end() -> None:
    pause = {"pause": {"duration": 90}}
    conditions = [
        {"reason": "InconclusiveAnalysisRun", "startTime": "2026-11-22T13:00:00Z"},
        {"reason": "CanaryPauseStep", "startTime": AT},
    ]
    entry = progress(canary(pause, pauseConditions=conditions))[0]
    assert (entry.started, entry.ends) == (START, START + timedelta(seconds=90))


def test_only_the_pause_step_s_own_condition_starts_its_clock() -> None:
    conditions = [{"reason": "InconclusiveAnalysisRun", "startTime": AT}]
    entry = progress(canary({"pause": {"duration": 90}}, pauseConditions=conditions))[0]
    assert (entry.started, entry.ends) == (None, None)


def test_a_pause_until_promoted_has_no_end() -> None:
    conditions = [{"reason": "CanaryPauseStep", "startTime": AT}]
    entry = progress(canary(PAUSE, pauseConditions=conditions))[0]
    assert (entry.started, entry.ends) == (START, None)


def test_a_plugin_step_starts_with_its_first_call() -> None:
    entry = progress(canary(GATE, records=[record(0, "Running", startedAt=AT)]))[0]
    assert entry.started == START


class TestAborted:
    """The index is back at 0, so only the records tell what had been reached."""

    STEPS = (weight(10), GATE, weight(40), PAUSE, SMOKE, weight(80))

    def test_nothing_is_claimed_without_records(self) -> None:
        assert _states(aborted(*self.STEPS)) == "ahead ahead ahead ahead ahead ahead"

    def test_a_successful_plugin_and_what_precedes_it_are_done(self) -> None:
        r = aborted(*self.STEPS, records=[record(1, "Successful")])
        assert _states(r) == "done done ahead ahead ahead ahead"

    def test_the_failed_plugin_is_failed(self) -> None:
        records = [record(1, "Successful"), record(4, "Failed", name="demo/smoke")]
        r = aborted(*self.STEPS, records=records)
        assert _states(r) == "done done done done failed ahead"

    def test_a_plugin_running_at_the_abort_was_reached_but_is_not_done(self) -> None:
        records = [record(1, "Running"), record(4, "Running", name="demo/smoke")]
        r = aborted(*self.STEPS, records=records)
        assert _states(r) == "done stopped done done stopped ahead"

    def test_a_disabled_plugin_was_passed_over(self) -> None:
        r = aborted(*self.STEPS, records=[record(1, "", disabled=True)])
        assert _states(r) == "done skipped ahead ahead ahead ahead"

    def test_another_step_can_be_known_to_have_failed(self) -> None:
        assert (
            _states(aborted(*self.STEPS), failed_step=2) == "done skipped failed ahead ahead ahead"
        )

    def test_an_abort_not_yet_processed_still_has_its_index(self) -> None:
        r = canary(*self.STEPS, index=2, abort=True, records=[record(1, "Successful")])
        assert _states(r) == "done done current ahead ahead ahead"


def test_every_kind_of_step_has_a_text() -> None:
    kinds = {type(step).__name__ for step in _one_of_each()}
    assert kinds == {kind.__name__ for kind in Step.__args__}
    assert len({step_text(step).split(":")[0] for step in _one_of_each()}) == len(kinds)


def _one_of_each() -> tuple[Step, ...]:
    return steps_of(
        canary(
            weight(1),
            PAUSE,
            GATE,
            {"analysis": {}},
            {"experiment": {}},
            {"setCanaryScale": {"replicas": 1}},
            {"setHeaderRoute": {"name": "h"}},
            {"setMirrorRoute": {"name": "m"}},
            {},
        )
    )
