"""The plugins of every cluster: what is configured, off, not live yet, used, running, failing."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from rolloutctl.actions.plugins import overview
from rolloutctl.domain.plugin_use import Overview, PluginFacts
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap
from rolloutctl.render.views import plugins as view
from rolloutctl.tui.background import in_thread, told
from rolloutctl.tui.screens.base import LiveScreen
from rolloutctl.tui.widgets.status_bar import StatusBar
from rolloutctl.tui.widgets.tree_pane import Item, Tree

_EVERY = 15.0
"""Seconds between two looks while it is shown."""


class PluginsScreen(LiveScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "switch(True)", "Disable"),
        Binding("e", "switch(False)", "Enable"),
        Binding("u", "used", "Who uses it"),
        Binding("r", "read", "Read again", show=False),
        Binding("1,escape", "app.fleet", "Fleet"),
        Binding("2", "app.causes", "Causes"),
    ]

    def compose(self) -> ComposeResult:
        yield StatusBar()
        yield Plugins()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._read_at = float("-inf")
        self.query_one(Plugins).focus()
        self.second()
        self.ready = True

    def second(self) -> None:
        self.query_one(StatusBar).show(*self.dashboard.headline())
        if monotonic() - self._read_at >= _EVERY:
            self.action_read()
        self.query_one(Plugins).look()

    def action_read(self) -> None:
        """Reads all of it again."""
        self._read_at = monotonic()
        for label in self.dashboard.fleet.members:
            self.run_worker(self._read(label), exit_on_error=False)

    async def _read(self, label: str) -> None:
        member = self.dashboard.fleet.members[label]
        now = self.dashboard.setup.now
        shown = self.query_one(Plugins)
        try:
            found = await in_thread(
                lambda: overview(member.cluster, now=now(), namespace=member.namespace)
            )
        except Exception as error:  # whatever it is, it is shown, and tried again
            shown.problems[label] = told(error)
        else:
            shown.problems.pop(label, None)
            shown.found[label] = found
        shown.look()

    def action_used(self) -> None:
        """To the fleet, filtered to those that use the plugin."""
        chosen = self.query_one(Plugins).chosen
        if chosen is not None:
            self.dashboard.filter_by(f"plugin:{chosen[1].name}")

    def action_switch(self, disable: bool) -> None:
        chosen = self.query_one(Plugins).chosen
        if chosen is None:
            self.notify("there is no plugin here", severity="warning")
            return
        label, plugin = chosen

        async def switch() -> None:
            await self.dashboard.switching.switch(label, plugin.name, disable=disable)
            self.action_read()

        self.dashboard.run_worker(switch(), group="change")


class Plugins(Tree):
    """Of several clusters each has its own; what concerns a whole cluster stands above them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "fold", "Unfold")]

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Overview] = {}
        self.problems: dict[str, str] = {}
        self._by_key: dict[str, tuple[str, PluginFacts]] = {}

    def items(self, surface: Surface) -> Sequence[Item]:
        result: list[Item] = []
        self._by_key = {}
        for label in {**self.problems, **self.found}:
            head = self._head(label, surface)
            if head:
                result.append(Item(f"cluster {label}", head, still=True))
            if label not in self.found:
                continue
            for plugin, said, below in view.blocks(self.found[label], surface):
                key = f"{label}\n{plugin.kind}\n{plugin.name}"
                self._by_key[key] = (label, plugin)
                result.append(Item(key, [said], below, folded=True))
        return result

    def _head(self, label: str, surface: Surface) -> list[Line]:
        lines: list[Line] = [line(Span(safe(label), "accent"))] if label else []
        if label in self.problems:
            lines += wrap(line(Span(safe(self.problems[label], 600), "bad")), surface.room)
        if label in self.found:
            found = self.found[label]
            lines += [each for each in view.state_lines(found, surface) if each]
            lines += [line(Span(safe(note, 400), "warn")) for note in found.notes]
        return lines

    def nothing(self) -> str:
        return "no plugins are configured or used" if self.found else "reading"

    @property
    def chosen(self) -> tuple[str, PluginFacts] | None:
        """The plugin the cursor is at, with its cluster."""
        return self._by_key.get(self.cursor)
