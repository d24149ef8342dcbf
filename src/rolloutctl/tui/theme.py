"""Colours: what the styles of `render` look like on a light and on a dark screen.

Colour only repeats what the words say, so leaving it out loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip
from textual.theme import Theme

from rolloutctl.render.text import Line, Span, width

DARK = Theme(
    name="rolloutctl-dark",
    primary="#6cb6ff",
    secondary="#8ddb8c",
    accent="#56d4dd",
    warning="#e3b341",
    error="#ff7b72",
    success="#7ee787",
    foreground="#d7dde4",
    background="#11151a",
    surface="#171c23",
    panel="#222a34",
    dark=True,
)
LIGHT = Theme(
    name="rolloutctl-light",
    primary="#0a58b8",
    secondary="#1a6b2d",
    accent="#0b6470",
    warning="#7a4d00",
    error="#b3151f",
    success="#17692b",
    foreground="#1f2328",
    background="#ffffff",
    surface="#f4f6f8",
    panel="#e3e8ee",
    dark=False,
)
THEMES = (DARK, LIGHT)

_DARK: Mapping[str, str] = {
    "good": "#7ee787",
    "bad": "bold #ff7b72",
    "warn": "#e3b341",
    "wait": "bold #f2cc60",
    "dim": "#8b98a5",
    "strong": "bold",
    "accent": "#56d4dd",
    "pod0": "#56d4dd",
    "pod1": "#d2a8ff",
    "pod2": "#79c0ff",
    "pod3": "#7ee787",
    "pod4": "#e3b341",
    "pod5": "bold #56d4dd",
    "pod6": "bold #d2a8ff",
    "pod7": "bold #79c0ff",
    # What the dashboard adds: the row a person is at, one that changed just now.
    "cursor": "on #2b3b52",
    "fresh": "on #2d2a14",
}
_LIGHT: Mapping[str, str] = {
    "good": "#17692b",
    "bad": "bold #b3151f",
    "warn": "#7a4d00",
    "wait": "bold #7a4d00",
    "dim": "#57606a",
    "strong": "bold",
    "accent": "#0b6470",
    "pod0": "#0b6470",
    "pod1": "#6f2dbd",
    "pod2": "#0a58b8",
    "pod3": "#17692b",
    "pod4": "#7a4d00",
    "pod5": "bold #0b6470",
    "pod6": "bold #6f2dbd",
    "pod7": "bold #0a58b8",
    "cursor": "on #cfe2ff",
    "fresh": "on #fff4cc",
}


@lru_cache(maxsize=128)
def style(name: str, *, dark: bool) -> Style:
    """What a style of `render` looks like; an unknown one like no style at all."""
    return Style.parse((_DARK if dark else _LIGHT).get(name, ""))


def strip(
    line: Line, cells: int, *, dark: bool, behind: Style | None = None, plain: Style | None = None
) -> Strip:
    """A line as exactly `cells` cells; `behind` lies under all of it, `plain` where no style is."""
    segments = [
        Segment(span.text, style(span.style, dark=dark) if span.style else plain) for span in line
    ]
    found = Strip(segments, width(line)).adjust_cell_length(cells)
    return found if behind is None else found.apply_style(behind)


def content(lines: Iterable[Line], *, dark: bool) -> Content:
    """Lines as the content of a widget."""
    parts: list[Content] = []
    for line in lines:
        spans = [_content(span, dark=dark) for span in line]
        parts.append(Content("").join(spans))
    return Content("\n").join(parts)


def _content(span: Span, *, dark: bool) -> Content:
    wanted = (_DARK if dark else _LIGHT).get(span.style, "")
    return Content.styled(span.text, wanted) if wanted else Content(span.text)
