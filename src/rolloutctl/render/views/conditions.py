"""What the controller says of a rollout in its conditions."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutctl.domain.wire import Condition, Rollout
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line, safe

_GOOD_IF_FALSE = frozenset({"InvalidSpec", "ReplicaFailure"})
_NEITHER = frozenset({"Paused", "Completed", "RolloutSucceeded"})


def lines(rollout: Rollout, surface: Surface) -> Iterator[Line]:
    """A row for each condition, the newest first, and which generation they are about."""
    conditions = sorted(
        rollout.status.conditions or (),
        key=lambda one: -(one.last_transition_time.timestamp() if one.last_transition_time else 0),
    )
    yield from table(
        ["TYPE", "STATUS", "SINCE", "REASON", "MESSAGE"],
        (_cells(one, surface) for one in conditions),
        surface,
        flex="MESSAGE",
    )
    if not conditions:
        yield line(Span("no conditions", "dim"))
    yield ()
    observed = safe(rollout.status.observed_generation or "-", 40)
    seen = f"generation {rollout.metadata.generation}, observed {observed}"
    yield line(Span(seen, "dim"))


def _cells(one: Condition, surface: Surface) -> list[Piece]:
    style = ""
    if one.type not in _NEITHER and one.status in ("True", "False"):
        good = (one.status == "True") is not (one.type in _GOOD_IF_FALSE)
        style = "good" if good else "bad"
    return [
        safe(one.type, 60),
        Span(safe(one.status, 20), style),
        words.age(one.last_transition_time, surface.now) or "-",
        safe(one.reason, 80) or "-",
        safe(one.message, words.MESSAGE) or "-",
    ]
