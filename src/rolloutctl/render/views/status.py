"""One rollout in one line."""

from __future__ import annotations

from rolloutctl.domain.facts import Stage
from rolloutctl.domain.tree import RolloutRow
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, safe, wrap
from rolloutctl.render.views.table import step_cell


def lines(row: RolloutRow, surface: Surface) -> list[Line]:
    """ "Paused: CanaryPauseStep, step 4/7 pause, waits for a person to promote, for 12m".

    Of a row of one of several clusters: with the cluster's name before it.
    """
    step = step_cell(row)
    age = words.age(row.since, surface.now)
    since = f"for {age}" if age else ""
    details = join(
        [
            Span(safe(row.message, words.MESSAGE).rstrip(" .:")),
            Span(f"step {step.text}" if row.step is not None and step.text[:1].isdigit() else ""),
            Span(_countdown(row, surface), "accent"),
            Span(words.AWAITING[row.awaiting] if row.awaiting is not None else "", "wait"),
        ],
        ", ",
    )
    head: Line = (words.phase(row.phase),)
    if row.cluster:
        head = (Span(safe(row.cluster, 300), "strong"), Span("  "), *head)
    if not details:
        return wrap(join([head, since]), surface.room, indent=2)
    return wrap((*head, Span(": "), *join([details, since], ", ")), surface.room, indent=2)


def _countdown(row: RolloutRow, surface: Surface) -> str:
    """When blue-green goes on by itself, "" where it does not count down."""
    if row.stage is not Stage.PAUSED or row.ends is None:
        return ""
    left = row.ends - surface.now
    return f"promotes itself in {words.elapsed(left)}" if left.total_seconds() > 0 else ""
