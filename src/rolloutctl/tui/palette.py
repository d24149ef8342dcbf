"""The command palette (ctrl+p): what can be done here, and every rollout by its name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.app import App
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.screen import Screen

from rolloutctl.render.text import safe

if TYPE_CHECKING:
    from rolloutctl.tui.app import Dashboard

_MOST = 20
"""Rollouts that are offered at once."""


class Rollouts(Provider):
    """Opens a rollout by a part of its name."""

    async def search(self, query: str) -> Hits:
        dashboard = cast("Dashboard", self.app)
        matcher = self.matcher(query)
        wanted = query.lower()
        found = 0
        for place in dashboard.fleet.board.places():
            cluster, ref = place
            name = str(ref)
            # A fuzzy match of tens of thousands of names would be felt.
            if wanted not in name.lower():
                continue
            shown = safe(f"{cluster}: {name}" if cluster else name)
            yield Hit(
                matcher.match(name) or 0.5,
                matcher.highlight(shown),
                partial(dashboard.open, place),
                help="open it",
            )
            found += 1
            if found >= _MOST:
                return


class Actions(Provider):
    """Everything that has a key and a name here."""

    def _known(self) -> list[tuple[str, str, Any]]:
        found = []
        seen = set()
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not isinstance(active.node, (Screen, App)):
                continue  # moving about
            if not binding.description or not active.enabled or binding.system:
                continue
            if binding.description in seen:
                continue
            seen.add(binding.description)
            run = partial(self.app.run_action, binding.action, active.node)
            found.append((binding.description, binding.key, run))
        return found

    async def discover(self) -> Hits:
        for name, key, run in self._known():
            yield DiscoveryHit(name, run, help=f"key: {key}")

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, key, run in self._known():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=f"key: {key}")
