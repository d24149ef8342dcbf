"""What happens while a state is waited for, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rolloutctl.domain.goals import Goal, spoken
from rolloutctl.domain.reports import Happened, What
from rolloutctl.domain.status import Awaiting
from rolloutctl.domain.waited import Came, Moved, Waited
from rolloutctl.render import narrate, words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap
from rolloutctl.render.views import status
from rolloutctl.render.views.waiting import happened


def moved(move: Moved, surface: Surface, *, named: bool, spread: bool = False) -> list[Line]:
    """What moved, for stderr: the step it is at now, and its phase; at the start just the phase.

    `named` puts the rollout's name in front, `spread` its namespace too.
    """
    ref = move.ref
    if move.problem:
        head = f"{safe(ref.name)}: " if named else ""
        text = f"{head}a change of its workload may be missed: {safe(move.problem, 400)}"
        return wrap(narrate.warning(surface, text), surface.room, indent=2)
    if move.stale or move.now is None:
        return happened(Happened(ref, What.STALE), surface)
    now, before = move.now, move.before
    found: list[What] = []
    if before is not None and now.index is not None and now.index != before.index:
        found += [] if now.aborted else [What.STEP]
    if before is None or (now.phase, now.message) != (before.phase, before.message):
        found.append(What.PHASE)
    head = ref.name if not spread else f"{ref.namespace}/{ref.name}"
    shown = type(ref)(ref.namespace, head)
    return [
        told
        for what in found
        for told in happened(Happened(shown, what, now), surface, named=named)
    ]


def ended(
    item: Waited, goals: Sequence[Goal], surface: Surface, *, namespaces: bool = False
) -> list[Line]:
    """The result for one rollout, for stdout."""
    name = safe(item.ref if namespaces else item.ref.name)
    after = words.elapsed(timedelta(seconds=item.seconds))
    wanted = safe(spoken(goals))
    now = status.lines(item.row, surface._replace(width=10_000)) if item.row is not None else []
    stands = line(", it is ", *(piece for each in now for piece in each)) if now else ()
    head = Span(f"{name}: ", "strong")
    match item.came:
        case Came.REACHED:
            text = f"{safe(item.goal)} after {after}"
            gone = item.goal is not None and item.goal.kind.value == "deleted"
            told = line(head, Span(text, "good"), *(() if gone else stands))
        case Came.UNREACHABLE | Came.SUPERSEDED:
            reason = safe(item.reason, words.MESSAGE).rstrip(" .:")
            told = line(head, Span(f"not {wanted}", "bad"), f" after {after}: {reason}")
        case Came.DELETED:
            told = line(head, Span("deleted", "bad"), f" after {after}, before it was {wanted}")
        case Came.TIMED_OUT:
            told = line(head, Span(f"not {wanted}", "bad"), f" within {after}", *stands)
        case _:
            told = line(head, "no longer waited for", *stands)
    return wrap(told, surface.room, indent=2)


def hint(item: Waited) -> str:
    """What to do about a wait that did not end well; "" where there is nothing to say."""
    name, namespace = safe(item.ref.name), safe(item.ref.namespace)
    if item.came is Came.UNREACHABLE and item.row is not None and item.row.phase == "Degraded":
        return f"rolloutctl explain {name} -n {namespace} says why it is as it is"
    if item.came is Came.TIMED_OUT and item.row is not None and item.row.awaiting is not None:
        verb = "resume" if item.row.awaiting is Awaiting.RESUME else "promote"
        return f"rolloutctl {verb} {name} -n {namespace} lets it go on"
    return ""
