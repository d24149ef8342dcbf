"""Where a rollout stands: traffic, pods, steps with their countdowns and plugins, what is next."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line
from rolloutctl.render.views import rollout
from rolloutctl.tui.widgets.pane import Pane


class Overview(Pane):
    def lines(self, surface: Surface) -> Sequence[Line]:
        update = self.live.update
        if update is None:
            return [line(Span("reading", "dim"))]
        missing = [(item.what, item.why) for item in update.missing]
        return rollout.overview(update.picture, surface, missing=missing)
