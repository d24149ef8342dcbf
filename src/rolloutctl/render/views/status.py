"""One rollout in one line."""

from __future__ import annotations

from rolloutctl.domain.tree import RolloutRow
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, line, safe, wrap
from rolloutctl.render.views.table import step_cell


def lines(row: RolloutRow, surface: Surface) -> list[Line]:
    """ "Paused: CanaryPauseStep, step 4/7 pause, 12m, waits for a person to promote"."""
    step = step_cell(row)
    details = join(
        [
            Span(safe(row.message, words.MESSAGE)),
            Span(f"step {step.text}" if row.step is not None and step.text[:1].isdigit() else ""),
            Span(words.age(row.since, surface.now)),
            Span(words.AWAITING[row.awaiting] if row.awaiting is not None else "", "wait"),
        ],
        ", ",
    )
    head = line(words.phase(row.phase))
    return wrap((*head, Span(": "), *details) if details else head, surface.room, indent=2)
