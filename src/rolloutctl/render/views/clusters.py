"""Where something is of one cluster among several."""

from __future__ import annotations

from collections.abc import Iterable

from rolloutctl.render.text import Line, Span, line, safe

_LABEL = 300


def under(label: str, lines: Iterable[Line]) -> list[Line]:
    """The lines under a heading that names their cluster; as they are for the only one, ""."""
    if not label:
        return list(lines)
    return [line(Span("CLUSTER  ", "dim"), Span(safe(label, _LABEL), "strong")), *lines]
