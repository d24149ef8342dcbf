"""How the time of one invocation was spent, in a line for each cluster."""

from __future__ import annotations

from collections.abc import Mapping

from rolloutctl.domain.cluster import Timings
from rolloutctl.render.text import Line, Span, line, safe
from rolloutctl.render.words import counted


def timings_lines(
    clusters: Mapping[str, Timings], *, start: float | None, total: float
) -> list[Line]:
    """What was measured; `clusters` by name, `start` and `total` in seconds.

    `start` is from the process's begin to the command's, None where it is not known. The rest is
    the time in which no request was under way and nothing was decoded; it is not said of several
    clusters, which are read at the same time.
    """
    begun = [] if start is None else [f"start {_time(start)}"]
    last = f"total {_time(total)}"
    if len(clusters) > 1:
        return [
            *(_line(f"timings of {safe(name)}", _spent(clusters[name])) for name in clusters),
            _line("timings", [*begun, last]),
        ]
    rest = total - (start or 0.0)
    parts = begun
    for spent in clusters.values():
        parts += _spent(spent)
        rest -= spent.busy
    what = "render and the rest" if clusters else "the rest"
    return [_line("timings", [*parts, f"{what} {_time(max(rest, 0.0))}", last])]


def _line(lead: str, parts: list[str]) -> Line:
    return line(Span(f"{lead}: {' · '.join(parts)}", "dim"))


def _spent(spent: Timings) -> list[str]:
    # Read ahead, or by several threads, the seconds of all requests are more than went by.
    overlap = spent.connect + spent.wait + spent.decode > spent.busy * 1.01 + 0.001
    at_once = ", several at once" if overlap else ""
    much = f"{counted(spent.requests, 'request')}, {_size(spent.received)}{at_once}"
    return [
        f"connect {_time(spent.connect)}",
        f"wait {_time(spent.wait)} ({much})",
        f"decode {_time(spent.decode)}",
    ]


def _time(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds < 10 else f"{seconds:,.1f} s"


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:,.0f} KB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"
