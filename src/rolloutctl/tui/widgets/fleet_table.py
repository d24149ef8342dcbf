"""The table of a fleet: tens of thousands of rows of which only those on the screen are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from rolloutctl.domain.facts import Place
from rolloutctl.domain.fleet.board import Board
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Span
from rolloutctl.render.views.fleet_table import FleetTable as Columns
from rolloutctl.render.views.fleet_table import Mark
from rolloutctl.tui.theme import strip, style

_FRESH = 2.0
"""Seconds for which a row that changed stands out."""


class FleetTable(ScrollView, can_focus=True):
    """A board's rows. The cursor stays with its rollout when rows come, go, or are sorted anew."""

    DEFAULT_CSS = """
    FleetTable { overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "go(0)", "First", show=False),
        Binding("end,G", "go(-1)", "Last", show=False),
        Binding("enter,l", "open", "Open"),
        Binding("space", "mark", "Mark", show=False),
    ]

    @dataclass
    class Opened(Message):
        """Somebody wants to see this rollout."""

        place: Place

    @dataclass
    class Moved(Message):
        """The cursor is at another rollout, or at none."""

        place: Place | None

    @dataclass
    class Marked(Message):
        """Other rollouts are marked."""

        count: int

    def __init__(
        self,
        board: Board,
        surface: Callable[[], Surface],
        fresh: Callable[[float], frozenset[Place]],
        nothing: Callable[[], str] = lambda: "",
        *,
        namespaces: bool = True,
        clusters: tuple[str, ...] = (),
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.board = board
        self._nothing = nothing
        """What is said where there are no rows."""
        self.marked: set[Place] = set()
        self._surface = surface
        self._fresh = fresh
        self._columns = Columns(namespaces=namespaces, clusters=clusters)
        self._at = 0
        self._cursor: Place | None = None
        self._flashing: frozenset[Place] = frozenset()

    # --- what is shown ---------------------------------------------------------------------------

    @property
    def cursor(self) -> Place | None:
        """The rollout the cursor is at."""
        return self._cursor

    def chosen(self) -> list[Place]:
        """Those that an action is for: the marked ones, else the one at the cursor."""
        if self.marked:
            return sorted(self.marked)
        return [self._cursor] if self._cursor is not None else []

    def changed(self, *, anew: bool = False) -> None:
        """The board has changed; `anew`: its rows are other ones or in another order."""
        if anew:
            self._columns.reset()
        gone = [place for place in self.marked if self.board.entry(place) is None]
        self.marked.difference_update(gone)
        if gone:
            self.post_message(self.Marked(len(self.marked)))
        count = len(self.board)
        index = self.board.index(self._cursor) if self._cursor is not None else None
        if index is None:
            index = max(0, min(self._at, count - 1))
        self.virtual_size = Size(1, count + 1)
        moved = index - self._at
        top = self.scroll_offset.y
        self._settle(index)
        if moved and not anew and 0 <= self._at - top < self._rows_shown():
            # The row under the eye stays where it is.
            self._show_cursor()
        elif anew:
            self._show_cursor()
        self.refresh()

    def tick(self) -> None:
        """Time has gone by: ages are shown anew."""
        self.refresh()

    def _settle(self, index: int) -> None:
        self._at = index
        place = self.board.row(index).place if len(self.board) else None
        if place != self._cursor:
            self._cursor = place
            self.post_message(self.Moved(place))

    @property
    def _room(self) -> int:
        return max(1, self.scrollable_content_region.width)

    def _rows_shown(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def on_resize(self, _event: events.Resize) -> None:
        self._columns.reset()
        self.virtual_size = Size(1, len(self.board) + 1)
        self._show_cursor()

    def render_lines(self, crop: Region) -> list[Strip]:
        # Measured once a picture, for what the picture shows.
        top = self.scroll_offset.y
        end = min(len(self.board), top + self._rows_shown())
        here = self._here()
        self._flashing = self._fresh(_FRESH)
        self._columns.fit([self.board.row(index) for index in range(top, end)], here)
        return super().render_lines(crop)

    def _here(self) -> Surface:
        return self._surface()._replace(width=self._room)

    def render_line(self, y: int) -> Strip:
        dark = self.app.current_theme.dark
        plain = self.rich_style
        room = self._room
        if y == 0:
            return strip(self._columns.head(), room, dark=dark, behind=plain)
        index = self.scroll_offset.y + y - 1
        if y == 1 and not len(self.board):
            said = (Span(f"  {self._nothing()}", "dim"),)
            return strip(said, room, dark=dark, behind=plain)
        if not 0 <= index < len(self.board):
            return Strip.blank(room, plain)
        row = self.board.row(index)
        fresh = row.place in self._flashing
        mark = Mark(row.place in self.marked, fresh)
        line = self._columns.line(row, self._here(), mark)
        behind = plain
        if fresh:
            behind += style("fresh", dark=dark)
        if index == self._at:
            behind += style("cursor", dark=dark)
        return strip(line, room, dark=dark, behind=behind)

    # --- moving ----------------------------------------------------------------------------------

    def _show_cursor(self) -> None:
        rows = self._rows_shown()
        top = self.scroll_offset.y
        if self._at < top:
            top = self._at
        elif self._at >= top + rows:
            top = self._at - rows + 1
        top = max(0, min(top, max(0, len(self.board) - rows)))
        self.scroll_to(y=top, animate=False, immediate=True)

    def move_to(self, index: int) -> None:
        """The cursor to a row, which comes into sight."""
        self._settle(max(0, min(index, len(self.board) - 1)))
        self._show_cursor()
        self.refresh()

    def action_move(self, rows: int) -> None:
        self.move_to(self._at + rows)

    def action_page(self, pages: int) -> None:
        self.move_to(self._at + pages * self._rows_shown())

    def action_go(self, index: int) -> None:
        self.move_to(len(self.board) - 1 if index < 0 else index)

    def action_open(self) -> None:
        if self._cursor is not None:
            self.post_message(self.Opened(self._cursor))

    def action_mark(self) -> None:
        if self._cursor is None:
            return
        self.marked ^= {self._cursor}
        self.post_message(self.Marked(len(self.marked)))
        self.move_to(self._at + 1)

    def mark_all(self) -> None:
        """Marks all rows the query keeps; once more: none."""
        places = {self.board.row(index).place for index in range(len(self.board))}
        self.marked = set() if places <= self.marked else places
        self.post_message(self.Marked(len(self.marked)))
        self.refresh()

    def unmark(self) -> None:
        """Marks nothing any more."""
        self.marked.clear()
        self.post_message(self.Marked(0))
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        index = self.scroll_offset.y + event.y - 1
        if event.y < 1 or index >= len(self.board):
            return
        again = index == self._at and event.chain > 1
        self.move_to(index)
        if again:
            self.action_open()
