"""The logs of a rollout's pods, merged: of the canary, the stable ones, or all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from rolloutctl.actions.following_logs import Follower, Remark
from rolloutctl.actions.live_rollout import LiveRollout
from rolloutctl.actions.logs import Asked, RolloutPods
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap
from rolloutctl.render.views import logs as view
from rolloutctl.tui.widgets.follow_pane import FollowPane

_ROLES = {"canary": ("canary", "stable", ""), "blueGreen": ("preview", "active", "")}
_TAIL = 200
"""Lines of each container that are read at first."""


class LogsPane(FollowPane):
    MOST = 5000
    EMPTY = "no lines yet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "role", "Other pods"),
        Binding("w", "wrap", "Wrap", show=False),
    ]

    def __init__(self, live: LiveRollout, id: str | None = None) -> None:
        super().__init__(live, id=id)
        self._role = 0
        self._wraps = False
        self._follower: Follower | None = None
        self._prefixes = view.Prefixes(owners=False)

    @property
    def role(self) -> str:
        """Whose lines are shown, "" for all."""
        update = self.live.update
        strategy = "" if update is None else update.picture.strategy
        return _ROLES.get(strategy, _ROLES["canary"])[self._role]

    def follow(self) -> Iterator[Any]:
        closed, role = self.closed, self.role
        asked = Asked(roles=frozenset({role}) if role else frozenset(), tail=_TAIL)
        cluster = self.live.cluster
        crowd = RolloutPods(cluster, self.live.ref)
        follower = Follower(cluster, [crowd], asked, now=self.dashboard.setup.now)
        self._follower = follower
        if closed():
            return
        for told in follower.follow():
            if closed():
                return
            if isinstance(told, Remark):
                if told.origin is not None:
                    yield told
            else:
                yield from told

    def end(self) -> None:
        super().end()
        if self._follower is not None:
            self._follower.stop()
            self._follower = None

    def shown(self, items: Sequence[Any], surface: Surface) -> Sequence[Line]:
        whose = f"{self.role} pods" if self.role else "all pods"
        result: list[Line] = [line(Span(f"{whose}; c for others, w wraps", "dim"))]
        for item in items:
            if isinstance(item, Remark):
                assert item.origin is not None
                if item.what in ("new", "left", "waits", "broken"):
                    said = safe(item.said, 300)
                    result.append(
                        view.remark(item.what, item.origin, said, self._prefixes, surface)
                    )
                continue
            shown = view.shown(item, self._prefixes, timestamps=False)
            result += wrap(shown, surface.room, indent=4) if self._wraps else [shown]
        return result

    def action_role(self) -> None:
        self._role = (self._role + 1) % 3
        self.begin()

    def action_wrap(self) -> None:
        self._wraps = not self._wraps
        self.look()
