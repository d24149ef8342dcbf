"""What is wrong in the fleet, by cause: the most frequent first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from rolloutctl.domain.facts import Place
from rolloutctl.domain.fleet.summary import Summary
from rolloutctl.render.surface import Surface
from rolloutctl.render.views import fleet
from rolloutctl.tui.screens.acting import ActingScreen
from rolloutctl.tui.widgets.status_bar import StatusBar
from rolloutctl.tui.widgets.tree_pane import Item, Tree

_FEW = 8
"""More rollouts than that are folded at first."""
_MOST = 200
"""Rollouts that are listed of one cause."""


class CausesScreen(ActingScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1,escape", "app.fleet", "Fleet"),
        Binding("3", "app.plugins", "Plugins"),
    ]

    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield Causes()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(Causes).focus()
        self.second()
        self.ready = True

    def second(self) -> None:
        self.query_one(StatusBar).show(*self.dashboard.headline())
        causes = self.query_one(Causes)
        causes.summary = self.dashboard.fleet.tally.summary(self.dashboard.setup.now())
        causes.look()

    def chosen(self) -> Sequence[Place]:
        place = self.query_one(Causes).place
        return [place] if place is not None else []

    def action_open(self) -> None:
        causes = self.query_one(Causes)
        if causes.place is not None:
            self.dashboard.open(causes.place)
        else:
            causes.action_fold()


class Causes(Tree):
    """Groups that fold, and the rollouts in them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.open", "Open"),
    ]

    summary: Summary | None = None
    _places: dict[str, Place]

    def items(self, surface: Surface) -> Sequence[Item]:
        self._places = {}
        if self.summary is None:
            return []
        found: list[Item] = []
        for group in fleet.troubles(self.summary, surface):
            folded = len(group.members) > _FEW
            found.append(Item(group.key, [group.head], folded=folded, holds=True))
            if self.is_folded(group.key, first=folded):
                continue
            for place, said in group.members[:_MOST]:
                key = f"{group.key}\n{place}"
                self._places[key] = place
                found.append(Item(key, [said], depth=1))
        return found

    def nothing(self) -> str:
        return "reading" if self.summary is None else "nothing is wrong, and nobody is waited for"

    @property
    def place(self) -> Place | None:
        """The rollout the cursor is at, None at a group."""
        return getattr(self, "_places", {}).get(self.cursor)
