"""What a person does to rollouts from the dashboard: plan, ask, send, tell.

No rule lives here: what may be done, what it means and how it is sent is in `actions`, as for the
commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from rolloutctl.actions import bulk, preflight
from rolloutctl.actions.promotion import Intent
from rolloutctl.domain.agreement import to_type
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.decision import Action, Decision, NeedsSkip, NothingToDo
from rolloutctl.domain.facts import Place
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.reports import Did, Result
from rolloutctl.domain.shipping import Shipping
from rolloutctl.errors import ExitCode, RolloutctlError
from rolloutctl.render.surface import Surface
from rolloutctl.render.text import Line, Span, line, safe, wrap
from rolloutctl.render.views import bulk as bulk_view
from rolloutctl.render.views import changes as view
from rolloutctl.render.views import commands
from rolloutctl.render.views import shipping as shipping_view
from rolloutctl.tui.background import in_thread
from rolloutctl.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from rolloutctl.tui.app import Dashboard

_OBSERVE = 5.0
"""Seconds the controller is given to see a new template before it is said that it has not."""
_LOOK_AT = 5
"""Of so many rollouts at most the pods and analyses are looked at before the question."""
_SHIPS = frozenset({Action.PROMOTE, Action.PROMOTE_FULL, Action.UNDO})


class _Plan(Struct):
    """What would be done in one cluster."""

    label: str
    decisions: dict[Ref, Decision] = {}
    errors: dict[Ref, RolloutctlError] = {}
    looked: dict[Ref, Shipping | None] | None = None
    """What is shipped, where few enough are changed to look at each."""


class Outcome(Struct, frozen=True):
    """One rollout of a change that was asked for; `label` is its cluster's."""

    at: datetime
    label: str
    result: Result


