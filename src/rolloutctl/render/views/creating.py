"""What became of objects that were to be created, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rolloutctl.domain.creating import Creation, Made
from rolloutctl.domain.lint.finding import Finding
from rolloutctl.render import narrate, words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, line, safe, wrap

_SAID = {
    Made.CREATED: "created",
    Made.EXISTS: "exists already, and is left as it is",
    Made.NOT_DONE: "not begun",
}


def named(each: Creation, *, namespaces: bool) -> str:
    """An object as people call it: "rollout checkout", with its namespace where there are more."""
    shown = each.ref if namespaces and each.ref.namespace else each.ref.name
    return safe(f"{each.wanted.kind.kind.lower()} {shown}", 400)


def finding(found: Finding, surface: Surface) -> list[Line]:
    """What is wrong with a manifest, where, and what to do about it."""
    place = f"{found.place.file}:{found.place.line}" if found.place.line else found.place.file
    said = f"{safe(place, 400)}: {safe(found.message, 1000)}"
    lines = wrap(narrate.failed(surface, said), surface.room, indent=2)
    if found.hint:
        lines += wrap(narrate.detail(surface, safe(found.hint, 400)), surface.room, indent=4)
    return lines


def result(each: Creation, surface: Surface, *, namespaces: bool) -> list[Line]:
    """One object's result; of a failure only that it failed: why is said on stderr."""
    subject = named(each, namespaces=namespaces)
    if each.made is Made.TRIED:
        how = "the server would create it" if each.server else "would be created"
        return [narrate.event(surface, f"{subject}: {how}")]
    if each.made is Made.CREATED:
        return [narrate.done(surface, f"{subject} created")]
    return [narrate.failed(surface, f"{subject} {_SAID.get(each.made, 'not created')}")]


def ended(each: Creation, surface: Surface, *, namespaces: bool) -> list[Line]:
    """How it ended while it was waited for."""
    found = each.outcome
    if found is None:
        return []
    subject = named(each, namespaces=namespaces)
    after = words.elapsed(timedelta(seconds=found.seconds))
    if found.timed_out:
        told = f"{subject}: still {safe(found.phase) or 'without a phase'} after {after}"
    else:
        told = f"{subject}: {safe(found.phase)} after {after}"
    message = safe(found.message, 1000)
    said = line(told + (f": {message}" if message else ""))
    mark = narrate.done if found.good else narrate.failed
    return wrap(mark(surface, *said), surface.room, indent=2)


def counted(results: Sequence[Creation]) -> Line:
    """Numbers of what was done, for the end of a long report."""
    parts = []
    for made in Made:
        count = sum(each.made is made for each in results)
        if count:
            parts.append(f"{count} {str(made).replace('-', ' ')}")
    return line(", ".join(parts))
