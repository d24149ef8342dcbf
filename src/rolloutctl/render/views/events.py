"""Events as lines: when, how bad, what of, why, and what was said; changes by people stand out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rolloutctl.domain.audit import Audit
from rolloutctl.domain.happenings import Happening
from rolloutctl.render import words
from rolloutctl.render.columns import table
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, safe

_SHORT = {
    "ReplicaSet": "rs",
    "Rollout": "rollout",
    "Pod": "pod",
    "AnalysisRun": "ar",
    "Experiment": "exp",
    "Job": "job",
}


def lines(
    events: Iterable[Happening],
    surface: Surface,
    *,
    namespaces: bool = False,
    wide: bool = False,
    sample: int = 200,
) -> Iterator[Line]:
    """The table, line by line as the events come in; nothing at all without any."""
    names = [*(["NAMESPACE"] if namespaces else []), "LAST", "TYPE", "OBJECT", "REASON"]
    names += [*(["COUNT", "FIRST", "FROM"] if wide else []), "MESSAGE"]

    def cells() -> Iterator[list[Piece]]:
        for event in events:
            found: list[Piece] = [safe(event.namespace)] if namespaces else []
            style = _style(event)
            found += (
                when(event, surface),
                Span(safe(event.type, 20) or "-", "warn" if event.type == "Warning" else ""),
                safe(f"{_SHORT.get(event.kind, event.kind.lower())}/{event.object}"),
                Span(safe(event.reason, 100) or "-", style),
            )
            if wide:
                first = words.clock(event.first, surface.now) if event.first else "-"
                found += (f"{event.count:,}", first, safe(event.component, 100) or "-")
            often = f" ({event.count:,} times)" if event.count > 1 and not wide else ""
            text = (
                by_whom(event.audit)
                if event.audit is not None
                else safe(event.message, words.MESSAGE)
            )
            found.append(Span(text + often, style))
            yield found

    yield from table(
        names,
        cells(),
        surface,
        right=frozenset({"COUNT"}),
        drop=() if wide else ("TYPE",),
        flex="MESSAGE",
        sample=sample,
    )


def when(event: Happening, surface: Surface) -> str:
    """The time of day, with the date when it is not today."""
    return words.clock(event.at, surface.now) if event.at is not None else "-"


def by_whom(audit: Audit) -> str:
    """ "promote by alice: step 3 of 7 → step 4 of 7, because ..."."""
    moved = " to ".join(safe(part, 300) for part in (audit.before, audit.after) if part)
    text = safe(audit.action, 60)
    text += f" by {safe(audit.by, 200)}" if audit.by else ""
    text += f": {moved}" if moved else ""
    return text + (f", because {safe(audit.reason, 500)}" if audit.reason else "")


def _style(event: Happening) -> str:
    if event.audit is not None:
        return "accent"
    return "warn" if event.type == "Warning" else ""
