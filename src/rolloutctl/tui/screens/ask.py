"""Asks for a line of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from rolloutctl.errors import RolloutctlError
from rolloutctl.render.text import safe


class AskScreen(ModalScreen[str | None]):
    """The text, None for nothing. `check` raises for what cannot be meant, and that is shown."""

    CSS = """
    AskScreen { align: center middle; }
    AskScreen #box {
        width: 100; max-width: 95%; height: auto; background: $surface; border: round $primary;
        padding: 0 1;
    }
    AskScreen Static { height: auto; }
    AskScreen #wrong { color: $error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Nothing", show=False)]

    def __init__(self, question: str, text: str, check: Callable[[str], object]) -> None:
        super().__init__()
        self._question = question
        self._text = text
        self._check = check

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(safe(self._question, 400), markup=False)
            yield Input(self._text, compact=True)
            yield Static("", id="wrong", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            self._check(event.value)
        except RolloutctlError as error:
            self.query_one("#wrong", Static).update(safe(error.message, 400))
        else:
            self.dismiss(event.value)

    def action_leave(self) -> None:
        self.dismiss(None)
