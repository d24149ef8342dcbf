"""One page: why a rollout is as it is, what shows it, and what can be done.

The answer stands first. What can be done stands last, where a terminal's eye ends up.
"""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.domain.explain.facts import CauseKind, Explanation
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap
from rolloutctl.render.views import explained_causes, explained_outcomes
from rolloutctl.render.views.answers import answer
from rolloutctl.render.views.rollout import head, pods, traffic

_HISTORY = 6


def lines(
    explanation: Explanation,
    surface: Surface,
    *,
    missing: Sequence[tuple[str, str]] = (),
    wide: bool = False,
) -> list[Line]:
    """The page; `missing` is what could not be read, and why; `wide` leaves nothing folded."""
    picture = explanation.picture
    blocks = [
        [*head(picture, surface), *answer(explanation, surface)],
        explained_causes.lines(explanation, surface, wide=wide),
        [*traffic(picture, surface), *pods(picture, surface)] if _moves(explanation) else [],
        explained_causes.history(explanation, surface, most=0 if wide else _HISTORY),
        [*_missing(missing, surface), *explained_outcomes.lines(explanation, surface)],
    ]
    result: list[Line] = []
    for block in blocks:
        if block and result:
            result.append(())
        result += block
    return result


def _moves(explanation: Explanation) -> bool:
    """Whether who gets how much is part of the answer: not where nothing is under way."""
    settled = {CauseKind.NOTHING, CauseKind.NO_CONTROLLER, CauseKind.SCALED_TO_ZERO}
    return explanation.cause.kind not in settled


def _missing(missing: Sequence[tuple[str, str]], surface: Surface) -> list[Line]:
    result: list[Line] = []
    for what, why in missing:
        told = f"{safe(what)} could not be read, so this may not be all: {safe(why, 400)}"
        result += wrap(line(Span(told, "warn")), surface.room, indent=2)
    return result
