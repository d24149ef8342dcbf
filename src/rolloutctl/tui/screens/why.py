"""Why a plugin is switched, and whether the controller is restarted right away."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, Static

from rolloutctl.render.text import safe


class Asked(NamedTuple):
    """What was said."""

    reason: str
    restart: bool


class WhyScreen(ModalScreen[Asked | None]):
    """Nothing is changed by it: what will happen is said, and asked, next."""

    CSS = """
    WhyScreen { align: center middle; }
    WhyScreen #box {
        width: 80; max-width: 95%; height: auto; background: $surface; border: round $primary;
        padding: 0 1;
    }
    WhyScreen Static { height: auto; }
    WhyScreen #buttons { height: auto; align-horizontal: right; margin: 1 0 0 0; }
    WhyScreen Button { margin: 0 0 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "No", show=False)]

    def __init__(self, name: str, *, disable: bool) -> None:
        super().__init__()
        self._name = name
        self._disable = disable

    def compose(self) -> ComposeResult:
        verb = "Disable" if self._disable else "Enable"
        with Vertical(id="box"):
            yield Static(f"{verb} {safe(self._name)}", markup=False)
            if self._disable:
                yield Input(placeholder="reason, as INC-4711 (kept in the ConfigMap)", compact=True)
            yield Checkbox(
                "restart the controller: only then does it take effect", value=True, compact=True
            )
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="no", compact=True)
                yield Button("Go on", id="yes", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input if self._disable else Checkbox).focus()

    def action_leave(self) -> None:
        self.dismiss(None)

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        self._go_on()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self._go_on()
        else:
            self.dismiss(None)

    def _go_on(self) -> None:
        inputs = self.query(Input)
        reason = inputs.first().value.strip() if inputs else ""
        self.dismiss(Asked(reason, self.query_one(Checkbox).value))
