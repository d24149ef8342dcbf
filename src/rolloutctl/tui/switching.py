"""Disabling and enabling a step plugin from the dashboard: plan, ask, carry out, tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rolloutctl.actions import plugin_switch, plugin_switching
from rolloutctl.actions.plugin_switch import Switch
from rolloutctl.domain.plugin_change import Outcome
from rolloutctl.errors import RolloutctlError
from rolloutctl.render.text import safe
from rolloutctl.render.views import plugins as view
from rolloutctl.tui.background import in_thread
from rolloutctl.tui.screens.confirm import ConfirmScreen
from rolloutctl.tui.screens.report import TextScreen
from rolloutctl.tui.screens.why import WhyScreen

if TYPE_CHECKING:
    from rolloutctl.tui.app import Dashboard


class Switching:
    """One switch after the other; nothing is changed before somebody has agreed."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard

    async def switch(self, label: str, name: str, *, disable: bool) -> None:
        """Raises nothing of the cluster's: what goes wrong is told."""
        why = self._dashboard.setup.read_only(label)
        if why:
            text = f"nothing is changed: it is read-only ({why})"
            self._dashboard.notify(text, severity="warning", markup=False)
            return
        asked = await self._dashboard.push_screen_wait(WhyScreen(name, disable=disable))
        if asked is None:
            return
        try:
            await self._switch(label, Switch((name,), disable, asked.reason), asked.restart)
        except RolloutctlError as error:
            hint = f"\n{error.hint}" if error.hint else ""
            said = safe(error.message, 600) + hint
            self._dashboard.notify(said, severity="error", markup=False, timeout=12)

    async def _switch(self, label: str, wanted: Switch, restarts: bool) -> None:
        dashboard = self._dashboard
        member = dashboard.fleet.members[label]
        cluster, now = member.cluster, dashboard.setup.now
        namespace = member.namespace or cluster.namespace
        plan = await in_thread(
            lambda: plugin_switch.plan(
                cluster, wanted, now=now(), namespace=namespace, restart=restarts
            )
        )
        restart = plugin_switching.has_to_restart(plan, restarts)
        if not plan.edit.changed and not restart:
            self._report(plugin_switching.outcome_of(plan, plan.edit, 0))
            return
        agreed = await dashboard.push_screen_wait(
            ConfirmScreen(
                lambda room: view.plan_lines(plan, dashboard.surface(room), restart=restart),
                "Go on?",
                plugin_switching.to_type(plan, restart=restart),
            )
        )
        if not agreed:
            return
        keep = dashboard.setup.save_in_flight
        saved = ""
        if plan.disable and plan.in_flight:
            saved = await in_thread(lambda: keep(plan, plan.in_flight, ""))
        dashboard.notify("writing argo-rollouts-config", markup=False)

        def tell(event: str, detail: str) -> None:
            said = view.restarting(event, detail)
            dashboard.call_from_thread(dashboard.notify, said, markup=False, timeout=10)

        outcome = await in_thread(
            lambda: plugin_switching.carry_out(
                cluster,
                wanted,
                plan,
                restart=restart,
                namespace=namespace,
                clock=now,
                saved=saved,
                save=lambda runs: keep(plan, runs, saved),
                tell=tell,
            )
        )
        self._report(outcome)

    def _report(self, outcome: Outcome) -> None:
        lines = view.outcome_lines(outcome, self._dashboard.surface(100))
        self._dashboard.push_screen(TextScreen("What came of it", lines))
