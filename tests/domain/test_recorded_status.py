"""Phase and message against the recordings: every state a real controller's rollouts were in."""

from __future__ import annotations

from datetime import datetime

import pytest

from rolloutctl.domain.status import computed_phase, is_complete, is_observed, status_of
from rolloutctl.domain.steps import StepState, current_index, step_text, steps_of
from rolloutctl.domain.tree import row
from rolloutctl.domain.wire import Rollout
from support.recorded_states import STORIES, State, states

WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation"


def observed(state: State) -> bool:
    """The controller had seen this very spec, and this generation of the workload it refers to."""
    metadata, status = state.raw["metadata"], state.status
    if status.get("observedGeneration", str(metadata["generation"])) != str(metadata["generation"]):
        return False
    if "workloadRef" not in state.raw["spec"]:
        return True
    told = metadata.get("annotations", {}).get(WORKLOAD_GENERATION)
    return told is None or bool(status.get("workloadObservedGeneration") == told)


def resuming(state: State) -> bool:
    """A client has cleared the pause, the controller has not yet reacted."""
    status = state.status
    return bool(status.get("controllerPause")) and not status.get("pauseConditions")


def test_there_are_recordings() -> None:
    assert len(STORIES) > 50


@pytest.mark.parametrize("story", STORIES)
def test_observed_is_what_the_two_generations_say(story: str) -> None:
    for state in states(story):
        assert is_observed(state.rollout) is observed(state)
        assert state.picture.status.observed is observed(state)


@pytest.mark.parametrize("story", STORIES)
def test_status_is_the_stored_one_where_it_may_be_trusted(story: str) -> None:
    # Two kinds of writes leave the old phase in place, and are told by their fields: one that
    # changes the spec (or the controller's own, of a new version's ReplicaSet, before it has
    # observed that spec), and a client's that clears the pause conditions.
    trusted = [s for s in states(story) if observed(s) and not resuming(s)]
    for state in trusted:
        status = status_of(state.rollout)
        if state.stored[0]:
            assert (status.phase, status.message) == state.stored
    assert sum(bool(state.stored[0]) for state in trusted) >= 1


@pytest.mark.parametrize("story", STORIES)
def test_the_computed_phase_is_what_the_controller_computed(story: str) -> None:
    for state in states(story):
        if observed(state) and not resuming(state) and state.stored[0]:
            assert computed_phase(state.rollout) == state.stored


@pytest.mark.parametrize("story", STORIES)
def test_what_cannot_be_trusted_is_called_progressing(story: str) -> None:
    for state in states(story):
        status = status_of(state.rollout)
        if not observed(state) or resuming(state):
            assert status.phase == "Progressing"
            assert status.message.startswith("waiting for rollout")
            assert not status.awaits
            assert not is_complete(state.rollout)
        elif not state.stored[0]:
            assert status.phase == "Progressing"
            assert not is_complete(state.rollout)


@pytest.mark.parametrize("story", STORIES)
def test_nothing_is_trusted_longer_than_the_controller_takes(story: str) -> None:
    """Somebody changed the spec or cleared a pause: an exception never comes from nowhere."""
    for was, now in zip(states(story), states(story)[1:], strict=False):
        if observed(was) and not observed(now):
            generation = was.raw["metadata"]["generation"]
            annotations = was.raw["metadata"].get("annotations", {})
            workload = annotations.get(WORKLOAD_GENERATION)
            ours = now.raw["metadata"]
            assert (
                ours["generation"] > generation
                or ours["annotations"].get(WORKLOAD_GENERATION) != workload
            )
        if resuming(now) and not resuming(was):
            assert now.deed is not None
            assert now.deed["patch"] == {"status": {"pauseConditions": None}}


@pytest.mark.parametrize("story", STORIES)
def test_a_row_says_what_the_picture_says(story: str) -> None:
    for state in states(story):
        facts, line = state.picture, row(state.rollout)
        assert (line.ref, line.phase, line.message) == (
            facts.ref,
            facts.status.phase,
            facts.status.message,
        )
        assert (line.awaiting, line.strategy) == (facts.status.awaiting, facts.strategy)
        assert line.step_count == len(facts.steps)
        current = [e for e in facts.steps if e.state is StepState.CURRENT]
        if current:
            assert line.step is not None and line.step_index == current[0].index
            # A row leaves a plugin's configuration out.
            assert step_text(line.step) == step_text(current[0].step)
            run = current[0].plugin
            assert line.plugin_phase == (run.phase if run is not None else "")
        if line.failed_step is not None:
            assert line.failed_step == facts.failed_step


@pytest.mark.parametrize("story", STORIES)
def test_no_phase_is_said_to_begin_after_it_was_written(story: str) -> None:
    for state in states(story):
        since = state.picture.status.since
        written = [
            moment
            for condition in state.rollout.status.conditions or ()
            if (moment := condition.last_update_time) is not None
        ]
        if since is not None:
            assert since <= max([*written, *_pause_starts(state.rollout)])


@pytest.mark.parametrize("story", STORIES)
def test_a_pause_that_ends_by_itself_ends_when_it_said(story: str) -> None:
    """The controller takes whole seconds, and a moment to get to it."""
    for was, now in zip(states(story), states(story)[1:], strict=False):
        ends = was.picture.status.ends
        if ends is None or not was.status.get("pauseConditions"):
            continue
        assert was.picture.status.awaiting is None
        if now.status.get("pauseConditions") or now.deed is not None:
            continue
        ended = now.picture.rollout.status.conditions or []
        moments = [c.last_update_time for c in ended if c.last_update_time is not None]
        assert 0 <= (max(moments) - ends).total_seconds() <= 2


def _pause_starts(r: Rollout) -> list[datetime]:
    starts = (condition.start_time for condition in r.status.pause_conditions or ())
    return [start for start in starts if start is not None]


@pytest.mark.parametrize("story", STORIES)
def test_the_index_is_within_the_steps(story: str) -> None:
    for state in states(story):
        assert 0 <= current_index(state.rollout) <= len(steps_of(state.rollout))
