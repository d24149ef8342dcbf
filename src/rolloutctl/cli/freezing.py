"""Freezes: times of the configuration in which nothing is shipped unless somebody says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rolloutctl.cli.run import Run
from rolloutctl.errors import Conflict, UsageError

if TYPE_CHECKING:
    from rolloutctl.domain.decision import Action, Decision
    from rolloutctl.domain.refs import Ref

_SHIPS = frozenset({"promote", "promote-full", "retry", "resume", "undo", "set-image", "restart"})
"""Actions that ship something or take pods away. What stops an update is never frozen."""


class Frozen(Conflict):
    """It is not the time to ship anything."""


def must_have_reason(override: bool, reason: str) -> None:
    """Raises UsageError for a freeze that is to be overridden without a word."""
    if override and not reason.strip():
        raise UsageError(
            "--override-freeze needs --reason", hint='say why, as --reason "INC-4711: data loss"'
        )


def shipped(decisions: Mapping[Ref, Decision]) -> list[Ref]:
    """Those with which a change of one of these actions ships anything."""
    return [ref for ref, decision in decisions.items() if _ships(decision)]


def _ships(decision: Decision) -> bool:
    """What is resumed may have been aborted, and its pods go only then, or have no update under
    way."""
    if str(decision.action) != "resume":
        return True
    from rolloutctl.domain.status import is_fully_promoted, is_observed

    rollout = decision.seen.rollout
    return not (is_observed(rollout) and (rollout.status.abort or is_fully_promoted(rollout)))


def frozen(
    run: Run, action: Action, refs: Iterable[Ref], context: str | None = None
) -> dict[Ref, Frozen]:
    """Those of the rollouts with which this may not be done now, each with why.

    `context` is that of the rollouts, None for the one the command is for.
    """
    windows = run.settings.windows
    if not windows or str(action) not in _SHIPS:
        return {}
    from rolloutctl.domain.freeze import frozen as holds
    from rolloutctl.render.text import safe

    context = run.cluster().name if context is None else context
    now = run.environment.now()
    found = {}
    for ref in refs:
        one = holds(windows, now, context, ref.namespace)
        if one is not None:
            until = one.until.astimezone(one.window.zone)
            zone = until.tzname() or ""
            found[ref] = Frozen(
                f"frozen until {until:%a %Y-%m-%d %H:%M} {zone}: {safe(one.window.name, 80)}",
                subject=str(ref),
                hint="--override-freeze --reason TEXT goes on all the same; abort and pause are"
                " never frozen",
            )
    return found
