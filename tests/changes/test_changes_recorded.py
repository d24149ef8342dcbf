"""What we would send, and how we would see it end, where a person acted in the recordings."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from rolloutctl.actions import waiting
from rolloutctl.actions.waiting import follow
from rolloutctl.domain import changes
from rolloutctl.domain.cluster import ROLLOUTS, Change
from rolloutctl.domain.decision import Decision, NothingToDo, Seen
from rolloutctl.domain.endings import End, abort_settled
from rolloutctl.domain.reports import Followed
from rolloutctl.domain.status import is_observed, status_of
from rolloutctl.sandbox.api.patching import apply_json_patch
from support.fake_cluster import HANG, FakeCluster
from support.recorded import trace
from support.recorded_states import STORIES, Raw, State, states

LAG = 0.2
"""Seconds by which what is read of one kind can be later than of another."""
HASH = "rollouts-pod-template-hash"
DECIDERS: dict[str, Callable[[Seen], Decision]] = {
    "promote (clear pauseConditions)": changes.promote_next,
    "promote (step 2)": lambda seen: changes.promote_next(seen, skip_step=True),
    "promote --full": lambda seen: changes.promote_full(seen, force=True),
    "abort": changes.abort,
    "abort (controller is down)": changes.abort,
    "retry": changes.retry,
    "pause": changes.pause,
    "resume": changes.resume,
}


class Deed(NamedTuple):
    """What somebody did: the state it was done in, and those that came of it."""

    story: str
    action: str
    seen: State
    after: tuple[State, ...]

    def __str__(self) -> str:
        return f"{self.story}: {self.action}"


def _deeds() -> Iterator[Deed]:
    for story in STORIES:
        found = states(story)
        for index, state in enumerate(found):
            if state.deed is None or state.deed["action"] not in DECIDERS:
                continue
            later = range(index + 1, len(found))
            end = next((at for at in later if found[at].deed is not None), len(found))
            yield Deed(story, state.deed["action"], found[index - 1], found[index:end])


DEEDS = list(_deeds())


def as_seen(state: State) -> Seen:
    return Seen.read(json.dumps(state.raw).encode())


def applied(raw: Raw, change: Change) -> Raw:
    """`raw` after the patch, whose preconditions hold, as the API's subresources take it."""
    operations = [dict(operation) for operation in change.operations]
    result: Raw = apply_json_patch(copy.deepcopy(raw), operations)
    part = "status" if change.subresource == "status" else "spec"
    assert {**result, part: None} == {**raw, part: None}
    return result


def test_every_action_of_ours_is_in_the_recordings() -> None:
    done = {deed.action for deed in DEEDS}
    recorded = {
        action["action"]
        for story in STORIES
        for action in trace(story)["actions"]
        if action.get("kind") == "rollouts"
    }
    others = {"set image", "edit steps", "scale", "restart", "undo"}
    assert recorded - done == others
    assert len(DEEDS) > 25


@pytest.mark.parametrize("deed", DEEDS, ids=str)
def test_what_we_would_send_is_what_was_sent(deed: Deed) -> None:
    seen = as_seen(deed.seen)
    if deed.story == "canary-abort-healthy":
        # The controller took that abort back; we do not send it at all.
        assert "abort" not in deed.after[-1].status
        with pytest.raises(NothingToDo):
            DECIDERS[deed.action](seen)
        return
    raw = deed.seen.raw
    for change in DECIDERS[deed.action](seen).changes:
        assert (change.kind, change.name) == (ROLLOUTS, "demo")
        raw = applied(raw, change)
    sent = deed.after[0].raw
    assert (raw["spec"], raw["status"]) == (sent["spec"], sent["status"])


def _follow(deed: Deed) -> Followed:
    """Waits for the end, all that was recorded being told."""
    story = [("MODIFIED", state.raw) for state in deed.after]
    cluster = FakeCluster({"rollouts": [deed.seen.raw]}, later={"rollouts": [*story, HANG]})
    decision = DECIDERS[deed.action](as_seen(deed.seen))
    return follow(cluster, decision, timeout=1, clock=lambda: 0.0)


