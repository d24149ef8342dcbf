"""Text as it reaches a terminal: spans with a style's name, and the gate for what a cluster sent.

Whatever comes out of a cluster (names, messages, images, annotations) passes `safe` before it
becomes part of a line. After that a line holds nothing a terminal would interpret.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

ELLIPSIS = "…"

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, ...
    r"|\x1b[ -/]*[0-~]"  # the short ones
)
_BREAKS = re.compile(r"[\r\n\v\f\x85\u2028\u2029]\s*")
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_MOST_MARKS = 2


class Span(NamedTuple):
    """A run of text in one style: "" "good" "bad" "warn" "wait" "dim" "strong" "accent"."""

    text: str
    style: str = ""


Line = tuple[Span, ...]
Piece = Span | str


def safe(value: object, limit: int = 200) -> str:
    """`value` as one harmless printable line of at most `limit` characters (0: any length).

    A line break with the indentation after it, and a tab, become a space; escape sequences,
    control characters, bidi overrides and zero-width characters vanish; lone surrogates and
    unassigned code points become U+FFFD. None is "". A text that had to be cut ends in "…".
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    if (not limit or len(text) <= limit) and text.isascii() and text.isprintable():
        return text
    # An escape sequence may stand where the cut falls: look at more than is shown, not at 1 MB.
    longer = bool(limit) and len(text) > limit * 8
    if longer:
        text = text[: limit * 8]
    text = _BREAKS.sub(" ", _ESCAPES.sub("", text))
    kept: list[str] = []
    marks = 0
    for char in text:
        if char.isascii():
            marks = 0
            if char.isprintable():
                kept.append(char)
            elif char == "\t":
                kept.append(" ")
            continue
        category = unicodedata.category(char)
        if category in ("Mn", "Me"):
            marks += 1
            if marks <= _MOST_MARKS and char not in _INVISIBLE:
                kept.append(char)
            continue
        marks = 0
        if category == "Zs":
            kept.append(" ")
        elif category in ("Cc", "Cf") or char in _INVISIBLE:
            continue
        elif category in ("Cs", "Cn", "Co"):
            kept.append("\ufffd")
        else:
            kept.append(char)
    text = "".join(kept)
    if limit and (len(text) > limit or longer):
        text = text[: limit - 1] + ELLIPSIS
    return text


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def width(text: str | Sequence[Piece]) -> int:
    """The cells a terminal gives to a text or a line: 2 for wide CJK and emoji, 0 for marks."""
    if not isinstance(text, str):
        return sum(width(piece_text(piece)) for piece in text)
    if text.isascii():
        return len(text)
    total = 0
    for index, char in enumerate(text):
        if char == "\ufe0f" and index and _cell(text[index - 1]) == 1:
            total += 1  # emoji presentation makes the character before it wide
        else:
            total += _cell(char)
    return total


def piece_text(piece: Piece) -> str:
    return piece if isinstance(piece, str) else piece.text


def line(*pieces: Piece) -> Line:
    """A line of spans and plain strings; empty pieces are left out."""
    return tuple(
        Span(piece) if type(piece) is str else piece  # type: ignore[misc]
        for piece in pieces
        if piece_text(piece)
    )


def join(parts: Iterable[Piece | Line], separator: str = " ") -> Line:
    """The parts one after the other with `separator` between those that are not empty."""
    spans: list[Span] = []
    for part in parts:
        pieces = (Span(part),) if isinstance(part, str) else _as_line(part)
        pieces = tuple(piece for piece in pieces if piece.text)
        if not pieces:
            continue
        if spans and separator:
            spans.append(Span(separator))
        spans.extend(pieces)
    return tuple(spans)


def _as_line(part: Span | Line) -> Line:
    return (part,) if isinstance(part, Span) else part


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """`text` filled up with spaces to `cells`; what is wider stays as it is."""
    if text.isascii():
        return text.rjust(cells) if right else text.ljust(cells)
    missing = " " * max(0, cells - width(text))
    return missing + text if right else text + missing


def cut(text: str, cells: int) -> str:
    """`text` in at most `cells` cells, ending in "…" when something was left out."""
    if width(text) <= cells:
        return text
    kept: list[str] = []
    room = cells - 1
    for char in text:
        room -= _cell(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + ELLIPSIS if cells > 0 else ""


def wrap(content: Line, cells: int, *, indent: int = 0) -> list[Line]:
    """`content` broken at spaces into lines of at most `cells`; all but the first are indented.

    A word that is wider than a line is broken inside; nothing is lost. `cells` of 0 or less:
    no limit.
    """
    if cells <= 0 or width(content) <= cells:
        return [content]
    indent = min(indent, cells // 2)
    lines: list[Line] = []
    current: list[Span] = []
    used = 0
    fresh = True  # nothing but the indent stands on this line yet

    def end() -> None:
        nonlocal current, used, fresh
        while current and not current[-1].text.rstrip():
            current.pop()
        if current:
            last = current[-1]
            current[-1] = Span(last.text.rstrip(), last.style)
        lines.append(tuple(current))
        current = [Span(" " * indent)] if indent else []
        used = indent
        fresh = True

    for word in _words(content):
        text = "".join(span.text for span in word)
        size = width(text)
        if used + width(text.rstrip()) > cells and not fresh:
            end()
        if fresh and lines:
            word = _strip_left(word)
            size = sum(width(span.text) for span in word)
        if used + width("".join(span.text for span in word).rstrip()) <= cells:
            current.extend(word)
            used += size
        else:
            for span in word:
                for char in span.text:
                    if used + _cell(char) > cells:
                        end()
                    current.append(Span(char, span.style))
                    used += _cell(char)
        if text.strip():
            fresh = False
    end()
    return [_merged(item) for item in lines if item]


def _words(content: Line) -> Iterable[list[Span]]:
    """Words with the spaces that follow them; a word may run over several spans."""
    word: list[Span] = []
    for span in content:
        for part in re.findall(r"\s+|\S+", span.text):
            word.append(Span(part, span.style))
            if part.isspace():
                yield word
                word = []
    if word:
        yield word


def _strip_left(word: list[Span]) -> list[Span]:
    return word if "".join(span.text for span in word).strip() else []


def _merged(content: Sequence[Span]) -> Line:
    merged: list[Span] = []
    for span in content:
        if merged and merged[-1].style == span.style:
            merged[-1] = Span(merged[-1].text + span.text, span.style)
        else:
            merged.append(span)
    return tuple(merged)
