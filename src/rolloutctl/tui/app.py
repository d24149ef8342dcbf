"""The application: it takes what the watches bring, ten times a second, and shows it."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches

from rolloutctl.actions.availability import forbidden
from rolloutctl.actions.live_fleet import LiveFleet
from rolloutctl.domain.connections import Connection, Link
from rolloutctl.domain.decision import Action
from rolloutctl.domain.facts import Place
from rolloutctl.domain.fleet.board import Board
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, join
from rolloutctl.render.views import connections, table
from rolloutctl.tui.background import in_thread
from rolloutctl.tui.changing import Changing
from rolloutctl.tui.palette import Actions, Rollouts
from rolloutctl.tui.screens.base import LiveScreen
from rolloutctl.tui.screens.causes import CausesScreen
from rolloutctl.tui.screens.fleet import FleetScreen
from rolloutctl.tui.screens.help import HelpScreen
from rolloutctl.tui.screens.outcomes import OutcomesScreen
from rolloutctl.tui.screens.plugins import PluginsScreen
from rolloutctl.tui.screens.rollout import RolloutScreen
from rolloutctl.tui.setup import Setup
from rolloutctl.tui.switching import Switching
from rolloutctl.tui.theme import DARK, LIGHT, THEMES

_FRAME = 0.1
"""Seconds between two pictures at least."""

_NARROW = 100
"""On fewer cells the first line is told in fewer words."""


class Dashboard(App[None]):
    """`rolloutctl dashboard`."""

    TITLE = "rolloutctl"
    COMMANDS: ClassVar[set[Any]] = {Rollouts, Actions}
    CSS = """
    Footer { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit", show=False),
        Binding("T", "turn_theme", "Light or dark", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("E", "outcomes", "What was done", show=False),
    ]

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.setup = setup
        self.fleet = LiveFleet(
            setup.members, Board(), label_selector=setup.label_selector, now=setup.now
        )
        for label, problem in setup.broken.items():
            self.fleet.connections[label] = Connection(Link.STALE, setup.now(), problem)
        self.changing = Changing(self)
        self.switching = Switching(self)
        self.forbidden: dict[tuple[str, str], Mapping[Action, str]] = {}
        """What the caller has not the right to, by cluster and namespace, as far as it is known."""
        self._settled = False
        self.clusters = tuple(self.fleet.connections) if len(self.fleet.connections) > 1 else ()
        """What the clusters are called, where there are several."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = setup.theme

    def on_mount(self) -> None:
        self.fleet.start()
        self.push_screen(FleetScreen())
        self.set_interval(_FRAME, self._frame)
        self.set_interval(1.0, self._second)

    def on_unmount(self) -> None:
        self.fleet.close()

    @property
    def fault(self) -> Exception | None:
        """What ended it, when that was a fault of ours."""
        return self._exception

    def _print_error_renderables(self) -> None:
        """Prints no traceback: whoever runs the dashboard says what happened."""

    # --- keeping up ------------------------------------------------------------------------------

    def _frame(self) -> None:
        changed = self.fleet.take()
        if not self._settled and self.fleet.complete:
            self._settled = True
            # Tens of thousands of rows that stay: looking through them for garbage again and again
            # would stop the screen for a tenth of a second each time.
            gc.collect()
            gc.freeze()
        screen = self.screen
        if isinstance(screen, LiveScreen) and screen.ready:
            # (A screen that is being left has lost some of its widgets already.)
            with contextlib.suppress(NoMatches):
                screen.frame(changed)

    def _second(self) -> None:
        screen = self.screen
        if isinstance(screen, LiveScreen) and screen.ready:
            with contextlib.suppress(NoMatches):
                screen.second()

    # --- what screens ask for --------------------------------------------------------------------

    def surface(self, width: int = 0) -> Surface:
        """What a view draws on."""
        return Surface(width or self.size.width, now=self.setup.now(), colour=True)

    def headline(self) -> tuple[Line, Line]:
        """What the first line says: the counts, and how live they are."""
        board = self.fleet.board
        surface = self.surface()
        left = table.counts(board.phases, board.awaiting, short=surface.width < _NARROW)
        unreadable = len(self.fleet.unreadable)
        said = Span(f"{unreadable:,} unreadable" if unreadable else "", "bad")
        return left, join([said, connections.short(self.fleet.connections, surface)], "  ")

    def open(self, place: Place) -> None:
        """Shows one rollout in full."""
        self.push_screen(RolloutScreen(place))

    def action_fleet(self) -> None:
        """To the fleet, from wherever."""
        while len(self.screen_stack) > 2:
            self.pop_screen()

    def filter_by(self, text: str) -> None:
        """To the fleet, filtered."""
        self.action_fleet()
        if isinstance(self.screen, FleetScreen):
            self.screen.filter_by(text)

    def action_causes(self) -> None:
        self.action_fleet()
        self.push_screen(CausesScreen())

    def action_plugins(self) -> None:
        self.action_fleet()
        self.push_screen(PluginsScreen())

    def action_help(self) -> None:
        self.push_screen(HelpScreen(self.screen))

    def action_outcomes(self) -> None:
        self.push_screen(OutcomesScreen())

    def copied(self, text: str) -> None:
        """Puts a text on the clipboard, and says so."""
        if not text:
            self.notify("there is nothing to copy", severity="warning")
            return
        self.copy_to_clipboard(text)
        lines = text.splitlines()
        shown = text if len(lines) == 1 else f"{len(lines)} lines"
        self.notify(f"copied: {shown}", markup=False)

    def learn(self, place: Place) -> None:
        """Finds out, once, what the caller may do in the namespace of a rollout."""
        label, ref = place
        if (label, ref.namespace) in self.forbidden:
            return
        self.forbidden[label, ref.namespace] = {}

        async def ask() -> None:
            cluster = self.fleet.members[label].cluster
            found = await in_thread(lambda: forbidden(cluster, ref.namespace))
            self.forbidden[label, ref.namespace] = found
            self.screen.refresh_bindings()

        self.run_worker(ask(), group="rights", exit_on_error=False)

    def action_turn_theme(self) -> None:
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name
