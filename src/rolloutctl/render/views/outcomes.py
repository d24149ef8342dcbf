"""What came of one change, with the error in full."""

from __future__ import annotations

from rolloutctl.domain.reports import Did, Result
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe
from rolloutctl.render.views import changes

_LONGEST = 4000


def lines(result: Result, surface: Surface) -> list[Line]:
    name = safe(result.ref)
    if result.error is None:
        if result.decision is None:
            return [line(f"{name}: {result.did}")]
        return [line(Span(f"{name}: "), changes.effect(result.decision, surface))]
    idle = result.did is Did.NOTHING
    found = [
        line(
            Span(f"{name}: {result.action}: ", "dim" if idle else "bad"),
            safe(result.error.message, _LONGEST),
        )
    ]
    hint = result.error.hint
    return [*found, *(line(Span(f"  {safe(each, 600)}", "dim")) for each in hint.splitlines())]
