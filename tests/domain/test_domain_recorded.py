"""The model against a real controller's recordings: every state of every story."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from rolloutctl.domain import wire
from rolloutctl.domain.facts import RolloutPicture
from rolloutctl.domain.plugins import PluginRun, plugin_runs, stray_records, will_abort
from rolloutctl.domain.status import computed_phase, is_complete, is_observed, status_of
from rolloutctl.domain.steps import StepState, current_index, progress, step_text, steps_of
from rolloutctl.domain.tree import picture, row
from rolloutctl.domain.wire import Rollout
from support.recorded import trace

DATA = Path(__file__).parent.parent / "traces" / "data"
STORIES = sorted(path.name.removesuffix(".json.gz") for path in DATA.rglob("*.json.gz"))
STEP_COMPLETED = re.compile(r"Rollout step (\d+)/(\d+) completed \((.*)\)")
PLUGIN_EVENT = re.compile(
    r"Step plugin (\S+) \(step (\d+)\) "
    r"(?:transitioned to (?P<run>\w+)|aborted \((?P<abort>\w+)\)|terminated \((?P<terminate>\w+)\))"
)
TYPES: dict[str, type[Any]] = {
    "rollouts": Rollout,
    "replicasets": wire.ReplicaSet,
    "analysisruns": wire.AnalysisRun,
    "experiments": wire.Experiment,
}


class State(NamedTuple):
    """A rollout as it was written once, raw and decoded, and all that was there at that time."""

    raw: dict[str, Any]
    rollout: Rollout
    picture: RolloutPicture

    @property
    def stored(self) -> tuple[str, str]:
        status = self.raw.get("status", {})
        return status.get("phase", ""), status.get("message", "")


@cache
def states(story: str) -> tuple[State, ...]:
    found: list[State] = []
    present: dict[str, dict[str, Any]] = {kind: {} for kind in TYPES}
    for event in trace(story)["watch"]:
        kind, raw = event["kind"], event["object"]
        if kind not in TYPES:
            continue
        name = raw["metadata"]["name"]
        if event["type"] == "DELETED":
            present[kind].pop(name, None)
            continue
        present[kind][name] = msgspec.json.decode(json.dumps(raw), type=TYPES[kind])
        if kind == "rollouts":
            found.append(State(raw, present[kind][name], _picture(present[kind][name], present)))
    return tuple(found)


def final(story: str) -> RolloutPicture:
    """The picture of what was there at the end; every story has one rollout."""
    objects = {
        kind: {
            raw["metadata"]["name"]: msgspec.json.decode(json.dumps(raw), type=as_type)
            for raw in trace(story)["final"].get(kind, [])
        }
        for kind, as_type in TYPES.items()
    }
    (rollout,) = objects["rollouts"].values()
    return _picture(rollout, objects)


def _picture(rollout: Rollout, objects: dict[str, dict[str, Any]]) -> RolloutPicture:
    return picture(
        rollout,
        objects["replicasets"].values(),
        (),
        objects["analysisruns"].values(),
        objects["experiments"].values(),
    )


def events(story: str, reason: str) -> Iterator[str]:
    """The messages of the rollout's events, each once."""
    found = [
        event["object"]["message"]
        for event in trace(story)["watch"]
        if event["kind"] == "events"
        and event["object"]["reason"] == reason
        and event["object"]["involvedObject"]["kind"] == "Rollout"
    ]
    yield from dict.fromkeys(found)


def resuming(state: State) -> bool:
    """A client has cleared the pause, the controller has not yet reacted."""
    return state.rollout.status.controller_pause and not state.rollout.status.pause_conditions


def test_there_are_recordings() -> None:
    assert len(STORIES) > 50


@pytest.mark.parametrize("story", STORIES)
def test_status_is_the_recorded_one_where_it_may_be_trusted(story: str) -> None:
    trusted = [s for s in states(story) if is_observed(s.rollout) and not resuming(s)]
    for state in trusted:
        status = status_of(state.rollout)
        if state.stored[0]:
            assert (status.phase, status.message) == state.stored
    assert trusted


@pytest.mark.parametrize("story", STORIES)
def test_the_computed_phase_is_what_the_controller_computed(story: str) -> None:
    # Excluded: what a client has just written (a spec not observed, pauses it cleared), since the
    # stored phase is older than that.
    settled = [s for s in states(story) if is_observed(s.rollout) and not resuming(s)]
    for state in settled:
        if state.stored[0]:
            assert computed_phase(state.rollout) == state.stored


@pytest.mark.parametrize("story", STORIES)
def test_what_cannot_be_trusted_is_called_progressing(story: str) -> None:
    for state in states(story):
        status = status_of(state.rollout)
        if not status.observed or resuming(state):
            assert status.phase == "Progressing"
            assert status.message.startswith("waiting for rollout")
            assert not is_complete(state.rollout)


