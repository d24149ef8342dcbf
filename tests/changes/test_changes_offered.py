"""What `get` offers as the next action and what the action does: the two never disagree."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from rolloutctl.domain import changes
from rolloutctl.domain.decision import Decision, Note, NothingToDo, NotObserved, Refused, Seen
from rolloutctl.domain.facts import ActionName, NextAction
from rolloutctl.domain.tree import picture
from support.recorded_states import STORIES, states

DECIDERS: dict[ActionName, Callable[[Seen], Decision]] = {
    ActionName.PROMOTE: lambda seen: changes.promote_next(seen, skip_step=True),
    ActionName.PROMOTE_FULL: lambda seen: changes.promote_full(seen, force=True),
    ActionName.ABORT: changes.abort,
    ActionName.RETRY: changes.retry,
    ActionName.RESUME: changes.resume,
}
Raw = dict[str, Any]


def seen_of(raw: Raw) -> Seen:
    return Seen.read(json.dumps(raw).encode())


def offered(seen: Seen) -> dict[ActionName, NextAction]:
    return {action.action: action for action in picture(seen.rollout).next_actions}


def decided(seen: Seen, action: ActionName) -> Decision | None:
    try:
        return DECIDERS[action](seen)
    except (NothingToDo, NotObserved, Refused):
        return None


def disagreements(seen: Seen) -> list[str]:
    offers = offered(seen)
    found = []
    for action in DECIDERS:
        decision, offer = decided(seen, action), offers.get(action)
        if (decision is None) != (offer is None):
            found.append(f"{action}: offered {offer is not None}, possible {decision is not None}")
        if decision is None or offer is None:
            continue
        pairs = {
            "to": (decision.expected.index, offer.to_index),
            "skips": (tuple(entry.index for entry in decision.skips), offer.skips),
            "terminates": (decision.terminates, offer.terminates),
            "aborts": (decision.aborts, offer.aborts),
            "ends": (decision.ends, offer.ends),
            "again": (Note.ANALYSIS_AGAIN in decision.notes, offer.analysis_again),
            "analysis": (Note.ANALYSIS_SKIPPED in decision.notes, offer.skips_analysis),
        }
        found += [f"{action}: {key}: {a} but {b}" for key, (a, b) in pairs.items() if a != b]
    return found


@pytest.mark.parametrize("story", STORIES)
def test_what_is_offered_is_what_would_be_done(story: str) -> None:
    for state in states(story):
        seen = seen_of(state.raw)
        if state.picture.status.observed:
            assert disagreements(seen) == []
        else:
            assert offered(seen) == {}


def at(story: str, reason: str) -> Raw:
    """The first state with that pause condition, as an object to be edited."""
    for state in states(story):
        if any(pause["reason"] == reason for pause in state.status.get("pauseConditions", [])):
            return copy.deepcopy(state.raw)
    pytest.fail(f"no {reason} in {story}")


def paused_by(raw: Raw, *reasons: str) -> Raw:
    start = "2026-11-22T22:51:42Z"
    raw["status"]["pauseConditions"] = [{"reason": each, "startTime": start} for each in reasons]
    raw["status"]["controllerPause"] = True
    return raw


def test_a_blue_green_pause_with_a_countdown_is_promoted_in_full() -> None:
    seen = seen_of(at("bluegreen-auto", "BlueGreenPause"))
    offer = offered(seen)[ActionName.PROMOTE]
    assert (offer.completes, offer.switches) == (True, "active")
    (change,) = changes.promote_next(seen).changes
    assert change.operations[-1] == {"op": "add", "path": "/status/promoteFull", "value": True}


def test_promoting_a_blue_green_pause_leaves_the_last_word_to_the_analysis_after_it() -> None:
    raw = at("bluegreen-promote", "BlueGreenPause")
    offer = offered(seen_of(raw))[ActionName.PROMOTE]
    assert (offer.completes, offer.switches, offer.analysis_again) == (True, "active", False)
    raw["spec"]["strategy"]["blueGreen"]["postPromotionAnalysis"] = {}
    seen = seen_of(raw)
    offer = offered(seen)[ActionName.PROMOTE]
    assert (offer.completes, offer.switches) == (False, "active")
    assert disagreements(seen) == []


def test_an_inconclusive_analysis_before_the_switch_starts_again() -> None:
    seen = seen_of(paused_by(at("bluegreen-promote", "BlueGreenPause"), "InconclusiveAnalysisRun"))
    offer = offered(seen)[ActionName.PROMOTE]
    assert (offer.analysis_again, offer.completes, offer.switches) == (True, False, "")
    assert disagreements(seen) == []


def test_an_inconclusive_analysis_step_is_left_behind() -> None:
    (state,) = [s for s in states("analysis-terminated") if s.picture.analysis_runs][:1]
    raw = paused_by(copy.deepcopy(state.raw), "InconclusiveAnalysisRun")
    raw["status"]["currentStepIndex"] = 1
    raw["status"]["canary"]["currentStepAnalysisRunStatus"] = {
        "name": "demo-b6bcc645c-2-1",
        "status": "Inconclusive",
    }
    seen = seen_of(raw)
    offer = offered(seen)[ActionName.PROMOTE]
    assert (offer.to_index, offer.skips, offer.analysis_again) == (2, (), False)
    assert disagreements(seen) == []


@pytest.mark.parametrize(
    ("reasons", "to"),
    [
        (("InconclusiveAnalysisRun",), 1),
        (("InconclusiveAnalysisRun", "CanaryPauseStep"), 2),
        (("CanaryPauseStep", "InconclusiveAnalysisRun"), 2),
    ],
)
def test_an_inconclusive_background_analysis_starts_again_and_a_pause_step_is_left(
    reasons: tuple[str, ...], to: int
) -> None:
    seen = seen_of(paused_by(at("analysis-background-success", "CanaryPauseStep"), *reasons))
    offer = offered(seen)[ActionName.PROMOTE]
    assert (offer.to_index, offer.analysis_again) == (to, True)
    assert disagreements(seen) == []


def test_what_a_promotion_past_an_analysis_ends() -> None:
    state = next(
        s
        for s in states("analysis-terminated")
        if s.status.get("canary", {}).get("currentStepAnalysisRunStatus", {}).get("status")
        == "Running"
    )
    seen = seen_of(state.raw)
    for action in (ActionName.PROMOTE, ActionName.PROMOTE_FULL, ActionName.ABORT):
        ended = [(run.kind, run.name, run.type) for run in offered(seen)[action].ends]
        assert ended == [("AnalysisRun", "demo-b6bcc645c-2-1", "Step")]


def test_a_promotion_past_a_step_leaves_the_background_analysis() -> None:
    state = next(
        s
        for s in states("analysis-background-success")
        if s.status.get("canary", {}).get("currentBackgroundAnalysisRunStatus", {}).get("status")
        == "Running"
        and not s.status.get("pauseConditions")
        and s.status.get("currentStepIndex", 0) < 4
    )
    offers = offered(seen_of(state.raw))
    assert offers[ActionName.PROMOTE].ends == ()
    assert [run.type for run in offers[ActionName.ABORT].ends] == ["Background"]


def test_an_experiment_under_way_is_ended_too() -> None:
    state = next(
        s for s in states("experiment-step") if s.status.get("canary", {}).get("currentExperiment")
    )
    offers = offered(seen_of(state.raw))
    (run,) = offers[ActionName.PROMOTE].ends
    assert (run.kind, run.name) == ("Experiment", "demo-b6bcc645c-2-0")
    assert offers[ActionName.ABORT].ends == (run,)
