"""What went wrong in the recordings: the cause, and the step an abort came from."""

from __future__ import annotations

import re

import pytest

from rolloutctl.domain.plugins import will_abort
from rolloutctl.domain.steps import StepState
from support.recorded import trace
from support.recorded_states import STORIES, State, final, states, told

ABORTED = re.compile(r"Rollout aborted update to revision (\d+)(?:: (?P<cause>.*))?", re.DOTALL)
PLUGIN_FAILED = re.compile(r"Step plugin \S+ \(step (\d+)\) transitioned to Failed")
PLUGIN_ABORTED = re.compile(r"Step plugin \S+ \(step (\d+)\) aborted \(\w+\)")
BAD = [name for name in STORIES if any(s.stored[0] == "Degraded" for s in states(name))]


def settled(state: State) -> bool:
    return bool(state.status.get("abort")) and "abortedAt" in state.status


def test_there_are_many_ways_to_end_badly() -> None:
    assert len(BAD) >= 20
    assert sum(any(settled(s) for s in states(name)) for name in BAD) >= 12


@pytest.mark.parametrize("story", BAD)
def test_the_cause_is_what_the_controller_told(story: str) -> None:
    """An abort's cause is in its event, anything else's in the message of the phase."""
    causes = {}
    for event in told(story, "RolloutAborted"):
        found = ABORTED.fullmatch(event.message)
        assert found is not None
        causes[int(found[1])] = found["cause"] or ""
    for state in states(story):
        phase, message = state.stored
        facts = state.picture
        if not facts.status.observed:
            continue
        if phase != "Degraded":
            assert facts.cause == ""
        elif message.startswith("RolloutAborted"):
            assert facts.cause == causes[facts.revision]
        elif message.startswith("InvalidSpec"):
            assert message.endswith(facts.cause) and facts.cause.startswith("spec.")
        else:
            assert facts.cause
            assert facts.cause == message.partition(": ")[2]


@pytest.mark.parametrize("story", BAD)
def test_the_step_an_abort_came_from(story: str) -> None:
    """By the runs' labels and the plugins' events; a person's and a background's have none."""
    aborted = [state for state in states(story) if settled(state)]
    if settled(final(story)):
        aborted.append(final(story))
    for state in aborted:
        expected = _failed_run(state)
        for event in told(story, "StepPluginTransition"):
            found = PLUGIN_FAILED.fullmatch(event.message)
            if found is not None:
                expected = int(found[1]) - 1
        facts = state.picture
        assert facts.failed_step == expected
        failed = [e.index for e in facts.steps if e.state is StepState.FAILED]
        assert failed == ([] if expected is None else [expected])
        assert StepState.CURRENT not in {entry.state for entry in facts.steps}


def _failed_run(state: State) -> int | None:
    for run in state.objects.get("analysisruns", {}).values():
        labels = run["metadata"]["labels"]
        if labels["rollout-type"] == "Step" and run["status"]["phase"] in {"Failed", "Error"}:
            return int(labels["step-index"])
    return None


@pytest.mark.parametrize("story", BAD)
def test_abort_calls_come_in_the_foretold_order(story: str) -> None:
    events = [
        int(found[1]) - 1
        for event in told(story, "StepPluginTransition")
        if (found := PLUGIN_ABORTED.fullmatch(event.message)) is not None
    ]
    called: list[int] = []
    for was, now in zip(states(story), states(story)[1:], strict=False):
        if now.status.get("abort") and not was.status.get("abort"):
            called += [run.index for run in will_abort(was.rollout)]
    if any(deed["action"].startswith("ConfigMap") for deed in trace(story)["actions"]):
        # A plugin was switched off in between, which the rollout does not show.
        assert set(events) <= set(called)
    else:
        assert called == events
