"""A group of rollouts on its way together, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rolloutctl.domain.decision import Action
from rolloutctl.domain.lockstep import Came, Member, Outcome, Sent, Standing, Watching
from rolloutctl.domain.refs import Ref
from rolloutctl.render import narrate, words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe
from rolloutctl.render.views.changes import effect, place

_STANDINGS = {
    Standing.IDLE: Span("no update under way: takes no part", "dim"),
    Standing.MOVING: Span("on its way", ""),
    Standing.WAITING: Span("waits for its promotion", "wait"),
    Standing.HELD: Span("waits for a person", "wait"),
    Standing.DONE: Span("done", "good"),
    Standing.FAILED: Span("failed", "bad"),
    Standing.LEFT: Span("left the group", "bad"),
}


def names(members: Iterable[Member]) -> str:
    return ", ".join(_name(member.ref) for member in members)


def plan(members: Sequence[Member], surface: Surface) -> list[Line]:
    """Every member and where it stands, before anything is sent."""
    rows = (
        [
            Span(safe(member.ref.namespace)),
            Span(safe(member.ref.name), "strong"),
            words.phase(member.place.phase),
            Span(safe(place(member.place), 80)),
            _STANDINGS[member.standing],
        ]
        for member in members
    )
    return list(table(["NAMESPACE", "NAME", "STATUS", "STEP", "IN THE GROUP"], rows, surface))


def question(members: Sequence[Member]) -> str:
    """What a person is asked before the group sets out."""
    taking = sum(member.standing is not Standing.IDLE for member in members)
    return (
        f"Promote {words.counted(taking, 'rollout')} step by step together,"
        " and abort all if one fails?"
    )


def news(item: Watching | Sent, surface: Surface) -> list[Line]:
    """One thing that happened, for stderr."""
    if isinstance(item, Watching):
        member = item.member
        pieces = [_STANDINGS[member.standing]]
        if member.standing in (Standing.MOVING, Standing.WAITING, Standing.HELD):
            pieces.append(Span(f" at {place(member.place)}"))
        elif member.standing is Standing.FAILED:
            pieces.append(Span(f": {safe(member.place.message, words.MESSAGE)}"))
        return [narrate.event(surface, f"{_name(member.ref)}: ", *pieces)]
    if item.error is not None:
        done = "promoted" if item.action is Action.PROMOTE else "aborted"
        text = f"{_name(item.ref)}: not {done}: {safe(item.error.message, words.MESSAGE)}"
        return [narrate.failed(surface, text)]
    return []


def sent(item: Sent, surface: Surface) -> list[Line]:
    """One change that was made, for stdout."""
    if item.error is not None or item.decision is None:
        return []
    return [line(f"{_name(item.ref)}: {effect(item.decision, surface)}")]


def outcome(found: Outcome, surface: Surface) -> list[Line]:
    """How it ended, for stdout."""
    part = [member for member in found.members if member.standing is not Standing.IDLE]
    match found.came:
        case Came.DONE if not part:
            return [line("nothing to do: no update is under way in the group")]
        case Came.DONE:
            count = words.counted(len(part), "rollout")
            rounds = words.counted(found.rounds, "round")
            return [line(Span("done", "good"), f": {count} promoted together in {rounds}")]
        case Came.AT_REST:
            return [line("all are at rest: the same command moves them on"), *_rest(part)]
        case Came.ABORTED:
            head = line(Span("aborted", "bad"), f": {names(found.failed)} failed")
            return [head, *_after_abort(found)]
        case Came.STOPPED:
            return [line("stopped: nothing was aborted"), *_rest(part)]
        case Came.TIMED_OUT:
            return [line("the time is up: nothing was aborted"), *_rest(part)]


def _rest(members: Iterable[Member]) -> list[Line]:
    return [
        line(f"  {_name(member.ref)}: ", _STANDINGS[member.standing], f", {place(member.place)}")
        for member in members
    ]


def _after_abort(found: Outcome) -> list[Line]:
    """What became of each of the others: only some of them could still be aborted."""
    tried = {item.ref: item for item in found.sent if item.action is Action.ABORT}
    lines: list[Line] = []
    for member in found.members:
        name = _name(member.ref)
        item = tried.get(member.ref)
        if item is not None and item.error is not None:
            text = f"  {name}: NOT aborted: {safe(item.error.message, words.MESSAGE)}"
            lines.append(line(Span(text, "bad")))
        elif item is not None:
            lines.append(line(f"  {name}: aborted, back to the stable version"))
        elif member.standing is Standing.DONE:
            lines.append(line(f"  {name}: is promoted already, an abort cannot take that back"))
        elif member.standing is Standing.MOVING:
            lines.append(line(f"  {name}: is promoted already, its pods are on their way"))
        elif member.standing is Standing.FAILED:
            message = safe(member.place.message, words.MESSAGE)
            lines.append(line(f"  {name}: failed by itself: {message}"))
        elif member.standing is Standing.LEFT:
            lines.append(line(f"  {name}: was deleted, left the group or has another version"))
    return lines


def _name(ref: Ref) -> str:
    return safe(f"{ref.namespace}/{ref.name}")
