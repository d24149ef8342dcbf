"""The conditions of a rollout."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line
from rolloutctl.render.views import conditions
from rolloutctl.tui.widgets.pane import Pane


class ConditionsPane(Pane):
    def lines(self, surface: Surface) -> Sequence[Line]:
        update = self.live.update
        if update is None:
            return [line(Span("reading", "dim"))]
        return list(conditions.lines(update.picture.rollout, surface))
