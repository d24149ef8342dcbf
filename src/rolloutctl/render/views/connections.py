"""How it stands with the clusters that a screen shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rolloutctl.domain.connections import Connection, Link
from rolloutctl.render import words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join, line, safe

_PROBLEM = 160


def lines(connections: Mapping[str, Connection], surface: Surface) -> list[Line]:
    """One line for what is live, and one for each cluster that is not as it should be."""
    away = {label: found for label, found in connections.items() if found.link is Link.STALE}
    reading = {
        label: found
        for label, found in connections.items()
        if found.link in (Link.READING, Link.KEPT)
    }
    live = len(connections) - len(away) - len(reading)
    result: list[Line] = []
    for label, found in away.items():
        result.append(_stale(label, found, surface.now))
    for label, found in reading.items():
        result.append(_reading(label, found, surface.now))
    if live == len(connections):
        result.append(line(Span("live", "good")))
    elif live:
        result.append(line(Span(f"{live} of {len(connections)} live", "good")))
    return result


def short(connections: Mapping[str, Connection], surface: Surface) -> Line:
    """All of it in one line, the worst first."""
    return join(lines(connections, surface), ", ")


def _stale(label: str, found: Connection, now: datetime) -> Line:
    name = f"{safe(label)} " if label else ""
    problem = f": {safe(found.problem, _PROBLEM)}" if found.problem else ""
    since = words.clock(found.since, now)
    return line(Span(f"{name}stale since {since}{problem}", "bad"))


def _reading(label: str, found: Connection, now: datetime) -> Line:
    name = f"{safe(label)} " if label else ""
    if found.link is Link.READING:
        return line(Span(f"{name}reading", "warn"))
    return line(Span(f"{name}as of {words.clock(found.since, now)}, catching up", "warn"))