class Changing:
    """Carries out what is asked for, one request after the other, and keeps what came of it."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._dashboard = dashboard
        self.outcomes: list[Outcome] = []
        """All of this session, the oldest first."""

    async def change(self, intent: Intent, places: Sequence[Place]) -> None:
        """Plans, asks and sends; says what came of it. Raises nothing of the cluster's."""
        dashboard = self._dashboard
        if not places:
            dashboard.notify("there is no rollout here", severity="warning")
            return
        by_cluster: dict[str, list[Ref]] = {}
        for label, ref in places:
            by_cluster.setdefault(label, []).append(ref)
        for label in by_cluster:
            why = dashboard.setup.read_only(label)
            if why:
                dashboard.notify(f"nothing is changed: it is read-only ({why})", severity="warning")
                return
        plans = [await self._plan(intent, label, refs) for label, refs in by_cluster.items()]
        decisions = [one for plan in plans for one in plan.decisions.values()]
        if not decisions:
            self._refused(intent, plans)
            return
        looked = plans[0].looked if len(plans) == 1 else None
        question = (
            view.question(decisions)
            if len(decisions) == 1
            else bulk_view.question(intent.action, len(decisions))
        )
        agreed = await dashboard.push_screen_wait(
            ConfirmScreen(
                lambda room: self._told(intent, plans, dashboard.surface(room)),
                question,
                to_type(decisions, looked),
                command="\n".join(
                    each
                    for plan in plans
                    for each in commands.equivalent(
                        intent.action,
                        plan.decisions,
                        context=plan.label,
                        images=intent.images,
                        to_revision=intent.to_revision,
                    )
                ),
            )
        )
        if not agreed:
            return
        began = monotonic()
        outcomes: list[Outcome] = []
        for plan in plans:
            if plan.decisions:
                outcomes += await self._send(intent, plan)
        self.outcomes += outcomes
        self._tell(intent, outcomes, monotonic() - began)

    def _now(self) -> datetime:
        return self._dashboard.setup.now()

    # --- planning --------------------------------------------------------------------------------

    async def _plan(self, intent: Intent, label: str, refs: Sequence[Ref]) -> _Plan:
        cluster = self._dashboard.fleet.members[label].cluster
        planned = await in_thread(lambda: bulk.plan_all(cluster, refs, intent, timeout=_OBSERVE))
        plan = _Plan(label)
        for one in planned:
            if one.decision is not None:
                plan.decisions[one.ref] = one.decision
            elif isinstance(one.error, NeedsSkip) and len(refs) == 1:
                plan.decisions[one.ref] = one.error.decision
            elif one.error is not None:
                plan.errors[one.ref] = one.error
        frozen = self._dashboard.setup.frozen(label, intent.action, plan.decisions)
        for ref, error in frozen.items():
            del plan.decisions[ref]
            plan.errors[ref] = error
        if intent.action in _SHIPS and len(plan.decisions) <= _LOOK_AT:
            plan.looked = {
                ref: await in_thread(partial(_looked, cluster, decision))
                for ref, decision in plan.decisions.items()
            }
        return plan

    def _told(self, intent: Intent, plans: Iterable[_Plan], surface: Surface) -> list[Line]:
        """What will happen, to each."""
        lines: list[Line] = []
        room = surface.room
        for plan in plans:
            if plan.label:
                lines.append(line(Span(safe(plan.label), "accent")))
            if len(plan.decisions) + len(plan.errors) == 1:
                for ref, decision in plan.decisions.items():
                    lines += view.plan(decision, surface)
                    lines += wrap(line(f"  {view.effect(decision, surface)}"), room, indent=4)
                    shipping = (plan.looked or {}).get(ref)
                    if shipping is not None:
                        ships = decision.action is not Action.UNDO
                        lines += shipping_view.lines(shipping, surface, ships=ships)
                continue
            idle, refused = _split(plan.errors)
            lines += bulk_view.plan(
                intent.action,
                list(plan.decisions.values()),
                refused,
                idle,
                surface,
                namespaces=True,
            )
        return lines

    def _refused(self, intent: Intent, plans: Iterable[_Plan]) -> None:
        """Nothing can be done with any of them."""
        errors = [(plan.label, ref, error) for plan in plans for ref, error in plan.errors.items()]
        outcomes = []
        for label, ref, error in errors:
            did = Did.NOTHING if isinstance(error, NothingToDo) else Did.FAILED
            result = Result(ref, intent.action, did, error=error)
            outcomes.append(Outcome(self._now(), label, result))
        self.outcomes += outcomes
        self._tell(intent, outcomes)

    # --- sending ---------------------------------------------------------------------------------

    async def _send(self, intent: Intent, plan: _Plan) -> list[Outcome]:
        cluster = self._dashboard.fleet.members[plan.label].cluster
        recorder = self._dashboard.setup.recorder(cluster, "")
        if recorder is not None:
            intent = replace(intent, record=recorder.changed)
        sending = bulk.Sending(cluster, plan.decisions.values(), intent, bulk.Pace())
        results = await in_thread(sending.run)
        if recorder is not None and recorder.problem is not None:
            said = safe(recorder.problem.message, 400)
            text = f"no Event says who did this: {said}"
            self._dashboard.notify(text, severity="warning", markup=False)
        errors = [
            Result(
                ref,
                intent.action,
                Did.NOTHING if isinstance(error, NothingToDo) else Did.FAILED,
                error=error,
            )
            for ref, error in plan.errors.items()
        ]
        now = self._now()
        return [Outcome(now, plan.label, result) for result in [*results, *errors]]

    def _tell(self, intent: Intent, outcomes: Sequence[Outcome], seconds: float = 0.0) -> None:
        surface = self._dashboard.surface(200)
        if len(outcomes) == 1:
            text, severity = _one(outcomes[0].result, surface)
            self._dashboard.notify(text, severity=severity, markup=False, timeout=8)
            return
        results = [one.result for one in outcomes]
        bad = any(one.exit_code is not ExitCode.OK for one in results)
        text = bulk_view.summary(intent.action, results, seconds)
        self._dashboard.notify(
            text + ("; E shows why" if bad else ""),
            severity="error" if bad else "information",
            markup=False,
            timeout=10,
        )


def _looked(cluster: Cluster, decision: Decision) -> Shipping | None:
    """What is shipped; None when it may not be read, which makes the question no easier."""
    try:
        return preflight.look(cluster, decision)
    except RolloutctlError:
        return None


def _split(
    errors: Mapping[Ref, RolloutctlError],
) -> tuple[dict[Ref, RolloutctlError], dict[Ref, RolloutctlError]]:
    idle: dict[Ref, RolloutctlError] = {
        ref: error for ref, error in errors.items() if isinstance(error, NothingToDo)
    }
    return idle, {ref: error for ref, error in errors.items() if ref not in idle}


_Severity = Literal["information", "warning", "error"]


def _one(result: Result, surface: Surface) -> tuple[str, _Severity]:
    """What is said of one rollout, and how serious that is."""
    name = safe(result.ref)
    if result.error is not None and result.did is not Did.NOTHING:
        hint = f"\n{safe(result.error.hint, 400)}" if result.error.hint else ""
        return f"{name}: {safe(result.error.message, 600)}{hint}", "error"
    if result.did is Did.NOTHING and result.error is not None:
        return f"{name}: {safe(result.error.message, 600)}", "warning"
    if result.decision is not None:
        return f"{name}: {view.effect(result.decision, surface)}", "information"
    return f"{name}: {result.did}", "warning"