@pytest.mark.parametrize("story", STORIES)
def test_completed_steps_are_those_of_the_events(story: str) -> None:
    for message in events(story, "RolloutStepCompleted"):
        found = STEP_COMPLETED.fullmatch(message)
        assert found is not None, message
        number, count, text = int(found[1]), int(found[2]), found[3]
        passed = {
            entry.state
            for state in states(story)
            if len(steps_of(state.rollout)) == count
            for entry in state.picture.steps
            if entry.index == number - 1 and step_text(entry.step) == text
        }
        # A plugin that is disabled completes its step as well, without having done anything.
        assert passed & {StepState.DONE, StepState.SKIPPED, StepState.FAILED}, message


@pytest.mark.parametrize("story", STORIES)
def test_a_plugin_step_is_done_only_if_the_controller_said_so(story: str) -> None:
    completed = set(events(story, "RolloutStepCompleted"))
    for state in states(story):
        steps = state.picture.steps
        for entry in steps:
            if entry.plugin is not None and entry.state is StepState.DONE:
                text = step_text(entry.step)
                assert (
                    f"Rollout step {entry.index + 1}/{len(steps)} completed ({text})" in completed
                )


@pytest.mark.parametrize("story", STORIES)
def test_progress_agrees_with_the_stored_index(story: str) -> None:
    for state in states(story):
        index = state.raw.get("status", {}).get("currentStepIndex")
        current = [e.index for e in progress(state.rollout) if e.state is StepState.CURRENT]
        # Without a stable version the index is 0 for a moment, and no step is run.
        stable = state.rollout.status.stable_rs
        if index is not None and stable and not state.picture.status.aborted:
            assert current == ([index] if index < len(steps_of(state.rollout)) else [])


def _phases(runs: dict[int, PluginRun]) -> set[tuple[int, str, str]]:
    found: set[tuple[int, str, str]] = set()
    for run in runs.values():
        if run.phase:
            found.add((run.index + 1, "run", run.phase))
        if run.abort is not None:
            found.add((run.index + 1, "abort", run.abort.phase))
        if run.terminate is not None:
            found.add((run.index + 1, "terminate", run.terminate.phase))
    return found


@pytest.mark.parametrize("story", STORIES)
def test_plugin_timelines_are_those_of_the_events(story: str) -> None:
    told: set[tuple[int, str, str]] = set()
    for message in events(story, "StepPluginTransition"):
        found = PLUGIN_EVENT.fullmatch(message)
        assert found is not None, message
        kind = found.lastgroup
        assert kind is not None
        told.add((int(found[2]), kind, found[kind]))
    seen: set[tuple[int, str, str]] = set()
    for state in states(story):
        seen |= _phases(plugin_runs(state.rollout))
    # Success has no such event, and a phase that lasted within one reconcile is in no state.
    seen_told = {entry for entry in seen if entry[1:] != ("run", "Successful")}
    assert seen_told <= told
    assert {entry for entry in told if entry[1] != "run" or entry[2] != "Running"} <= seen


@pytest.mark.parametrize("story", STORIES)
def test_only_edited_steps_leave_records_that_fit_no_step(story: str) -> None:
    for state in states(story):
        if stray_records(state.rollout):
            assert not is_observed(state.rollout)


@pytest.mark.parametrize(
    ("story", "steps"),
    [("plugin-running-abort", [2, 0]), ("plugin-failed-aborts", [0])],
)
def test_abort_calls_come_in_the_foretold_order(story: str, steps: list[int]) -> None:
    before = next(s for s in states(story) if will_abort(s.rollout) and _settled(s))
    told = [
        int(found[2]) - 1
        for message in events(story, "StepPluginTransition")
        if (found := PLUGIN_EVENT.fullmatch(message)) is not None and found["abort"]
    ]
    assert [run.index for run in will_abort(before.rollout)] == steps
    assert told == steps


def _settled(state: State) -> bool:
    return bool(state.rollout.status.aborted_at)


@pytest.mark.parametrize(
    ("story", "step", "cause"),
    [
        ("plugin-failed-aborts", 1, "Step Plugin 2 (step/e2e-test) failed: "),
        ("analysis-step-failure", 2, 'Step-based analysis phase error/failed: Metric "success'),
        ("analysis-job-failure", 1, 'Step-based analysis phase error/failed: Metric "smoke'),
        ("analysis-background-failure", None, "Background analysis phase error/failed: "),
        ("bluegreen-prepromotion-failure", None, "Blue/green pre-promotion analysis phase"),
        ("plugin-running-abort", None, ""),
        ("canary-pause-abort-fix", None, ""),
    ],
)
def test_what_an_abort_came_from(story: str, step: int | None, cause: str) -> None:
    found = [s.picture for s in states(story) if s.picture.status.aborted and _settled(s)]
    assert {entry.failed_step for entry in found} == {step}
    for entry in found:
        assert entry.cause.startswith(cause)
        assert bool(entry.cause) == bool(cause)
        failed = [e.index for e in entry.steps if e.state is StepState.FAILED]
        assert failed == ([] if step is None else [step])


