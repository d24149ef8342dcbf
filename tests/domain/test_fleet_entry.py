"""What is kept of a rollout among many: what filters and summaries ask for, and it is stored."""

from __future__ import annotations

import msgspec
import pytest

from rolloutctl.domain.fleet.entry import Entry, entry
from support.recorded_states import STORIES, states


@pytest.mark.parametrize("story", STORIES)
def test_an_entry_can_be_stored_and_read_again(story: str) -> None:
    for state in states(story):
        found = entry(state.rollout)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Entry) == found
        assert found.ref == state.picture.ref
        named = [item.plugin.name for item in state.picture.steps if item.plugin is not None]
        assert list(found.plugins) == named
        assert (found.cause == "") or found.row.phase == "Degraded"
        if state.picture.status.phase == "Degraded":
            assert found.cause == state.picture.cause
