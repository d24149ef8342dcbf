"""The fleet: every rollout of every cluster, filtered and sorted as one types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from rolloutctl.domain.facts import Place
from rolloutctl.domain.fleet.board import Sort
from rolloutctl.domain.fleet.query import Query, complete, parse
from rolloutctl.errors import RolloutctlError
from rolloutctl.render.text import Line, Span, join, line, safe
from rolloutctl.tui.screens.acting import ActingScreen
from rolloutctl.tui.widgets.filter_bar import FilterBar
from rolloutctl.tui.widgets.fleet_table import FleetTable
from rolloutctl.tui.widgets.status_bar import StatusBar

_ORDERS = {
    Sort.URGENCY: "the most urgent first",
    Sort.NAME: "by name",
    Sort.WAITING: "the longest wait first",
    Sort.CHANGED: "what changed last first",
}


class FleetScreen(ActingScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort", show=False),
        Binding("S", "turn", "Turn the order", show=False),
        Binding("2", "app.causes", "Causes"),
        Binding("3", "app.plugins", "Plugins"),
        Binding("ctrl+a", "mark_all", "Mark all", show=False),
        Binding("escape", "back", "Back", show=False),
    ]

    def compose(self) -> ComposeResult:
        dashboard = self.dashboard
        yield StatusBar()
        yield FilterBar(dashboard.setup.query, self._complete)
        yield FleetTable(
            dashboard.fleet.board,
            dashboard.surface,
            dashboard.fleet.fresh,
            self._nothing,
            namespaces=any(member.namespace is None for member in dashboard.setup.members),
            clusters=dashboard.clusters,
        )
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._wrong = ""
        self._sort = Sort(self.dashboard.setup.sort)
        self._turned = False
        self._query = (
            Query("") if not self.dashboard.setup.query else parse(self.dashboard.setup.query)
        )
        self._arrange()
        self.query_one(FleetTable).focus()
        self.frame(True)
        self.ready = True

    # --- keeping up ------------------------------------------------------------------------------

    def frame(self, changed: bool) -> None:
        if changed:
            self.query_one(FleetTable).changed()
            self._tell()

    def second(self) -> None:
        self.query_one(FleetTable).tick()
        self._tell()

    def _tell(self) -> None:
        left, right = self.dashboard.headline()
        self.query_one(StatusBar).show(left, right)
        self.query_one(FilterBar).show(self._found())

    def _found(self) -> Line:
        if self._wrong:
            return line(Span(self._wrong, "bad"))
        board = self.dashboard.fleet.board
        marked = len(self.query_one(FleetTable).marked)
        of = f"{len(board):,} of {board.total:,}" if len(board) != board.total else ""
        order = _ORDERS.get(self._sort, str(self._sort)) + (", turned" if self._turned else "")
        return join(
            [
                Span(f"{marked:,} marked" if marked else "", "wait"),
                Span(of, "strong"),
                Span(order, "dim"),
            ],
            "  ",
        )

    def chosen(self) -> Sequence[Place]:
        return self.query_one(FleetTable).chosen()

    def _nothing(self) -> str:
        fleet = self.dashboard.fleet
        if fleet.board.total:
            return f"none of {fleet.board.total:,} is meant; escape takes the filter back"
        if not fleet.complete:
            return "reading"
        places = {member.namespace for member in self.dashboard.setup.members}
        named = ", ".join(sorted(place for place in places if place))
        return f"no rollouts in {f'namespace {named}' if None not in places else 'any namespace'}"

    # --- finding ---------------------------------------------------------------------------------

    def _complete(self, text: str) -> list[str]:
        board = self.dashboard.fleet.board
        return complete(
            text, namespaces=board.namespaces, plugins=board.plugins, phases=board.phases
        )

    def _arrange(self) -> None:
        self.dashboard.fleet.board.arrange(self._query, self._sort, reverse=self._turned)
        self.query_one(FleetTable).changed(anew=True)

    def on_filter_bar_typed(self, event: FilterBar.Typed) -> None:
        try:
            self._query = parse(event.text)
        except RolloutctlError as error:
            # What was kept stays: a half-typed word is no reason to lose the place.
            self._wrong = safe(error.message)
        else:
            self._wrong = ""
            self._arrange()
        self._tell()

    def on_filter_bar_left(self, _event: FilterBar.Left) -> None:
        self.query_one(FleetTable).focus()

    def filter_by(self, text: str) -> None:
        """Puts a text into the filter."""
        self.query_one(FilterBar).put(text)
        self.query_one(FleetTable).focus()

    def action_filter(self) -> None:
        self.query_one(FilterBar).begin()

    def action_sort(self) -> None:
        orders = list(_ORDERS)
        self._sort = orders[(orders.index(self._sort) + 1) % len(orders)]
        self._arrange()
        self._tell()

    def action_turn(self) -> None:
        self._turned = not self._turned
        self._arrange()
        self._tell()

    def action_mark_all(self) -> None:
        self.query_one(FleetTable).mark_all()

    def action_back(self) -> None:
        """Escape takes back one thing after the other: the marks, then the filter."""
        table = self.query_one(FleetTable)
        if table.marked:
            table.unmark()
        elif self.query_one(FilterBar).text:
            self.query_one(FilterBar).action_clear()

    def on_fleet_table_marked(self, _event: FleetTable.Marked) -> None:
        self._tell()

    def on_fleet_table_opened(self, event: FleetTable.Opened) -> None:
        self.dashboard.open(event.place)
