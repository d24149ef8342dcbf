"""Everything that was done in this session, the newest first, with errors in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap
from rolloutctl.render.views import outcomes
from rolloutctl.tui.screens.report import ReportScreen

if TYPE_CHECKING:
    from rolloutctl.tui.app import Dashboard


class OutcomesScreen(ReportScreen):
    title_text = "What was done here, the newest first"

    def lines(self, surface: Surface) -> Sequence[Line]:
        done = cast("Dashboard", self.app).changing.outcomes
        result: list[Line] = []
        for one in reversed(done):
            name = f"{safe(one.label)}: " if one.label else ""
            result.append(line(Span(f"{one.at:%H:%M:%S} {name}", "dim")))
            for said in outcomes.lines(one.result, surface):
                result += wrap((Span("  "), *said), surface.room, indent=4)
        return result or [line(Span("nothing yet", "dim"))]
