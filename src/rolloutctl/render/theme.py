"""From styles' names to what a terminal understands, and from Unicode to ASCII where it must be.

Colour only repeats what the words say, so leaving it out loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from rolloutctl.render.text import Line

_SGR = {
    "good": "32",
    "bad": "1;31",
    "warn": "33",
    "wait": "1;33",
    "dim": "2",
    "strong": "1",
    "accent": "36",
    "pod0": "36",
    "pod1": "35",
    "pod2": "34",
    "pod3": "32",
    "pod4": "33",
    "pod5": "1;36",
    "pod6": "1;35",
    "pod7": "1;34",
}
"""What stands for a kind of thing; "pod0" and so on tell neighbours apart and mean nothing."""

_ASCII = str.maketrans(
    {
        "…": "...",
        "→": "->",
        "►": ">",
        "▸": ">",
        "✓": "+",
        "✗": "x",
        "·": "-",
        "█": "#",
        "░": ".",
        "≥": ">=",
        "≤": "<=",
        "–": "-",
        "├": "|",
        "│": "|",
        "└": "`",
        "─": "-",
        "↳": ">",
    }
)


def to_text(lines: Iterable[Line], *, colour: bool, unicode: bool = True) -> str:
    """The lines as text, each ended by a newline; with ANSI colours only if `colour`.

    `unicode=False` writes our own symbols in ASCII and "?" for any other character beyond it.
    """
    return "".join(one_line(line, colour=colour, unicode=unicode) + "\n" for line in lines)


def one_line(line: Line, *, colour: bool, unicode: bool = True) -> str:
    """One line as text, without its end and without trailing spaces."""
    if not colour:
        text = "".join([span[0] for span in line]).rstrip()
        return text if unicode else to_ascii(text)
    parts: list[str] = []
    for span in line:
        text = span.text if unicode else to_ascii(span.text)
        code = _SGR.get(span.style)
        parts.append(f"\x1b[{code}m{text}\x1b[0m" if code and text.strip() else text)
    return "".join(parts).rstrip()


def to_ascii(text: str) -> str:
    """`text` for a terminal or locale that cannot print Unicode."""
    if text.isascii():
        return text
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
