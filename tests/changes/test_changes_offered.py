"""What `get` offers as the next action can be done: the two never contradict each other."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from rolloutctl.domain import changes
from rolloutctl.domain.decision import (
    Decision,
    NeedsForce,
    NeedsSkip,
    NothingToDo,
    NotObserved,
    Refused,
    Seen,
)
from rolloutctl.domain.facts import ActionName
from rolloutctl.domain.tree import picture
from support.changing_cluster import states

DECIDERS: dict[ActionName, Callable[[Seen], Decision]] = {
    ActionName.PROMOTE: changes.promote_next,
    ActionName.PROMOTE_FULL: changes.promote_full,
    ActionName.ABORT: changes.abort,
    ActionName.RETRY: changes.retry,
    ActionName.RESUME: changes.resume,
}
STORIES = (
    "analysis-step-failure",
    "bluegreen-auto",
    "bluegreen-promote",
    "canary-bad-image-deadline",
    "canary-pause-full",
    "canary-pause-promote",
    "experiment-step",
    "invalid-spec",
    "istio-canary",
    "plugin-abort-retry",
    "plugin-paused-by-user",
    "plugin-promote-full-terminates",
)


@pytest.mark.parametrize("name", STORIES)
def test_what_is_offered_is_never_refused_as_pointless(name: str) -> None:
    offered = 0
    for item in states(name):
        seen = Seen.read(json.dumps(item).encode())
        for action in picture(seen.rollout, [], []).next_actions:
            decide = DECIDERS.get(action.action)
            if decide is None:
                continue
            offered += 1
            try:
                decide(seen)
            except (NeedsForce, NeedsSkip, NotObserved):
                pass  # it says what is needed for it
            except NothingToDo as nothing:
                pytest.fail(f"{action.action} is offered, and then: {nothing.message}")
            except Refused as refused:
                # Lifted a moment ago, or a blue-green update that is not ready yet.
                passing = ("has just been promoted", "does not wait for a promotion now")
                assert any(text in refused.message for text in passing), refused.message
    assert offered or name == "invalid-spec"
