"""How many pods the canary and the stable ReplicaSet should have. Basic canary: no routing.

Source: argo-rollouts, utils/replicaset/canary.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .objects import Obj, dig, number, spec_replicas


@dataclass(frozen=True, slots=True)
class Sizes:
    canary: int
    stable: int


@dataclass(frozen=True, slots=True)
class Limits:
    """The absolute numbers of pods the two percentages of the strategy come to."""

    surge: int
    unavailable: int


def limits(rollout: Obj) -> Limits:
    """maxSurge rounds up, maxUnavailable down; both may not be 0, so that pods can move."""
    replicas = spec_replicas(rollout)
    canary = dig(rollout, "spec", "strategy", "canary")
    surge = pods_of(dig(canary, "maxSurge"), replicas, up=True)
    unavailable = pods_of(dig(canary, "maxUnavailable"), replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Limits(surge, min(unavailable, replicas))


def pods_of(value: Any, replicas: int, *, up: bool) -> int:
    """How many of `replicas` pods a number or a percentage means, 25 % where none is given."""
    if value is None:
        value = "25%"
    if isinstance(value, int):
        return value
    # A quoted number without its sign counts as a percentage too.
    percent = str(value).removesuffix("%")
    if not percent.isdecimal():
        return 0
    pods = int(percent) * replicas / 100
    return math.ceil(pods) if up else math.floor(pods)


def weighted(replicas: int, weight: int, surge: int) -> Sizes:
    """The two sizes whose share comes nearest to `weight` percent for the canary.

    One pod more than `replicas` may be used if there is a surge at all; 1 to 99 percent leave
    at least one pod on either side where that is possible.
    """
    if replicas == 0:
        return Sizes(0, 0)
    ceil, floor = math.ceil(replicas * weight / 100), replicas * weight // 100
    zero_allowed = weight in (0, 100) or (replicas == 1 and surge == 0)

    def floor_allowed(total: int) -> bool:
        tied = (total * weight) % 100 == 50
        return not tied and (floor != 0 or zero_allowed)

    options: list[tuple[int, int]] = []
    if ceil < replicas or zero_allowed:
        options.append((ceil, replicas))
    if floor_allowed(replicas):
        options.append((floor, replicas))
    if surge > 0:
        options.append((ceil, replicas + 1))
        if floor_allowed(replicas + 1):
            options.append((floor, replicas + 1))
    if not options:
        return Sizes(0, replicas)
    canary, total = min(options, key=lambda each: abs(weight - each[0] * 100 / each[1]))
    return Sizes(canary, total - canary)


def available(replica_set: Obj | None) -> int:
    return number(replica_set, "status", "availableReplicas")


def next_sizes(
    *,
    replicas: int,
    weight: int,
    limits: Limits,
    canary: Obj | None,
    stable: Obj | None,
    others: list[Obj],
) -> Sizes:
    """The sizes to set now, on the way to those of `weight`, from the present ones.

    `stable` is None when there is no stable ReplicaSet, or the canary is it.
    """
    if stable is None:
        desired = Sizes(replicas, 0)
    else:
        desired = weighted(replicas, weight, limits.surge)
    now = Sizes(_size(canary), _size(stable))
    most = replicas + limits.surge
    room = most - now.canary - now.stable - sum(_size(each) for each in others)
    to = now
    if room > 0 and now.stable < desired.stable:
        to = Sizes(to.canary, min(desired.stable, now.stable + room))
        room -= to.stable - now.stable
    if room > 0 and now.canary < desired.canary:
        to = Sizes(min(desired.canary, now.canary + room), to.stable)
    if any(_size(each) for each in others):
        return to  # those are emptied before either side shrinks
    least = replicas - limits.unavailable
    growing = desired.canary >= now.canary
    # Of the side that shrinks every pod counts, so that crashing ones do not hold it up.
    counted = _countable(canary, by_size=not growing) + _countable(stable, by_size=growing)
    excess = counted - least
    if excess <= 0:
        return to
    if not growing:
        shrunk = _shrink(now.canary, desired.canary, excess, to.canary)
        return Sizes(*_within(shrunk, to.stable, most, least))
    if stable is not None:
        shrunk = _shrink(now.stable, desired.stable, excess, to.stable)
        new_stable, new_canary = _within(shrunk, to.canary, most, least)
        return Sizes(new_canary, new_stable)
    return to


def _size(replica_set: Obj | None) -> int:
    return spec_replicas(replica_set)


def _countable(replica_set: Obj | None, *, by_size: bool) -> int:
    size = _size(replica_set)
    return size if by_size else min(size, available(replica_set))


def _shrink(size: int, desired: int, excess: int, otherwise: int) -> int:
    """The smaller size, or `otherwise` (it may grow) where there is nothing to shrink."""
    return otherwise if size <= desired else max(desired, size - excess)


def _within(shrinking: int, staying: int, most: int, least: int) -> tuple[int, int]:
    staying = max(0, staying - max(0, shrinking + staying - most))
    return max(shrinking, least - staying), staying
