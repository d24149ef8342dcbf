"""How an error looks: what happened first, what to do next below it."""

from __future__ import annotations

from rolloutctl.render.text import Line, Span, safe

_LIMIT = 2000


def error_lines(message: str, hint: str, *, unicode: bool = True) -> list[Line]:
    """The lines of one error; `hint` may hold several lines."""
    first, *rest = message.splitlines() or [""]
    mark = "✗ " if unicode else "error: "
    lines: list[Line] = [(Span(mark, "bad"), Span(safe(first, _LIMIT), "strong"))]
    lines += [(Span("  " + safe(line, _LIMIT)),) for line in rest]
    lines += [(Span("  " + safe(line, _LIMIT), "dim"),) for line in hint.splitlines()]
    return lines