def _expected(deed: Deed) -> End:
    """How it ended, by what the controller wrote and what was asked for."""
    last = deed.after[-1].status
    if deed.action == "pause":
        return End.HELD
    if last.get("abort"):
        return End.ABORTED if "abortedAt" in last else End.TIMED_OUT
    paused = any(s.status.get("pauseConditions") for s in deed.after[1:])
    if paused and _waits_for_a_person(deed):
        return End.WAITING
    promoted = last.get("stableRS") == last.get("currentPodHash")
    return End.HEALTHY if promoted and last["phase"] == "Healthy" else End.TIMED_OUT


def _waits_for_a_person(deed: Deed) -> bool:
    for state in deed.after[1:]:
        steps = state.raw["spec"]["strategy"].get("canary", {}).get("steps", [])
        index = state.status.get("currentStepIndex", 0)
        if state.status.get("pauseConditions") and index < len(steps):
            return bool(steps[index].get("pause") == {})
    return False


@pytest.mark.parametrize("deed", [d for d in DEEDS if d.story != "canary-abort-healthy"], ids=str)
def test_a_wait_ends_as_it_ended(deed: Deed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "GRACE", 0.1)  # all that was recorded is told at once
    found = _follow(deed)
    assert found.ending.end is _expected(deed)
    now = found.ending.now
    assert (now.promoted and now.phase == "Healthy") is (found.ending.end is End.HEALTHY)
    assert not found.ending.uncalled or deed.after[-1].t - deed.after[0].t < 15


@pytest.mark.parametrize("story", STORIES)
def test_an_abort_is_over_when_nothing_is_sent_to_the_new_version(story: str) -> None:
    """By the Services, routes and ReplicaSets themselves, in every state after an abort."""
    over = False
    for state in states(story):
        if "abortedAt" not in state.status or not is_observed(state.rollout):
            continue
        if not state.status.get("abort") or state.status.get("promoteFull"):
            continue  # something else was asked for since
        if not abort_settled(state.rollout):
            assert not over
            continue
        over = True
        strategy = state.raw["spec"]["strategy"]
        stable, current = state.status["stableRS"], state.status["currentPodHash"]
        services = state.objects.get("services", {})
        if "blueGreen" in strategy:
            active = services[strategy["blueGreen"]["activeService"]]
            assert active["spec"]["selector"][HASH] == stable
        elif "trafficRouting" in strategy["canary"]:
            assert state.picture.weights.set == 0
            for route in _weighted(state):
                weights = {d["destination"]["host"]: d.get("weight", 0) for d in route}
                assert weights[strategy["canary"]["canaryService"]] == 0
        else:
            assert _desired(story, f"demo-{current}", state.t + LAG) == 0


def _desired(story: str, name: str, until: float) -> int:
    """The replicas asked of a ReplicaSet by then."""
    found = [
        event["object"]["spec"]["replicas"]
        for event in trace(story)["watch"]
        if event["kind"] == "replicasets"
        and event["object"]["metadata"]["name"] == name
        and event["t"] <= until
    ]
    replicas: int = found[-1]
    return replicas


def _weighted(state: State) -> Iterator[list[Raw]]:
    for virtual_service in state.objects.get("virtualservices", {}).values():
        for route in virtual_service["spec"]["http"]:
            if not route.get("match"):
                yield route["route"]


@pytest.mark.parametrize("story", STORIES)
def test_only_a_pause_without_an_end_waits_for_a_person(story: str) -> None:
    for state in states(story):
        blue_green = state.raw["spec"]["strategy"].get("blueGreen", {})
        reasons = [pause["reason"] for pause in state.status.get("pauseConditions", [])]
        steps = state.raw["spec"]["strategy"].get("canary", {}).get("steps", [])
        index = state.status.get("currentStepIndex", 0)
        waits = state.picture.status.observed and (
            state.raw["spec"].get("paused", False)
            or ("CanaryPauseStep" in reasons and steps[index]["pause"] == {})
            or ("BlueGreenPause" in reasons and blue_green.get("autoPromotionEnabled") is False)
        )
        assert (status_of(state.rollout).awaiting is not None) is waits
