"""Which version gets how much of the traffic, where something routes it."""

from __future__ import annotations

from rolloutctl.sandbox.controller.objects import Obj, dig, mapping, number, text


def of(rollout: Obj, hash_: str) -> int | None:
    """The share of the version that a router or the active Service gives it; None without one."""
    status = mapping(rollout, "status")
    if dig(rollout, "spec", "strategy", "blueGreen") is not None:
        return 100 if hash_ and text(status, "blueGreen", "activeSelector") == hash_ else 0
    weights = mapping(status, "canary", "weights")
    if not weights:
        return None
    return sum(
        number(weights, side, "weight")
        for side in ("canary", "stable")
        if hash_ and text(weights, side, "podTemplateHash") == hash_
    )
