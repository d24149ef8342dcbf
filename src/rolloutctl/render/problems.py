"""How an error looks: what happened first, what to do next below it."""

from __future__ import annotations

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap

_LIMIT = 2000


def error_lines(message: str, hint: str, surface: Surface, *, subject: str = "") -> list[Line]:
    """The lines of one error, wrapped where a person reads them, never cut.

    `subject` is put before a message that does not name it; message and hint may hold several
    lines, and the indentation of a hint is kept (it may be YAML of a rule to ask for).
    """
    first, *rest = message.splitlines() or [""]
    said, named = safe(first, _LIMIT), safe(subject)
    if named and named not in said:
        said = f"{named}: {said}"
    mark = f"{surface.symbols.failed} " if surface.unicode else "error: "
    lines = wrap(line(Span(mark, "bad"), Span(said, "strong")), surface.room, indent=2)
    for text, style in [
        *((each, "") for each in rest),
        *((each, "dim") for each in hint.splitlines()),
    ]:
        lead = len(text) - len(text.lstrip())
        if text.strip():
            told = line(" " * (2 + lead), Span(safe(text, _LIMIT).strip(), style))
            lines += wrap(told, surface.room, indent=4 + lead)
    return lines
