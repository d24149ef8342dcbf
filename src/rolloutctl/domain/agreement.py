"""How hard it is to agree to a change: y, or a text that has to be typed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rolloutctl.domain.decision import Action, Decision
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.shipping import Shipping, is_doubtful

MANY = 20
"""More rollouts than that at once are agreed to by typing how many they are."""


def to_type(
    decisions: Collection[Decision], looked: Mapping[Ref, Shipping | None] | None = None
) -> str | None:
    """What a person has to type to agree to these changes; None: y will do.

    `looked`: what is shipped, None where that could not be looked at; without it the rollouts
    themselves are judged. What is not ready has been promoted in full for want of a second look:
    y is typed too fast.
    """
    if len(decisions) > MANY:
        return str(len(decisions))
    for decision in decisions:
        if decision.action is not Action.PROMOTE_FULL:
            continue
        if looked is None:
            doubtful = is_doubtful(decision.seen.rollout)
        else:
            shipping = looked.get(decision.ref)
            doubtful = shipping is None or shipping.doubtful
        if doubtful:
            return decision.ref.name if len(decisions) == 1 else str(len(decisions))
    return None
