"""The events of a rollout and of what belongs to it, as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rolloutctl.actions import events
from rolloutctl.domain.happenings import Happening
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line
from rolloutctl.render.views import events as view
from rolloutctl.tui.widgets.follow_pane import FollowPane

_TURN = 1.0
"""Seconds after which the thread looks whether it is still wanted."""


class EventsPane(FollowPane):
    EMPTY = "no events"

    def follow(self) -> Iterator[Any]:
        closed = self.closed
        circle = events.Circle(self.live.cluster, self.live.ref)
        known: dict[str, Happening] = {}
        while not closed():
            for told in events.watch(
                self.live.cluster, [circle], lambda _: True, timeout=_TURN * 30
            ):
                if closed():
                    return
                if isinstance(told, Happening) and known.get(told.key) != told:
                    known[told.key] = told
                    yield told

    def shown(self, items: Sequence[Any], surface: Surface) -> Sequence[Line]:
        newest = {item.key: item for item in items}
        return list(view.lines(newest.values(), surface, sample=len(newest)))
