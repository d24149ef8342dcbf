"""The first line of every screen: how many rollouts are in which phase, and how live that is."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from rolloutctl.render.text import Line, Span, width
from rolloutctl.tui.theme import strip


class StatusBar(Widget):
    """`left` is cut where both do not fit: a connection that is away must be seen."""

    DEFAULT_CSS = """
    StatusBar { height: 1; dock: top; background: $panel; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._left: Line = ()
        self._right: Line = ()

    def show(self, left: Line, right: Line) -> None:
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        room = self.size.width
        dark = self.app.current_theme.dark
        if y:
            return Strip.blank(room, self.rich_style)
        right = min(width(self._right), room)
        left = max(0, room - right - 2)
        gap = room - right - left
        return Strip.join(
            [
                strip(self._left, left, dark=dark, behind=self.rich_style),
                strip((Span(" " * gap),), gap, dark=dark, behind=self.rich_style),
                strip(self._right, right, dark=dark, behind=self.rich_style),
            ]
        )
