"""Steps and plugins against the recordings: what the states show is what the events told."""

from __future__ import annotations

import re

import pytest

from rolloutctl.domain.plugins import PluginRun, plugin_runs, stray_records, will_abort
from rolloutctl.domain.status import is_observed
from rolloutctl.domain.steps import StepState, progress, step_text, steps_of
from support.recorded import trace
from support.recorded_states import STORIES, State, states, told

PLUGIN_EVENT = re.compile(
    r"Step plugin (?P<name>\S+) \(step (?P<step>\d+)\) "
    r"(?:transitioned to (?P<run>\w+)|aborted \((?P<abort>\w+)\)|terminated \((?P<terminate>\w+)\))"
)
EVENTS_IN_A_BURST = 25
"""So many events about one object are sent in a row; what comes later is dropped by the sender."""

Call = tuple[int, str, str]
"""Step counted from 1, "run", "abort" or "terminate", phase."""


def _completes(was: State, now: State) -> bool:
    """The controller moved the index within one update, by steps."""
    before, after = was.status, now.status
    return (
        now.deed is None
        and not before.get("promoteFull")
        and not after.get("abort")
        and bool(before.get("stableRS"))
        and before["stableRS"] != before.get("currentPodHash")
        and all(before.get(k) == after.get(k) for k in ("currentPodHash", "currentStepHash"))
        and before.get("currentStepIndex") != after.get("currentStepIndex")
    )


@pytest.mark.parametrize("story", STORIES)
def test_steps_are_done_as_the_events_tell_in_their_order(story: str) -> None:
    seen = []
    for was, now in zip(states(story), states(story)[1:], strict=False):
        if not _completes(was, now):
            continue
        (left,) = [entry for entry in was.picture.steps if entry.state is StepState.CURRENT]
        assert now.status["currentStepIndex"] == left.index + 1
        behind = now.picture.steps[left.index]
        # A disabled plugin completes its step as well, without having done anything.
        disabled = behind.plugin is not None and behind.plugin.disabled
        assert behind.state is (StepState.SKIPPED if disabled else StepState.DONE)
        count, text = len(now.picture.steps), step_text(left.step)
        seen.append(f"Rollout step {left.index + 1}/{count} completed ({text})")
    events = [event.message for event in told(story, "RolloutStepCompleted")]
    assert events == seen[: len(events)]
    if len(events) < len(seen):
        everything = told(story, *_reasons(story))
        assert len(everything) >= EVENTS_IN_A_BURST


def _reasons(story: str) -> tuple[str, ...]:
    events = (e["object"] for e in trace(story)["watch"] if e["kind"] == "events")
    return tuple(sorted({event["reason"] for event in events}))


@pytest.mark.parametrize("story", STORIES)
def test_no_step_is_called_done_before_the_controller_said_so(story: str) -> None:
    """Steps are done for a reason: told so, or moved past by the index with none of them left."""
    for state in states(story):
        if state.picture.status.aborted or state.picture.status.fully_promoted:
            continue
        index = state.status.get("currentStepIndex", 0)
        for entry in state.picture.steps:
            if entry.state in {StepState.DONE, StepState.FAILED, StepState.STOPPED}:
                assert entry.index < index


@pytest.mark.parametrize("story", STORIES)
def test_a_plugin_step_is_done_only_if_the_controller_said_so(story: str) -> None:
    completed = {event.message for event in told(story, "RolloutStepCompleted")}
    for state in states(story):
        steps = state.picture.steps
        for entry in steps:
            if entry.plugin is not None and entry.state is StepState.DONE:
                text = step_text(entry.step)
                assert (
                    f"Rollout step {entry.index + 1}/{len(steps)} completed ({text})" in completed
                )


@pytest.mark.parametrize("story", STORIES)
def test_the_current_step_is_that_of_the_stored_index(story: str) -> None:
    for state in states(story):
        index = state.status.get("currentStepIndex")
        current = [e.index for e in progress(state.rollout) if e.state is StepState.CURRENT]
        # Without a stable version the index is 0 for a moment, and no step is run.
        if index is not None and state.status.get("stableRS") and not state.picture.status.aborted:
            assert current == ([index] if index < len(steps_of(state.rollout)) else [])
        elif not state.picture.status.aborted:
            assert current == []


def _calls(runs: dict[int, PluginRun], order: list[int]) -> list[Call]:
    found: list[Call] = []
    for run in runs.values():
        # Success of a Run has no such event.
        if run.phase and run.phase != "Successful":
            found.append((run.index + 1, "run", run.phase))
    foretold = [index for index in order if index in runs]
    for index in [*foretold, *(index for index in runs if index not in foretold)]:
        run = runs[index]
        if run.abort is not None:
            found.append((run.index + 1, "abort", run.abort.phase))
        if run.terminate is not None:
            found.append((run.index + 1, "terminate", run.terminate.phase))
    return found


@pytest.mark.parametrize("story", STORIES)
def test_plugin_timelines_are_those_of_the_events_in_their_order(story: str) -> None:
    events: list[Call] = []
    for event in told(story, "StepPluginTransition"):
        found = PLUGIN_EVENT.fullmatch(event.message)
        assert found is not None, event.message
        kind = found.lastgroup
        assert kind is not None
        events.append((int(found["step"]), kind, found[kind]))
        assert event.type == ("Warning" if found[kind] in {"Error", "Failed"} else "Normal")
    seen: list[Call] = []
    last: list[Call] = []
    order: list[int] = []
    for state in states(story):
        # Calls that came within one write are in the order that was foretold before it.
        now = _calls(plugin_runs(state.rollout), order)
        seen += [call for call in now if call not in last]
        last, order = now, [run.index for run in will_abort(state.rollout)]
    assert seen == events


@pytest.mark.parametrize("story", STORIES)
def test_a_plugin_is_called_no_sooner_than_it_was_said(story: str) -> None:
    for was, now in zip(states(story), states(story)[1:], strict=False):
        if was.status.get("currentPodHash") != now.status.get("currentPodHash"):
            continue
        after = plugin_runs(now.rollout)
        for index, run in plugin_runs(was.rollout).items():
            if run.next_call is None or index not in after:
                continue
            again = after[index]
            if again.executions == run.executions + 1 and not was.status.get("promoteFull"):
                assert again.updated_at is not None
                # Whole seconds on both sides.
                assert again.updated_at >= run.next_call


@pytest.mark.parametrize("story", STORIES)
def test_only_edited_steps_leave_records_that_fit_no_step(story: str) -> None:
    for state in states(story):
        if stray_records(state.rollout):
            assert not is_observed(state.rollout)


@pytest.mark.parametrize("story", ["istio-full", "canary-pause-full"])
def test_a_full_promotion_under_way_calls_no_step_done_that_it_jumped_over(story: str) -> None:
    under_way = [s for s in states(story) if s.status.get("promoteFull")]
    jumped = [s for s in under_way if s.status["currentStepIndex"] == len(s.picture.steps)]
    assert jumped
    for state in jumped:
        assert {entry.state for entry in state.picture.steps} == {StepState.PASSED}
