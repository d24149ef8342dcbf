"""Lines for stderr while something happens, and how an error looks. Nothing here prints."""

from __future__ import annotations

from rolloutctl.errors import RolloutctlError
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line, safe, wrap


def event(surface: Surface, *pieces: Piece) -> Line:
    """Something that happened: "► promoted in full at 14:15:02"."""
    return line(Span(surface.symbols.event + " ", "accent"), *pieces)


def done(surface: Surface, *pieces: Piece) -> Line:
    """The good end: "✓ Healthy at 14:15:41"."""
    return line(Span(surface.symbols.done + " ", "good"), *pieces)


def failed(surface: Surface, *pieces: Piece) -> Line:
    """The bad end: "✗ checkout (shop): not promoted"."""
    return line(Span(surface.symbols.failed + " ", "bad"), *pieces)


def warning(surface: Surface, *pieces: Piece) -> Line:
    """What a person should know before going on."""
    return line(Span("warning: ", "warn"), *pieces)


def detail(surface: Surface, *pieces: Piece) -> Line:
    """More about the line before it, indented."""
    return line("  ", *pieces)


def error(problem: RolloutctlError, surface: Surface) -> list[Line]:
    """What happened, to which object, and what to do next; wrapped, never cut."""
    message = safe(problem.message, 2000)
    subject = safe(problem.subject)
    named = bool(subject) and subject in message
    text = message if not subject or named else f"{subject}: {message}"
    lines = wrap(failed(surface, text), surface.room, indent=2)
    for hint in problem.hint.splitlines():
        if hint.strip():
            # Indentation of a hint carries meaning (YAML of a rule to ask for).
            lead = len(hint) - len(hint.lstrip())
            lines += wrap(line(" " * (2 + lead), safe(hint, 2000).strip()), surface.room, indent=4)
    return lines
