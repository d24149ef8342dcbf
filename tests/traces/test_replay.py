"""The simulated controller does what a real one was recorded doing."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.recorded import trace
from traces.replay import replay
from traces.story import differences, recorded, unlike_states

DATA = Path(__file__).parent / "data"
SIMULATED = (
    "analysis-",
    "bluegreen-",
    "canary-",
    "experiment-",
    "invalid-spec",
    "istio-",
    "outage-",
    "plugin-",
    "workloadref",
)
STORIES = sorted(
    path.name.removesuffix(".json.gz")
    for path in DATA.rglob("*.json.gz")
    if path.name.startswith(SIMULATED)
)


@pytest.mark.parametrize("name", STORIES)
def test_our_controller_tells_the_same_story(name: str) -> None:
    """Of the rollout's fields in their order, of the events, and of all objects at the end."""
    story = trace(name)
    real, here = recorded(story), replay(story)
    found = differences(real, here) or unlike_states(real, here)
    assert not found, f"\n{story['description']}\n{found}"


def test_a_difference_is_seen() -> None:
    """The comparison is worth something: another plugin result is another story."""
    story = trace("plugin-success")
    told = recorded(trace("plugin-failed-aborts"))
    assert "Failed" in differences(recorded(story), told)
    assert "Failed" in unlike_states(recorded(story), told)
