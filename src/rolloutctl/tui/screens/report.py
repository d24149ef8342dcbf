"""Lines to be read over the screen one came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line
from rolloutctl.tui.widgets.pane import Lines


class ReportScreen(ModalScreen[None]):
    """Escape, Enter and q leave it."""

    CSS = """
    ReportScreen { align: center middle; }
    ReportScreen #box {
        width: 90%; max-width: 120; height: 90%; background: $surface; border: round $primary;
    }
    ReportScreen #title { height: 1; padding: 0 1; text-style: bold; }
    ReportScreen Lines { background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close"),
    ]
    title_text = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(self.title_text, id="title", markup=False)
            yield _Report(self)

    def on_mount(self) -> None:
        report = self.query_one(_Report)
        report.focus()
        self.call_after_refresh(report.look)

    def lines(self, surface: Surface) -> Sequence[Line]:
        """What is to be read."""
        raise NotImplementedError


class _Report(Lines):
    def __init__(self, of: ReportScreen) -> None:
        super().__init__()
        self._of = of

    def lines(self, surface: Surface) -> Sequence[Line]:
        return self._of.lines(surface)


class TextScreen(ReportScreen):
    """A report that is known when it is shown."""

    def __init__(self, title: str, lines: Sequence[Line], **more: Any) -> None:
        super().__init__(**more)
        self.title_text = title
        self._lines_shown = lines

    def lines(self, surface: Surface) -> Sequence[Line]:
        return self._lines_shown
