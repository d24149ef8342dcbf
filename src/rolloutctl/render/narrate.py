"""Lines for stderr while something happens. Nothing here prints."""

from __future__ import annotations

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Piece, Span, line


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
