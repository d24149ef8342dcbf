"""A widget that shows lines and scrolls: a part of a rollout's screen, or of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from rolloutctl.actions.live_rollout import LiveRollout
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, width
from rolloutctl.tui.theme import strip, style

if TYPE_CHECKING:
    from rolloutctl.tui.app import Dashboard


class Lines(ScrollView, can_focus=True):
    """Shows what `lines` gives whenever somebody calls `look`."""

    DEFAULT_CSS = """
    Lines { width: 1fr; height: 1fr; padding: 0 0 0 1; scrollbar-gutter: stable; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "End", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[Line] = ()

    @property
    def dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)

    @property
    def room(self) -> int:
        """The cells of a line."""
        return max(1, self.scrollable_content_region.width)

    def surface(self) -> Surface:
        return self.dashboard.surface(self.room)

    # --- what it shows -------------------------------------------------------------------------

    def lines(self, surface: Surface) -> Sequence[Line]:
        """What there is to see now."""
        raise NotImplementedError

    def behind(self, _index: int) -> str:
        """The style that lies under a line, "" for none."""
        return ""

    # --- showing it -----------------------------------------------------------------------------

    def look(self) -> None:
        """Shows what there is now, if anybody can see it."""
        if not self.display or not self.is_mounted or self.size.width == 0:
            return
        found = list(self.lines(self.surface()))
        if found == self._lines:
            return
        self._lines = found
        widest = max((width(line) for line in found), default=0)
        self.virtual_size = Size(widest, len(found))
        self.refresh()

    def on_resize(self) -> None:
        self._lines = ()
        self.look()

    def on_show(self) -> None:
        self._lines = ()
        self.call_after_refresh(self.look)

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        index = top + y
        room = self.room
        if index >= len(self._lines):
            return Strip.blank(room, self.rich_style)
        dark = self.app.current_theme.dark
        whole = max(room + left, width(self._lines[index]))
        behind = self.rich_style
        if under := self.behind(index):
            behind += style(under, dark=dark)
        return strip(self._lines[index], whole, dark=dark, behind=behind).crop(left, left + room)


class Pane(Lines):
    """A side of a rollout. It is asked again when the rollout changes, and each second."""

    def __init__(self, live: LiveRollout, id: str | None = None) -> None:
        super().__init__(id=id)
        self.live = live

    def begin(self) -> None:
        """It comes into sight: what only this pane needs may be asked for."""

    def end(self) -> None:
        """It goes out of sight, or the screen is left: what was begun ends."""

    def frame(self) -> None:
        """Ten times a second at most, while it is in sight."""
