"""Plugin records joined into timelines, and the calls an abort or a promotion would make."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rolloutctl.domain.plugin_config import PluginConfiguration, PluginItem, parse
from rolloutctl.domain.plugins import (
    Availability,
    plugin_runs,
    running,
    stray_records,
    will_abort,
    will_terminate,
)
from support.objects import AT, GATE, PAUSE, SMOKE, START, aborted, canary, record, weight

STEPS = (GATE, weight(20), GATE, PAUSE, SMOKE)


def configured(**disabled: bool) -> PluginConfiguration:
    items = tuple(
        PluginItem("step", f"demo/{name}", "file:///x", "", off) for name, off in disabled.items()
    )
    return PluginConfiguration(items, ())


def test_every_plugin_step_has_a_timeline_called_or_not() -> None:
    runs = plugin_runs(canary(*STEPS, records=[record(0, "Successful", executions=3)]))
    assert [(run.index, run.name, run.phase) for run in runs.values()] == [
        (0, "demo/gate", "Successful"),
        (2, "demo/gate", ""),
        (4, "demo/smoke", ""),
    ]
    assert runs[0].executions == 3
    assert (runs[0].recorded, runs[2].recorded) == (True, False)


def test_abort_and_terminate_join_the_run_and_leave_its_phase() -> None:
    records = [
        record(0, "Running", status={"job": 8812}),
        record(0, "Failed", operation="Abort", message="no", startedAt=AT, finishedAt=AT),
        record(0, "Successful", operation="Terminate"),
    ]
    run = plugin_runs(canary(*STEPS, records=records))[0]
    assert (run.phase, run.status) == ("Running", {"job": 8812})
    assert run.abort is not None
    assert run.terminate is not None
    assert (run.abort.phase, run.abort.message, run.abort.finished_at) == ("Failed", "no", START)
    assert run.terminate.phase == "Successful"
    assert not run.in_flight


@pytest.mark.parametrize(
    "stray",
    [
        record(9, "Running"),
        record(-1, "Running"),
        record(1, "Running"),
        record(0, "Running", name="demo/another"),
    ],
)
def test_records_that_fit_no_plugin_step_are_set_apart(stray: dict[str, Any]) -> None:
    r = canary(*STEPS, records=[stray])
    assert all(not run.recorded for run in plugin_runs(r).values())
    assert (running(r), will_abort(r), will_terminate(r)) == ((), (), None)
    assert [entry.index for entry in stray_records(r)] == [stray["index"]]


def test_of_two_records_of_the_same_kind_the_last_counts() -> None:
    r = canary(*STEPS, records=[record(0, "Running"), record(0, "Successful")])
    assert plugin_runs(r)[0].phase == "Successful"
    assert will_terminate(r) is None


def test_an_operation_or_phase_nobody_knows_does_no_harm() -> None:
    r = canary(*STEPS, records=[record(0, "Thinking"), record(0, "Running", operation="Dream")])
    assert plugin_runs(r)[0].phase == "Thinking"
    assert (running(r), will_abort(r), will_terminate(r)) == ((), (), None)


class TestNextCall:
    RECORD = record(0, "Running", updatedAt=AT, backoff="30s")

    def test_is_the_last_call_and_the_backoff(self) -> None:
        run = plugin_runs(canary(GATE, records=[self.RECORD]))[0]
        assert (run.backoff, run.next_call) == (
            timedelta(seconds=30),
            START + timedelta(seconds=30),
        )

    @pytest.mark.parametrize(
        "status",
        [
            {"phase": "Degraded"},
            {"phase": "Paused"},
            {"phase": "Progressing", "spec": {"paused": True}},
        ],
    )
    def test_is_suspended_while_the_rollout_is_not_progressing(
        self, status: dict[str, Any]
    ) -> None:
        run = plugin_runs(canary(GATE, records=[self.RECORD], **status))[0]
        assert (run.next_call, run.suspended) == (None, True)

    def test_is_none_for_a_step_that_was_left(self) -> None:
        run = plugin_runs(canary(GATE, PAUSE, index=1, records=[self.RECORD]))[0]
        assert (run.next_call, run.suspended, run.in_flight) == (None, False, True)

    def test_is_none_once_aborted_or_fully_promoted(self) -> None:
        for r in (
            aborted(GATE, records=[self.RECORD]),
            canary(GATE, records=[self.RECORD], promoteFull=True),
        ):
            assert plugin_runs(r)[0].next_call is None

    @pytest.mark.parametrize("backoff", ["", "soon"])
    def test_never_comes_after_an_error_without_a_backoff(self, backoff: str) -> None:
        entry = record(0, "Error", updatedAt=AT, backoff=backoff)
        run = plugin_runs(canary(GATE, records=[entry]))[0]
        assert (run.next_call, run.stuck) == (None, True)

    def test_an_error_is_tried_again(self) -> None:
        entry = record(0, "Error", updatedAt=AT, backoff="30s")
        run = plugin_runs(canary(GATE, records=[entry]))[0]
        assert (run.next_call, run.stuck) == (START + timedelta(seconds=30), False)


class TestWillAbort:
    RECORDS = (
        record(0, "Successful"),
        record(2, "Error"),
        record(4, "Running", name="demo/smoke"),
    )

    def test_goes_backwards_over_running_and_successful(self) -> None:
        r = canary(*STEPS, index=4, records=list(self.RECORDS))
        assert [run.index for run in will_abort(r)] == [4, 0]

    def test_follows_the_order_of_the_list_not_of_the_steps(self) -> None:
        r = canary(*STEPS, index=4, records=list(reversed(self.RECORDS)))
        assert [run.index for run in will_abort(r)] == [0, 4]

    def test_leaves_out_what_was_aborted_whatever_came_of_it(self) -> None:
        again = record(0, "Error", operation="Abort")
        r = canary(*STEPS, index=4, records=[*self.RECORDS, again])
        assert [run.index for run in will_abort(r)] == [4]

    def test_leaves_out_disabled_plugins(self) -> None:
        r = canary(*STEPS, index=4, records=list(self.RECORDS))
        config = configured(gate=False, smoke=True)
        assert [run.index for run in will_abort(r, config)] == [0]

    def test_gets_no_further_than_a_plugin_that_is_not_configured(self) -> None:
        r = canary(*STEPS, index=4, records=list(self.RECORDS))
        assert will_abort(r, configured(gate=False)) == ()


class TestWillTerminate:
    def test_is_the_last_running_record(self) -> None:
        records = [record(0, "Running"), record(2, "Running"), record(4, "Successful")]
        found = will_terminate(canary(*STEPS, index=4, records=records))
        assert found is not None
        assert found.index == 2

    @pytest.mark.parametrize("phase", ["Successful", "Failed", "Error"])
    def test_is_none_when_that_was_terminated_whatever_came_of_it(self, phase: str) -> None:
        records = [
            record(0, "Running"),
            record(2, "Running"),
            record(2, phase, operation="Terminate"),
        ]
        assert will_terminate(canary(*STEPS, index=3, records=records)) is None

    def test_counts_a_run_that_was_aborted_before(self) -> None:
        records = [record(0, "Running"), record(0, "Successful", operation="Abort")]
        found = will_terminate(aborted(*STEPS, records=records))
        assert found is not None
        assert found.index == 0

    def test_is_none_for_a_disabled_plugin(self) -> None:
        r = canary(*STEPS, records=[record(0, "Running")])
        assert will_terminate(r, configured(gate=True)) is None
        assert will_terminate(r, configured(gate=False)) is not None


def test_availability_is_what_the_configuration_says() -> None:
    r = canary(*STEPS, {"plugin": {"name": "demo/unheard-of"}})
    runs = plugin_runs(r, configured(gate=False, smoke=True))
    assert [run.availability for run in runs.values()] == [
        Availability.ENABLED,
        Availability.ENABLED,
        Availability.DISABLED,
        Availability.NOT_CONFIGURED,
    ]
    assert {run.availability for run in plugin_runs(r).values()} == {Availability.UNKNOWN}


def test_only_step_plugins_make_a_step_available() -> None:
    config = PluginConfiguration((PluginItem("metric", "demo/gate", "file:///x", "", False),), ())
    assert plugin_runs(canary(GATE), config)[0].availability is Availability.NOT_CONFIGURED


def test_a_configuration_with_problems_does_not_show_what_is_missing() -> None:
    (problem,) = parse({"stepPlugins": "- name: noslash\n  location: file:///x\n"}).problems
    config = PluginConfiguration((), (problem,))
    assert plugin_runs(canary(GATE), config)[0].availability is Availability.UNKNOWN
