"""What is typed to find rollouts, and beside it how many there are and in what order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from rolloutctl.render.text import Line
from rolloutctl.tui.theme import content


class FilterBar(Horizontal):
    """The table is filtered as one types; Enter goes to it, Escape takes the filter back."""

    DEFAULT_CSS = """
    FilterBar { height: 1; background: $surface; padding: 0 1; }
    FilterBar Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    FilterBar Input:focus { border: none; background: $panel; }
    FilterBar .sign { width: 2; color: $text-muted; }
    FilterBar #found { width: 54; max-width: 60%; padding: 0 0 0 2; text-align: right; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear the filter", show=False),
        Binding("down", "leave", "To the rows", show=False),
    ]

    @dataclass
    class Typed(Message):
        """The filter has another text."""

        text: str

    @dataclass
    class Left(Message):
        """The filter is done with."""

    def __init__(self, text: str, complete: Callable[[str], list[str]]) -> None:
        super().__init__()
        self._text = text
        self._complete = complete
        self._found: tuple[Line, bool] | None = None

    def compose(self) -> ComposeResult:
        yield Static("/", classes="sign", markup=False)
        yield Input(
            self._text,
            placeholder="filter: part of a name, ns:shop, phase:degraded, plugin:x, awaiting, k=v",
            suggester=_Suggester(self._complete),
            compact=True,
            select_on_focus=False,
        )
        yield Static("", id="found", markup=False)

    @property
    def text(self) -> str:
        return self.query_one(Input).value

    def show(self, found: Line) -> None:
        """What is said beside it: counts and order, or what is wrong with the filter."""
        dark = self.app.current_theme.dark
        if (found, dark) != self._found:
            self._found = (found, dark)
            # (Its width does not depend on what it says: nothing has to be laid out anew.)
            self.query_one("#found", Static).update(content([found], dark=dark), layout=False)

    def put(self, text: str) -> None:
        """As if it had been typed."""
        self.query_one(Input).value = text

    def begin(self) -> None:
        self.query_one(Input).focus()

    def action_clear(self) -> None:
        self.query_one(Input).value = ""
        self.post_message(self.Left())

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left())


class _Suggester(Suggester):
    """Shows how the word being typed may go on."""

    def __init__(self, complete: Callable[[str], list[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return next(iter(self._complete(value)), None)
