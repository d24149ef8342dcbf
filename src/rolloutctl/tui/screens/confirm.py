"""Asks before something is changed, and says exactly what will happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from rolloutctl.render.text import Line, Span, line, safe, wrap
from rolloutctl.tui.theme import content

if TYPE_CHECKING:
    from rolloutctl.tui.app import Dashboard

Lines = Callable[[int], Sequence[Line]]
"""Lines for a width in cells."""


class ConfirmScreen(ModalScreen[bool]):
    """`typed`: the text that has to be typed; otherwise y, or Enter on the button."""

    CSS = """
    ConfirmScreen { align: center middle; }
    ConfirmScreen #box {
        width: 90%; max-width: 110; height: auto; max-height: 90%;
        background: $surface; border: round $primary; padding: 0 1;
    }
    ConfirmScreen VerticalScroll { height: auto; max-height: 1fr; }
    ConfirmScreen #question { margin: 1 0 0 0; height: auto; text-style: bold; }
    ConfirmScreen #buttons { height: auto; margin: 1 0 0 0; align-horizontal: right; }
    ConfirmScreen Button { margin: 0 0 0 2; }
    ConfirmScreen Input { height: 3; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", show=False),
        Binding("n,escape", "no", "No", show=False),
        Binding("Y", "copy", "Copy the command", show=False),
        Binding("left,right,h,l", "other", "Other button", show=False),
    ]

    def __init__(
        self, lines: Lines, question: str, typed: str | None = None, *, command: str = ""
    ) -> None:
        """`command`: what does the same on a command line; Y copies it."""
        super().__init__()
        self._command = command
        self._lines = lines
        self._question = question
        self._typed = typed

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            with VerticalScroll(can_focus=False):
                yield Static(id="plan", markup=False)
            if self._typed is None:
                yield Static(f"{self._question} [y/N]", id="question", markup=False)
                with Horizontal(id="buttons"):
                    yield Button("No", id="no", compact=True)
                    yield Button("Yes", id="yes", variant="primary", compact=True)
            else:
                asks = f'{self._question} Type "{safe(self._typed)}":'
                yield Static(asks, id="question", markup=False)
                yield Input(compact=True)

    def on_mount(self) -> None:
        self.query_one("#no" if self._typed is None else Input).focus()
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        plan = self.query_one("#plan", Static)
        room = max(10, plan.size.width or self.size.width - 6)
        lines = list(self._lines(room))
        first, *more = self._command.splitlines() or [""]
        if first:
            others = f" and {len(more)} more" if more else ""
            said = line(Span(f"Y copies: {safe(first, 300)}{others}", "dim"))
            lines += [(), *wrap(said, room, indent=2)]
        plan.update(content(lines, dark=self.app.current_theme.dark))

    def action_yes(self) -> None:
        if self._typed is None:
            self.dismiss(True)

    def action_no(self) -> None:
        self.dismiss(False)

    def action_copy(self) -> None:
        cast("Dashboard", self.app).copied(self._command)

    def action_other(self) -> None:
        self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._typed:
            self.dismiss(True)
        else:
            self.notify("that is not it: nothing is changed", severity="warning")
            self.dismiss(False)