@pytest.mark.parametrize("story", STORIES)
def test_revisions_and_parts_are_those_of_the_replica_sets(story: str) -> None:
    created = {
        found[1]: int(found[2])
        for message in events(story, "NewReplicaSetCreated")
        if (found := re.fullmatch(r"Created ReplicaSet (\S+) \(revision (\d+)\)", message))
    }
    for state in (*(s.picture for s in states(story)), final(story)):
        revisions = [facts.revision for facts in state.replica_sets]
        assert revisions == sorted(revisions, reverse=True)
        for facts in state.replica_sets:
            status = state.rollout.status
            assert facts.name == f"{state.ref.name}-{facts.hash}"
            assert ("stable" in facts.role) == (facts.hash == status.stable_rs)
            # Reused ones get a higher revision than that they were created with.
            assert facts.revision >= created.get(facts.name, 0)
            if state.strategy == "canary":
                assert len(facts.role) <= 1
                assert facts.role or facts.hash not in {status.stable_rs, status.current_pod_hash}


@pytest.mark.parametrize("story", STORIES)
def test_services_select_the_parts_the_picture_names(story: str) -> None:
    end = final(story)
    selected = {
        service["metadata"]["name"]: service["spec"]["selector"].get("rollouts-pod-template-hash")
        for service in trace(story)["final"].get("services", [])
    }
    by_part = {part: facts.hash for facts in end.replica_sets for part in facts.role}
    strategy = end.rollout.spec.strategy
    if strategy.blue_green is not None:
        assert by_part["active"] == selected[strategy.blue_green.active_service]
    elif strategy.canary is not None and strategy.canary.stable_service:
        assert by_part["stable"] == selected[strategy.canary.stable_service]


@pytest.mark.parametrize("story", STORIES)
def test_the_rollout_has_the_highest_revision(story: str) -> None:
    end = final(story)
    if end.replica_sets:
        assert end.revision == end.replica_sets[0].revision
        assert end.replica_sets[0].hash == end.rollout.status.current_pod_hash
        assert end.images_to == end.replica_sets[0].images
        if end.status.fully_promoted:
            assert (end.stable_revision, end.images_from) == (end.revision, ())
        else:
            assert end.stable_revision is not None
            assert end.stable_revision < end.revision
            assert end.images_from not in {(), end.images_to}
    else:
        assert end.status.phase == "Degraded"
        assert "InvalidSpec" in end.status.message


def _routed(raw: dict[str, Any], canary: str) -> int | None:
    """The canary's weight in a VirtualService, by the Service's name or the subset's."""
    for route in raw["spec"].get("http", []):
        for destination in route["route"]:
            target = destination["destination"]
            if canary in {target.get("subset"), target["host"].split(".")[0]}:
                weight: int = destination.get("weight", 0)
                return weight
    return None


@pytest.mark.parametrize("story", [name for name in STORIES if name.startswith("istio-")])
def test_weights_are_those_of_the_virtual_service(story: str) -> None:
    end = final(story)
    assert end.weights.router == "istio"
    (virtual_service,) = trace(story)["final"]["virtualservices"]
    assert end.weights.routes == (virtual_service["metadata"]["name"],)
    canary = end.rollout.spec.strategy.canary
    assert canary is not None
    istio = (canary.traffic_routing or {})["istio"]
    name = istio.get("destinationRule", {}).get("canarySubsetName") or canary.canary_service
    written = [
        _routed(event["object"], name)
        for event in trace(story)["watch"]
        if event["kind"] == "virtualservices"
    ]
    told = [s.picture.weights.set for s in states(story) if s.picture.weights.set is not None]
    # A header route stands before the weighted one and is no weight.
    assert {weight for weight in written if weight is not None} - {100} <= set(told)
    assert end.weights.set == _last_weight(virtual_service, name)


def _last_weight(raw: dict[str, Any], canary: str) -> int | None:
    plain = [route for route in raw["spec"]["http"] if not route.get("match")]
    return _routed({"spec": {"http": plain}}, canary)


@pytest.mark.parametrize("story", STORIES)
def test_the_desired_weight_is_that_of_the_latest_step(story: str) -> None:
    for state in states(story):
        weights, r = state.picture.weights, state.rollout
        if state.picture.strategy != "canary":
            assert weights.desired is weights.actual is None
            continue
        steps = state.raw["spec"]["strategy"]["canary"].get("steps", [])
        passed = steps[: current_index(r) + 1]
        asked = [step["setWeight"] for step in passed if "setWeight" in step]
        if state.raw.get("status", {}).get("abort"):
            assert weights.desired == 0
        elif current_index(r) == len(steps):
            assert weights.desired == 100
        else:
            assert weights.desired == (asked[-1] if asked else 0)
        assert weights.actual is not None
        assert 0 <= weights.actual <= 100


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
            assert (line.step_index, line.step) == (current[0].index, current[0].step)
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


def _pause_starts(r: Rollout) -> list[datetime]:
    starts = (condition.start_time for condition in r.status.pause_conditions or ())
    return [start for start in starts if start is not None]
