"""Which rollouts of many are meant."""

from __future__ import annotations

import pytest

from rolloutctl.domain.fleet.entry import entry
from rolloutctl.domain.fleet.keeping import keep_for
from support.recorded_states import STORIES, states

ALL = [entry(state.rollout) for story in STORIES for state in states(story)]
PHASES = sorted({found.row.phase for found in ALL})
PLUGINS = sorted({name for found in ALL for name in found.plugins})


def test_without_a_wish_there_is_no_filter() -> None:
    assert keep_for() is None
    assert keep_for(frozenset(), "", False) is None


@pytest.mark.parametrize("phases", [["Degraded"], ["Paused", "Healthy"], PHASES])
@pytest.mark.parametrize("plugin", ["", *PLUGINS, *(name.partition("/")[2] for name in PLUGINS)])
@pytest.mark.parametrize("awaiting", [False, True])
def test_all_that_is_asked_must_hold(phases: list[str], plugin: str, awaiting: bool) -> None:
    keep = keep_for(frozenset(phases), plugin, awaiting)
    assert keep is not None

    for found in ALL:
        named = {name for full in found.plugins for name in (full, full.partition("/")[2])}
        wanted = [
            found.row.phase in phases,
            not plugin or plugin in named,
            not awaiting or found.row.awaiting is not None,
        ]
        assert keep(found) is all(wanted)


def test_the_part_of_a_name_is_no_name() -> None:
    keep = keep_for(plugin="test")
    assert keep is not None
    assert not any(keep(found) for found in ALL)
