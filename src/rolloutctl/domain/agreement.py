"""How hard it is to agree to a change: y, or a text that has to be typed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rolloutctl.domain.decision import Action, Decision
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.shipping import Shipping, is_short_of_pods

MANY = 20
"""More rollouts than that at once are agreed to by typing how many they are."""


def to_type(decisions: Collection[Decision], looked: Mapping[Ref, Shipping]) -> str | None:
    """What a person has to type to agree to these changes; None: y will do.

    `looked`: what is shipped, of those that were looked at. What is not ready has been promoted
    for want of a second look: y is typed too fast.
    """
    if len(decisions) > MANY:
        return str(len(decisions))
    for decision in decisions:
        if decision.action is not Action.PROMOTE_FULL:
            continue
        shipping = looked.get(decision.ref)
        if shipping.doubtful if shipping is not None else is_short_of_pods(decision.seen.rollout):
            return decision.ref.name if len(decisions) == 1 else str(len(decisions))
    return None
