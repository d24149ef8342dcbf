"""What can be done with a rollout as it stands, for a screen that offers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rolloutctl.actions.doctor import command_rights
from rolloutctl.actions.promotion import Intent, decide
from rolloutctl.domain.cluster import Cluster
from rolloutctl.domain.decision import Action, NeedsSkip, Seen
from rolloutctl.domain.rights import NEEDS
from rolloutctl.domain.wire import Rollout
from rolloutctl.errors import RolloutctlError

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

_DECIDED = (
    Action.PROMOTE,
    Action.PROMOTE_FULL,
    Action.ABORT,
    Action.RETRY,
    Action.PAUSE,
    Action.RESUME,
    Action.RESTART,
)
"""Actions that the rollout alone decides; an undo and new images are decided when asked for."""


def refusals(
    rollout: Rollout, config: PluginConfiguration | None = None
) -> Mapping[Action, RolloutctlError]:
    """Why each action that does not apply now does not: what it would raise.

    A promotion that would leave a step that is not done applies: a person is asked.
    """
    # The preconditions of a patch need the object as it was sent; nothing is sent here.
    seen = Seen(rollout, {})
    found: dict[Action, RolloutctlError] = {}
    for action in _DECIDED:
        try:
            decide(seen, Intent(action), config)
        except NeedsSkip:
            continue
        except RolloutctlError as error:
            found[action] = error
    return found


def forbidden(cluster: Cluster, namespace: str) -> Mapping[Action, str]:
    """The actions the caller has not the right to, each with what is missing; {} when the server
    does not say."""
    needs = {
        need.right: need
        for action in Action
        for need in NEEDS[action.command]
        if need.verb == "patch" and not need.optional
    }
    try:
        found = command_rights(cluster, namespace, "", needs.values())
    except RolloutctlError:
        return {}
    missing = {}
    for one in found:
        lacking = [need for need in one.missing if need.right in needs and not need.optional]
        if lacking:
            missing[one.command] = ", ".join(f"{need.verb} {need.resource}" for need in lacking)
    return {
        action: f"not allowed to {missing[action.command]} in namespace {namespace}"
        for action in Action
        if action.command in missing
    }
