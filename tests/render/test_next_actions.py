"""What the page offers next: never what would be refused, and the words for what comes of it."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rolloutctl.domain import changes
from rolloutctl.domain.decision import NeedsForce, NeedsSkip, NotObserved, Seen
from rolloutctl.domain.facts import ActionName
from rolloutctl.domain.tree import picture
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line
from rolloutctl.render.views import next_actions
from support.recorded_states import STORIES, states

SURFACE = Surface(width=0, now=datetime(2026, 11, 22, 23, tzinfo=UTC))
Raw = dict[str, Any]


def seen_of(raw: Raw) -> Seen:
    return Seen.read(json.dumps(raw).encode())


def text(lines: list[Line]) -> str:
    return "\n".join("".join(span.text for span in line) for line in lines)


def page(raw: Raw) -> dict[str, str]:
    """What is said of each action, by its name."""
    shown = text(next_actions.lines(picture(seen_of(raw).rollout), SURFACE))
    found = (line.strip().partition("   ") for line in shown.splitlines()[1:])
    return {name: effects.strip() for name, _, effects in found}


def said_and_asked(seen: Seen) -> list[str]:
    """Where the page does not say what option the command will ask for, or says too much."""
    wrong = []
    for offer in picture(seen.rollout).next_actions:
        asks = ""
        try:
            if offer.action is ActionName.PROMOTE:
                changes.promote_next(seen)
            elif offer.action is ActionName.PROMOTE_FULL:
                changes.promote_full(seen)
        except (NeedsSkip, NotObserved) as error:  # of a pause that is just beginning, the latter
            assert "--skip-step" in error.hint
            asks = "--skip-step"
        except NeedsForce:
            asks = "--force"
        says = "--force" if offer.needs_force else ""
        says = "--skip-step" if next_actions.needs_skip(offer) else says
        if asks != says:
            wrong.append(f"{offer.action}: asks for {asks or 'nothing'}, said {says or 'nothing'}")
    return wrong


@pytest.mark.parametrize("story", STORIES)
def test_the_page_says_which_option_a_command_will_ask_for(story: str) -> None:
    for state in states(story):
        assert said_and_asked(seen_of(state.raw)) == []


def paused_at(story: str, *reasons: str, index: int | None = None) -> Raw:
    """The first state of the story's update, paused for these reasons."""
    for state in states(story):
        status = state.status
        if status.get("stableRS", "") in ("", status.get("currentPodHash")):
            continue
        raw = copy.deepcopy(state.raw)
        start = "2026-11-22T22:51:42Z"
        raw["status"] |= {
            "phase": "Paused",
            "message": reasons[0],
            "controllerPause": True,
            "pauseConditions": [{"reason": each, "startTime": start} for each in reasons],
        }
        if index is not None:
            raw["status"]["currentStepIndex"] = index
        return raw
    pytest.fail(f"no update in {story}")


def test_an_inconclusive_experiment_is_not_passed_by_a_promotion() -> None:
    raw = paused_at("experiment-step", "InconclusiveExperiment", index=0)
    said = page(raw)["promote"]
    assert said.startswith("goes on at step 1 of 2, experiment")
    assert "is not passed: a new one runs, and decides" in said
    assert said_and_asked(seen_of(raw)) == []


def test_an_inconclusive_analysis_before_the_switch_runs_again() -> None:
    raw = paused_at("bluegreen-promote", "BlueGreenPause", "InconclusiveAnalysisRun")
    assert "the inconclusive analysis runs again" in page(raw)["promote"]
    assert "moves the Service" not in page(raw)["promote"]
    assert said_and_asked(seen_of(raw)) == []


def test_a_countdown_with_an_analysis_after_it_is_not_cut_short_in_passing() -> None:
    raw = paused_at("bluegreen-auto", "BlueGreenPause")
    raw["spec"]["strategy"]["blueGreen"]["postPromotionAnalysis"] = {}
    said = page(raw)["promote"]
    assert "its post-promotion analysis is not waited for" in said
    assert "needs --skip-step" in said
    assert said_and_asked(seen_of(raw)) == []


def test_what_a_person_holds_is_resumed_and_not_promoted() -> None:
    raw = paused_at("bluegreen-promote", "BlueGreenPause")
    raw["spec"]["paused"] = True
    assert "promote" not in page(raw)
    assert "resume" in page(raw)
