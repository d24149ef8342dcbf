"""Every recorded state of every rollout has an explanation that fits its phase."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from rolloutctl.domain import wire
from rolloutctl.domain.decision import Seen
from rolloutctl.domain.explain import Material, explain
from rolloutctl.domain.explain.commands import Command, Verdict
from rolloutctl.domain.explain.facts import CauseKind as K
from rolloutctl.domain.explain.facts import EndedBy, Explanation
from rolloutctl.domain.steps import Pause, current_step
from rolloutctl.domain.wire_details import AnalysisRunDetails, ExperimentDetails
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import width
from rolloutctl.render.views import explanation as view
from support.objects import START
from support.recorded import trace
from support.recorded_states import STORIES, State, states

PAUSES = {
    K.PAUSED_BY_PERSON,
    K.PAUSE_FOR_PERSON,
    K.PAUSE_TIMED,
    K.PREVIEW_FOR_PERSON,
    K.PREVIEW_COUNTDOWN,
}
ABORTS = {
    K.ABORTED_BY_PERSON,
    K.PLUGIN_FAILED,
    K.ANALYSIS_FAILED,
    K.EXPERIMENT_FAILED,
    K.ABORTING,
}
STUCK = {K.PLUGIN_ERROR, K.PLUGIN_NOT_CONFIGURED, K.PODS_COMING, K.DEADLINE}


def explained(story: str, state: State) -> Explanation:
    """The state as a reader without access to pods would explain it."""

    def decoded(plural: str, as_type: type[Any]) -> list[Any]:
        items = state.objects.get(plural, {}).values()
        return [msgspec.json.decode(json.dumps(item), type=as_type) for item in items]

    said = [
        msgspec.json.decode(json.dumps(event["object"]), type=wire.Event)
        for event in trace(story)["watch"]
        if event["kind"] == "events" and event["t"] <= state.t
    ]
    return explain(
        Material(
            Seen(state.rollout, state.raw),
            replica_sets=decoded("replicasets", wire.ReplicaSet),
            runs=decoded("analysisruns", AnalysisRunDetails),
            experiments=decoded("experiments", ExperimentDetails),
            events=said,
        )
    )


@pytest.mark.parametrize("story", STORIES)
def test_the_cause_fits_the_phase(story: str) -> None:
    for state in states(story):
        found = explained(story, state)
        kind, status = found.cause.kind, found.picture.status
        if kind in {K.NO_CONTROLLER, K.NOT_OBSERVED}:
            assert not status.observed or not state.rollout.status.phase
        elif status.promoting_fully:
            assert kind is K.PROMOTING_FULL
        elif status.aborted:
            assert kind in ABORTS
        elif status.phase == "Healthy":
            assert kind is K.NOTHING
        elif status.phase == "Paused":
            assert kind in PAUSES
        elif status.phase == "Degraded":
            invalid = "InvalidSpec" in status.message
            assert kind is K.INVALID_SPEC if invalid else kind in STUCK
        else:
            assert status.phase == "Progressing"
            assert kind not in PAUSES | ABORTS | {K.NOTHING, K.INVALID_SPEC}


@pytest.mark.parametrize("story", STORIES)
def test_whom_it_waits_for_agrees_with_what_the_rest_of_the_tool_says(story: str) -> None:
    for state in states(story):
        found = explained(story, state)
        awaits = found.picture.status.awaiting
        asked_for = found.cause.kind in {K.ABORTING, K.PROMOTING_FULL}
        if awaits is not None and not asked_for:
            assert found.cause.ended_by is EndedBy.PERSON
        if found.cause.kind in PAUSES and found.cause.ended_by is EndedBy.PERSON:
            assert awaits is not None


@pytest.mark.parametrize("story", STORIES)
def test_what_is_offered_agrees_with_what_can_be_done(story: str) -> None:
    """What `get` offers next works here too, and the other way round.

    A pause that is just beginning cannot be promoted yet: that is refused for a moment.
    """
    for state in states(story):
        found = explained(story, state)
        if not found.outcomes or found.cause.kind in {K.INVALID_SPEC, K.NOT_OBSERVED}:
            continue
        offered = {action.action.value for action in found.picture.next_actions}
        able = {
            item.command.value
            for item in found.outcomes
            if item.verdict in {Verdict.WORKS, Verdict.NEEDS_OPTION}
        }
        able -= {Command.PAUSE, Command.UNDO, Command.TERMINATE_ANALYSIS}
        if "promote" in offered - able:
            assert isinstance(current_step(state.rollout), Pause)
            assert not state.rollout.status.pause_conditions
            able.add("promote")
        assert able == offered, (state.t, found.cause.kind)


@pytest.mark.parametrize("story", STORIES)
def test_every_state_has_a_page_that_fits_a_terminal(story: str) -> None:
    surface = Surface(80, now=START)
    for state in states(story):
        for line in view.lines(explained(story, state), surface):
            assert width(line) <= 80
