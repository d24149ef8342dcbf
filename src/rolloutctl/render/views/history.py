"""The versions of a rollout: a table of all, and one of them in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rolloutctl.domain.audit import Audit
from rolloutctl.domain.happenings import Happening
from rolloutctl.domain.history import Outcome, Version
from rolloutctl.render import columns, words
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line, safe, wrap

_NOT_KNOWN = "-"
_TOLD = {
    Outcome.INITIAL: Span("first version", "good"),
    Outcome.PROMOTED: Span("promoted", "good"),
    Outcome.PROMOTED_IN_FULL: Span("promoted in full", "good"),
    Outcome.ROLLED_BACK: Span("rolled back to", "good"),
    Outcome.STABLE: Span("stable", "good"),
    Outcome.ABORTED: Span("aborted", "bad"),
    Outcome.UNDER_WAY: Span("under way", "accent"),
    Outcome.SUPERSEDED: Span("superseded", "warn"),
    Outcome.UNKNOWN: Span(_NOT_KNOWN),
}


def lines(versions: Sequence[Version], surface: Surface, *, wide: bool = False) -> Iterator[Line]:
    """A row for each version, the newest first; `wide`: whole image references, and hashes."""
    header = ["REVISION", "ROLE", "CREATED", "IMAGES", "ENDED", "TOOK", "STEPS", "ANALYSIS", "BY"]
    if wide:
        header.append("HASH")
    return columns.table(
        header,
        (_row(one, surface, wide=wide) for one in versions),
        surface,
        right=("REVISION",),
        drop=("TOOK", "STEPS", "ANALYSIS", "BY"),
        flex="ENDED",
    )


def _row(one: Version, surface: Surface, *, wide: bool) -> list[Piece]:
    revision = one.revision
    cells: list[Piece] = [
        str(revision.number),
        Span(", ".join(sorted(revision.roles)) or _NOT_KNOWN, "strong" if revision.roles else ""),
        words.age(revision.created, surface.now) or _NOT_KNOWN,
        _changes(one, surface, wide=wide),
        Span(ending(one), _TOLD[one.outcome].style),
        words.elapsed(one.took) if one.took is not None else _NOT_KNOWN,
        f"{one.done}/{one.steps}" if one.done is not None else _NOT_KNOWN,
        analysis(one),
        by(one) or _NOT_KNOWN,
    ]
    return [*cells, safe(revision.hash, 40)] if wide else cells


def _changes(one: Version, surface: Surface, *, wide: bool) -> str:
    """ "v1 → v2" of what changed; "same images" where something else did."""
    arrow = surface.symbols.arrow
    parts = []
    for change in one.changes:
        old, new = (
            (safe(change.before, 300), safe(change.after, 300))
            if wide
            else (words.tag(change.before), words.image(change.after))
        )
        head = f"{safe(change.container, 80)}: " if len(one.revision.images) > 1 else ""
        parts.append(f"{head}{old}{arrow}{new}" if change.before else f"{head}{new}")
    return ", ".join(parts) or "same images"


def ending(one: Version) -> str:
    """How it ended: "aborted by ann: ...", "promoted in full by bob"."""
    text = _TOLD[one.outcome].text
    matters = one.outcome in (Outcome.ABORTED, Outcome.PROMOTED_IN_FULL)
    if matters and one.stopped is not None and not (one.detail and not _aborts(one.stopped)):
        text += f" by {safe(one.stopped.by, 80) or 'rolloutctl'}"
        text += f" ({safe(one.stopped.reason, 120)})" if one.stopped.reason else ""
    return f"{text}: {safe(one.detail, 300)}" if one.detail else text


def _aborts(audit: Audit) -> bool:
    return audit.action == "abort"


def analysis(one: Version) -> str:
    """ "2 Successful, 1 Failed"."""
    counts = Counter(safe(run.phase, 40) or "Pending" for run in one.runs)
    return ", ".join(f"{count} {phase}" for phase, count in counts.items()) or _NOT_KNOWN


def by(one: Version) -> str:
    """Who or what made it, as far as that is known; "" where it is not."""
    if one.made is not None:
        return audit(one.made)
    return safe(one.cause, 120) or (f"with {safe(one.writer, 60)}" if one.writer else "")


def audit(found: Audit) -> str:
    """ "set-image by ann (CHG-1)"."""
    text = safe(found.action, 40)
    text += f" by {safe(found.by, 80)}" if found.by else ""
    return text + (f" ({safe(found.reason, 200)})" if found.reason else "")


def page(name: str, one: Version, events: Sequence[Happening], surface: Surface) -> Iterator[Line]:
    """One version in full: what is known of it, its events, its analysis runs, its template."""
    from rolloutctl.render import serialize
    from rolloutctl.render.views.metrics import quoted

    revision = one.revision
    roles = ", ".join(sorted(revision.roles))
    yield line(
        Span(f"{safe(name)} revision {revision.number}", "strong"),
        Span(f"  {roles}" if roles else "", "accent"),
        f"  {safe(revision.name)}",
    )
    took = f", {words.elapsed(one.took)}" if one.took is not None else ""
    yield line("ended     ", Span(ending(one), _TOLD[one.outcome].style), took)
    created = words.age(revision.created, surface.now)
    yield line(f"created   {created} ago" if created else "created   not known")
    yield line(f"by        {by(one) or 'not known'}")
    for container, image in revision.images:
        yield line(f"image     {safe(container, 80)}: {safe(image, 400)}")
    if one.done is not None:
        yield line(f"steps     {one.done} of {one.steps}")
    for run in one.runs:
        said = quoted(run.message)
        yield line(
            f"analysis  {safe(run.name)}  ", words.plugin_phase(run.phase or "Pending"), said
        )
    if events:
        yield ()
        yield line(Span("Events", "strong"))
        for event in events:
            when = words.clock(event.at, surface.now) if event.at is not None else ""
            text = line(f"  {when}  {safe(event.reason, 80)}  ", safe(event.message, 400))
            yield from wrap(text, surface.room, indent=6)
    yield ()
    yield line(Span("Template", "strong"))
    for row in serialize.to_yaml(_ordered(revision.template)).splitlines():
        yield line(f"  {safe(row, 2000)}" if row.strip() else "")


def _ordered(template: object) -> object:
    from rolloutctl.domain.templates import plain

    return plain(template)
