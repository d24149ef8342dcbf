"""A change applies to the state it was decided on, and to none that means something else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from rolloutctl.domain import changes
from rolloutctl.domain.decision import Decision, Seen
from rolloutctl.errors import Conflict, RolloutctlError
from support.changing_cluster import patched, states

STORIES = (
    "canary-pause-promote",
    "canary-pause-full",
    "canary-pause-abort-fix",
    "canary-scaled-while-paused",
    "plugin-running-abort",
    "plugin-abort-retry",
    "plugin-promote-full-terminates",
    "plugin-paused-by-user",
    "plugin-steps-edited",
    "bluegreen-promote",
    "istio-abort",
)
DECIDERS: dict[str, Callable[[Seen], Decision]] = {
    "promote": lambda seen: changes.promote_next(seen, skip_step=True),
    "full": lambda seen: changes.promote_full(seen, force=True),
    "abort": changes.abort,
    "retry": changes.retry,
    "pause": changes.pause,
    "resume": changes.resume,
}


def read(item: dict[str, Any]) -> Seen:
    return Seen.read(json.dumps(item).encode())


def meaning(item: dict[str, Any], action: str) -> object:
    """What a person who asks for `action` has to have seen."""
    status = item.get("status", {})
    if action in ("pause", "resume"):
        return bool(item["spec"].get("paused"))
    found = [
        item["spec"]["template"],
        status.get("currentPodHash"),
        status.get("stableRS"),
        status.get("abort"),
        status.get("promoteFull"),
    ]
    if action in ("promote", "full"):
        found.append(status.get("currentStepIndex"))
    if action == "promote":
        found.append(status.get("pauseConditions"))
        found.append(bool(status.get("controllerPause")) and not status.get("pauseConditions"))
    return found


@pytest.mark.parametrize("action", DECIDERS)
@pytest.mark.parametrize("name", STORIES)
def test_a_change_is_refused_where_the_rollout_has_moved(name: str, action: str) -> None:
    recorded = states(name)
    for index, item in enumerate(recorded):
        try:
            decision = DECIDERS[action](read(item))
        except RolloutctlError:
            continue
        patched(item, decision.changes[0])  # as it was seen: accepted
        for later in recorded[index + 1 : index + 8]:
            if meaning(later, action) != meaning(item, action):
                with pytest.raises(Conflict):
                    patched(later, decision.changes[0])
            elif later["metadata"]["generation"] == item["metadata"]["generation"]:
                patched(later, decision.changes[0])  # only counts and conditions differ


@pytest.mark.parametrize("action", DECIDERS)
def test_a_change_that_was_made_does_not_apply_again(action: str) -> None:
    """So one whose answer was lost may be sent once more."""
    made = 0
    for name in STORIES:
        for item in states(name):
            try:
                decision = DECIDERS[action](read(item))
            except RolloutctlError:
                continue
            stored = patched(item, decision.changes[0])
            with pytest.raises(Conflict):
                patched(stored, decision.changes[0])
            made += 1
    assert made


def unrelated(item: dict[str, Any]) -> None:
    """What a controller and others write all the time."""
    item["metadata"]["resourceVersion"] = "99999"
    item["metadata"].setdefault("annotations", {})["somebody/else"] = "wrote"
    item["metadata"].setdefault("labels", {})["team"] = "x"
    item["status"].update(replicas=17, readyReplicas=3, availableReplicas=2, HPAReplicas=17)
    item["status"]["conditions"] = []
    item["status"]["message"] = "more replicas need to be updated"


@pytest.mark.parametrize("action", DECIDERS)
def test_unrelated_writes_make_no_conflict(action: str) -> None:
    tried = 0
    for name in STORIES:
        for item in states(name):
            try:
                decision = DECIDERS[action](read(item))
            except RolloutctlError:
                continue
            later = copy.deepcopy(item)
            if "status" not in later:
                continue
            unrelated(later)
            patched(later, decision.changes[0])
            tried += 1
    assert tried > 0


@pytest.mark.parametrize("action", DECIDERS)
def test_a_rollout_made_anew_is_another_one(action: str) -> None:
    tried = 0
    for name in STORIES:
        for item in states(name):
            try:
                decision = DECIDERS[action](read(item))
            except RolloutctlError:
                continue
            for change in decision.changes:
                other = copy.deepcopy(item)
                other["metadata"]["uid"] = "another"
                with pytest.raises(Conflict):
                    patched(other, change)
                tried += 1
    assert tried > 0


def test_tests_stand_before_changes_and_always_have_a_value() -> None:
    for name in STORIES:
        for item in states(name):
            for decide in DECIDERS.values():
                try:
                    decision = decide(read(item))
                except RolloutctlError:
                    continue
                for change in decision.changes:
                    kinds = [operation["op"] == "test" for operation in change.operations]
                    assert kinds == sorted(kinds, reverse=True)
                    assert kinds[0] and not kinds[-1]
                    # A server drops the connection at a test without a value.
                    assert all("value" in op for op in change.operations if op["op"] == "test")


def test_false_and_absent_are_told_apart() -> None:
    paused = next(
        item
        for item in states("canary-pause-promote")
        if item.get("status", {}).get("pauseConditions")
    )
    with_false = copy.deepcopy(paused)
    with_false["status"]["abort"] = False
    patched(with_false, changes.promote_next(read(with_false)).changes[0])
    patched(paused, changes.promote_next(read(paused)).changes[0])
    with pytest.raises(Conflict):
        patched(with_false, changes.promote_next(read(paused)).changes[0])
