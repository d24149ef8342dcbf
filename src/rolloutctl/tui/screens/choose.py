"""A list to choose one thing from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from rolloutctl.render.text import Line, safe
from rolloutctl.tui.theme import content


class ChooseScreen(ModalScreen[int | None]):
    """What is chosen, by its number from 0; None for nothing."""

    CSS = """
    ChooseScreen { align: center middle; }
    ChooseScreen #box {
        width: 90; max-width: 95%; height: auto; max-height: 80%;
        background: $surface; border: round $primary; padding: 0 1;
    }
    ChooseScreen OptionList { height: auto; max-height: 100%; border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Nothing", show=False),
        Binding("j", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]

    def __init__(self, question: str, options: Sequence[Line], at: int = 0) -> None:
        super().__init__()
        self._question = question
        self._options = options
        self._at = at

    def compose(self) -> ComposeResult:
        dark = self.app.current_theme.dark
        with Vertical(id="box"):
            yield Static(safe(self._question), markup=False)
            yield OptionList(*(content([each], dark=dark) for each in self._options), compact=True)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = self._at
        options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        (options.action_cursor_down if by > 0 else options.action_cursor_up)()

    def action_leave(self) -> None:
        self.dismiss(None)
