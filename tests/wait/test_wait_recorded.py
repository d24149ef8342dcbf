"""What is said of a wait is true of everything that was recorded: nothing comes that was given up,
and what is reached is so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rolloutctl.domain.goals import parse_goal
from rolloutctl.domain.plugins import plugin_runs
from rolloutctl.domain.reaching import Course, holds
from rolloutctl.domain.steps import steps_of
from rolloutctl.domain.wire import Rollout
from support.recorded_states import STORIES, states


def stretches(story: str) -> Iterator[list[Rollout]]:
    """What the controller did between two deeds of people, from each deed on."""
    found: list[Rollout] = []
    for state in states(story):
        if state.deed is not None and found:
            yield found
            found = []
        found.append(state.rollout)
    yield found


def goals(last: Rollout) -> list[str]:
    steps = [f"step={number}" for number, _ in enumerate(steps_of(last), 1)]
    names = {run.name for run in plugin_runs(last).values()}
    plugins = [f"plugin={name}:{phase}" for name in names for phase in ("Successful", "Failed")]
    return ["healthy", "done", "paused", "aborted", "weight=50", "generation", *steps, *plugins]


@pytest.mark.parametrize("story", STORIES)
def test_nothing_comes_that_was_given_up(story: str) -> None:
    for stretch in stretches(story):
        for text in goals(stretch[-1]):
            goal = parse_goal(text)
            course = Course([goal])
            for index, now in enumerate(stretch):
                verdict = course.judge(now)
                if verdict is None:
                    continue
                base = course.base or now
                if verdict.reached:
                    assert holds(goal, now, base)
                elif not verdict.superseded:
                    version = now.status.current_pod_hash
                    same = [r for r in stretch[index:] if r.status.current_pod_hash == version]
                    assert not any(holds(goal, r, base) for r in same), (text, verdict.reason)
                break
