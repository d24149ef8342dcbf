"""Carrying out a switch of plugins that was planned and agreed to: write, restart, follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from rolloutctl.actions import plugin_restart, plugin_switch
from rolloutctl.actions.plugin_switch import Switch
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.plugin_change import ConfigEdit, Outcome, Plan, Restart, Restarted
from rolloutctl.domain.plugin_use import RunOf
from rolloutctl.errors import Failed, Interrupted

Save = Callable[[Sequence[RunOf]], str]
"""Keeps the runs in flight somewhere; says where, "" for nowhere."""
Tell = Callable[[str, str], None]
"""Told what the restart does: a word ("restarting", "crashed", "restoring", "restored"), and what
to say with it."""


def has_to_restart(plan: Plan, wanted: bool) -> bool:
    """Whether the controller is restarted: when that is wanted, and anything would come of it.

    Raises Failed where it is wanted and the controller is not known.
    """
    restart = wanted and (bool(plan.edit.changed) or plan.controller.pending is not False)
    if restart and not plan.controller.deployment:
        raise Failed(
            f"the controller cannot be restarted: {plan.controller.unknown}",
            hint="nothing was changed; say where it is with --controller-namespace,"
            " or leave out --restart",
        )
    return restart


def to_type(plan: Plan, *, restart: bool) -> str | None:
    """What a person has to type to agree; None: y will do."""
    if not restart:
        return None
    return plan.edit.changed[0] if plan.edit.changed else plan.edit.unchanged[0]


def outcome_of(plan: Plan, edit: ConfigEdit, attempts: int, saved: str = "") -> Outcome:
    """What came of the writing alone."""
    pending = True if edit.changed else plan.controller.pending
    return Outcome(
        disable=plan.disable,
        namespace=edit.namespace,
        changed=edit.changed,
        unchanged=edit.unchanged,
        diff=edit.diff,
        attempts=attempts,
        pending=pending,
        saved=saved,
    )


def carry_out(
    cluster: Cluster,
    wanted: Switch,
    plan: Plan,
    *,
    restart: bool,
    namespace: str,
    clock: Callable[[], datetime],
    saved: str = "",
    save: Save = lambda runs: "",
    wrote: Callable[[ConfigEdit], None] = lambda edit: None,
    tell: Tell = lambda event, detail: None,
    wait: bool = True,
    timeout: float = plugin_restart.TIMEOUT,
) -> Outcome:
    """Writes the ConfigMap, and restarts the controller and follows what comes of it.

    `saved` is where the runs of the plan are kept; `save` keeps those that are in flight right
    before the restart, where they are other ones by then. `namespace`: where to count when not
    everywhere is allowed. Raises what writing raises, and Interrupted; nothing is lost by then.
    """
    edit, attempts = plugin_switch.write(cluster, plan.edit.namespace, wanted, clock=clock)
    if edit.changed:
        wrote(edit)
    outcome = outcome_of(plan, edit, attempts, saved)
    if not restart:
        return outcome
    runs: Sequence[RunOf] = plan.in_flight
    if plan.disable:
        runs = _in_flight_again(cluster, plan, namespace, clock())
        if runs and runs != plan.in_flight:
            saved = save(runs) or saved
    try:
        result: Restart | None = plugin_restart.restart(
            cluster,
            plan.controller,
            clock=clock,
            edit=edit,
            wait=wait,
            timeout=timeout,
            tell=tell,
        )
    except KeyboardInterrupt:
        raise Interrupted(
            "stopped waiting: the ConfigMap is changed, and the controller may be restarting",
            hint="rolloutctl plugins list says whether it has read the change",
        ) from None
    changes: dict[str, Any] = {"saved": saved, "restart": result}
    if result is not None and result.outcome is Restarted.READY:
        changes["pending"] = False
        if plan.disable and runs:
            passed, waiting = plugin_switch.follow_passing(cluster, runs)
            held = {each.ref for each in waiting}
            unblocked = tuple(dict.fromkeys(e.ref for e in passed if e.ref not in held))
            changes |= {"passed": passed, "waiting": waiting, "unblocked": unblocked}
    elif result is not None:
        changes["pending"] = None
    return replace(outcome, **changes)


def _in_flight_again(
    cluster: Cluster, plan: Plan, namespace: str, now: datetime
) -> tuple[RunOf, ...]:
    """The runs in flight now, and those that were when it was asked for."""
    names = [each.name for each in plan.affected]
    present = plugin_switch.in_flight_now(cluster, names, now=now, namespace=namespace)
    found = {(each.ref, each.run.index): each for each in plan.in_flight}
    found |= {(each.ref, each.run.index): each for plugin in present for each in plugin.in_flight}
    return tuple(found.values())
