"""One rollout in full: where it stands beside one of its other sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import ContentSwitcher, Footer, Static, Tab, Tabs

from rolloutctl.actions.availability import refusals
from rolloutctl.actions.live_rollout import LiveRollout
from rolloutctl.domain.connections import Link
from rolloutctl.domain.decision import Action
from rolloutctl.domain.facts import Place
from rolloutctl.errors import RolloutctlError
from rolloutctl.render import words
from rolloutctl.render.text import Line, Span, join, line, safe
from rolloutctl.render.views import connections, rollout
from rolloutctl.tui import asking
from rolloutctl.tui.screens.acting import ActingScreen
from rolloutctl.tui.theme import content
from rolloutctl.tui.widgets.analysis_pane import AnalysisPane
from rolloutctl.tui.widgets.conditions_pane import ConditionsPane
from rolloutctl.tui.widgets.diff_pane import DiffPane
from rolloutctl.tui.widgets.events_pane import EventsPane
from rolloutctl.tui.widgets.logs_pane import LogsPane
from rolloutctl.tui.widgets.overview import Overview
from rolloutctl.tui.widgets.pane import Pane
from rolloutctl.tui.widgets.revisions_pane import RevisionsPane
from rolloutctl.tui.widgets.status_bar import StatusBar
from rolloutctl.tui.widgets.yaml_pane import YamlPane

_WIDE = 130
"""From so many cells on, the overview stands beside the other panes."""
_OVERVIEW = "overview"


def panes(live: LiveRollout) -> dict[str, tuple[str, Pane]]:
    """The panes beside the overview: title and widget by id, in the order of their keys."""
    return {
        "revisions": ("Revisions", RevisionsPane(live)),
        "analysis": ("Analysis", AnalysisPane(live)),
        "events": ("Events", EventsPane(live)),
        "conditions": ("Conditions", ConditionsPane(live)),
        "yaml": ("YAML", YamlPane(live)),
        "diff": ("Diff", DiffPane(live)),
        "logs": ("Logs", LogsPane(live)),
    }


class RolloutScreen(ActingScreen):
    CSS = """
    RolloutScreen #head { height: auto; max-height: 4; padding: 0 1; }
    RolloutScreen Tabs { height: 2; }
    RolloutScreen #body { height: 1fr; }
    RolloutScreen #side { width: 1fr; display: none; }
    RolloutScreen.side #side { display: block; }
    RolloutScreen.side #pane-overview { display: none; }
    RolloutScreen.wide #pane-overview { display: block; width: 1fr; }
    RolloutScreen.wide #side { display: block; border-left: vkey $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "terminate", "Terminate a run", show=False),
        Binding("escape,h", "app.pop_screen", "Back", key_display="esc"),
        Binding("tab,right_square_bracket", "turn(1)", "Next pane", show=False, priority=True),
        Binding(
            "shift+tab,left_square_bracket", "turn(-1)", "Pane before", show=False, priority=True
        ),
        *(Binding(str(number), f"pane({number})", show=False) for number in range(1, 10)),
    ]

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        cluster, ref = place
        self._cluster = cluster
        self._ref = ref
        self._seen = -1
        self._refused: Mapping[Action, RolloutctlError] | None = None
        """Why what cannot be done cannot be; None until somebody asks."""

    def compose(self) -> ComposeResult:
        member = self.dashboard.fleet.members[self._cluster]
        self.live = LiveRollout(member.cluster, self._ref, now=self.dashboard.setup.now)
        self._panes = panes(self.live)
        yield StatusBar()
        yield Static(id="head", markup=False)
        tabs = [Tab("1 Overview", id=_OVERVIEW)]
        for number, (name, (title, _)) in enumerate(self._panes.items(), 2):
            tabs.append(Tab(f"{number} {title}", id=name))
        yield Tabs(*tabs)
        with Horizontal(id="body"):
            yield Overview(self.live, id="pane-overview")
            with ContentSwitcher(id="side"):
                for name, (_, pane) in self._panes.items():
                    pane.id = f"pane-{name}"
                    yield pane
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.live.start()
        self.dashboard.learn(self.place)
        self.query_one("#pane-overview").focus()
        self._say()
        self.ready = True

    def on_unmount(self) -> None:
        self.live.close()
        for _, pane in self._panes.values():
            pane.end()

    def chosen(self) -> Sequence[Place]:
        return [self.place]

    def why_not(self, action: Action) -> str:
        why = super().why_not(action)
        update = self.live.update
        if why or update is None or self.live.deleted_at is not None:
            return why
        if self._refused is None:
            picture = update.picture
            self._refused = refusals(picture.rollout, picture.plugin_config)
        refused = self._refused.get(action)
        return "" if refused is None else safe(refused.message, 600)

    # --- keeping up ------------------------------------------------------------------------------

    def frame(self, changed: bool) -> None:
        if changed:
            self.query_one(StatusBar).show(*self.dashboard.headline())
        if self.live.version != self._seen:
            self._seen = self.live.version
            self._refused = None
            self.refresh_bindings()
            self._say()
        for _, pane in self._panes.values():
            if pane.display and pane.is_on_screen:
                pane.frame()

    def second(self) -> None:
        self._say()

    def _say(self) -> None:
        self.query_one(StatusBar).show(*self.dashboard.headline())
        head = self.query_one("#head", Static)
        head.update(content(self._head(), dark=self.app.current_theme.dark))
        for pane in self.query(Pane):
            pane.look()

    def _head(self) -> list[Line]:
        surface = self.surface(self.size.width - 2)
        live = self.live
        if live.update is None:
            name = join(
                [Span(safe(self._ref.name), "strong"), Span(safe(self._ref.namespace), "dim")], "  "
            )
            problem = live.connection.problem
            return [name, line(Span(safe(problem, 400), "bad"))] if problem else [name]
        result = rollout.head(live.update.picture, surface)
        if live.deleted_at is not None:
            at = words.clock(live.deleted_at, surface.now)
            result.append(line(Span(f"deleted at {at}; this is how it was last", "bad")))
        elif live.connection.link is Link.STALE:
            result += connections.lines({"": live.connection}, surface)
        return result

    def action_terminate(self) -> None:
        """Ends the analysis run or experiment at the cursor, else one that is under way."""
        _, pane = self._panes["analysis"]
        selected = pane.selected if isinstance(pane, AnalysisPane) and pane.has_focus else None
        update = self.live.update
        picture = None if update is None else update.picture
        self.dashboard.run_worker(
            asking.terminate(self.dashboard, self._cluster, picture, selected), group="change"
        )

    # --- panes -----------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _WIDE and bool(self._panes), "wide")
        self._turned()

    def on_tabs_tab_activated(self, _event: Tabs.TabActivated) -> None:
        self._turned()

    def _turned(self) -> None:
        active = self.query_one(Tabs).active or _OVERVIEW
        side = self.query_one("#side", ContentSwitcher)
        before = side.current
        if active == _OVERVIEW:
            wanted = (
                (before or f"pane-{next(iter(self._panes), '')}")
                if self.has_class("wide")
                else None
            )
        else:
            wanted = f"pane-{active}"
        if not self._panes:
            return
        if wanted != before:
            if before is not None:
                self.query_one(f"#{before}", Pane).end()
            side.current = wanted
            if wanted is not None:
                self.query_one(f"#{wanted}", Pane).begin()
        self.set_class(active != _OVERVIEW, "side")
        self.query_one(f"#pane-{active}", Pane).focus()

    def action_turn(self, by: int) -> None:
        tabs = self.query_one(Tabs)
        (tabs.action_next_tab if by > 0 else tabs.action_previous_tab)()

    def action_pane(self, number: int) -> None:
        names = [_OVERVIEW, *self._panes]
        if number <= len(names):
            self.query_one(Tabs).active = names[number - 1]
