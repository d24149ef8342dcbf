"""How many pods either side gets, by the tables of the reference."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.sandbox.controller.sizes import Limits, Sizes, limits, next_sizes, weighted

WEIGHTS = (10, 20, 25, 33, 50, 60, 75, 80, 90)
TABLE = {
    1: "1+1 1+1 1+1 1+1 1+1 1+1 1+1 1+1 1+1",
    2: "1+2 1+2 1+2 1+2 1+1 2+1 2+1 2+1 2+1",
    3: "1+3 1+3 1+3 1+2 2+2 2+1 3+1 3+1 3+1",
    4: "1+4 1+4 1+3 2+3 2+2 3+2 3+1 4+1 4+1",
    5: "1+5 1+4 1+4 2+4 3+3 3+2 4+1 4+1 5+1",
    10: "1+9 2+8 3+8 3+7 5+5 6+4 8+3 8+2 9+1",
}


@pytest.mark.parametrize("replicas", TABLE)
def test_a_weight_becomes_the_nearest_share(replicas: int) -> None:
    found = [weighted(replicas, weight, surge=1) for weight in WEIGHTS]
    assert " ".join(f"{each.canary}+{each.stable}" for each in found) == TABLE[replicas]


@pytest.mark.parametrize(("replicas", "weight"), [(2, 75), (5, 90)])
def test_without_surge_an_exact_half_can_leave_the_canary_with_nothing(
    replicas: int, weight: int
) -> None:
    assert weighted(replicas, weight, surge=0) == Sizes(0, replicas)


@given(st.integers(0, 200), st.integers(0, 100), st.integers(0, 1))
def test_never_more_than_one_pod_too_many(replicas: int, weight: int, surge: int) -> None:
    found = weighted(replicas, weight, surge)
    assert replicas <= found.canary + found.stable <= replicas + (surge if replicas else 0)


@pytest.mark.parametrize(
    ("replicas", "canary", "expected"),
    [
        (4, {}, Limits(1, 1)),
        (10, {}, Limits(3, 2)),
        (1, {}, Limits(1, 0)),
        (10, {"maxSurge": 0, "maxUnavailable": "9%"}, Limits(0, 1)),
        (10, {"maxSurge": 3, "maxUnavailable": 0}, Limits(3, 0)),
        (10, {"maxSurge": "3", "maxUnavailable": 0}, Limits(1, 0)),
        (2, {"maxUnavailable": 5}, Limits(1, 2)),
    ],
)
def test_limits_of_the_strategy(replicas: int, canary: dict[str, Any], expected: Limits) -> None:
    rollout = {"spec": {"replicas": replicas, "strategy": {"canary": canary}}}
    assert limits(rollout) == expected


def _set(size: int, available: int | None = None) -> dict[str, Any]:
    ready = size if available is None else available
    return {"spec": {"replicas": size}, "status": {"availableReplicas": ready}}


def _next(canary: dict[str, Any], stable: dict[str, Any], **others: Any) -> Sizes:
    return next_sizes(
        replicas=others.get("replicas", 4),
        weight=others.get("weight", 50),
        limits=others.get("limits", Limits(1, 1)),
        canary=canary,
        stable=stable,
        others=others.get("others", []),
    )


def test_half_of_four_pods_in_the_order_of_the_reference() -> None:
    assert _next(_set(0), _set(4)).stable == 3
    assert _next(_set(0), _set(3)).canary == 2
    assert _next(_set(2, available=0), _set(3)) == Sizes(2, 3)
    assert _next(_set(2), _set(3)) == Sizes(2, 2)


def test_other_versions_are_emptied_before_either_side_shrinks() -> None:
    assert _next(_set(0), _set(4), others=[_set(1)]) == Sizes(0, 4)


def test_a_crashing_canary_does_not_hold_up_its_own_removal() -> None:
    back = _next(_set(2, available=0), _set(4), weight=0)
    assert back == Sizes(0, 4)


def test_a_stable_side_that_is_to_grow_is_not_held_by_what_the_canary_keeps() -> None:
    """A weight of 0 in the middle: with 11 of 12 pods there, the last one still comes."""
    missing_one = {"replicas": 12, "weight": 0, "limits": Limits(3, 3)}
    assert _next(_set(0), _set(11), **missing_one) == Sizes(0, 12)


@given(
    st.integers(1, 20),
    st.integers(0, 100),
    st.integers(0, 25),
    st.integers(0, 25),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_room_for_surge_is_kept(
    replicas: int, weight: int, canary: int, stable: int, surge: int, unavailable: int
) -> None:
    """No resize goes above the limit, or further above it than it was."""
    bound = Limits(surge, max(unavailable, 1 - surge, 0))
    found = _next(_set(canary), _set(stable), replicas=replicas, weight=weight, limits=bound)
    assert found.canary + found.stable <= max(replicas + bound.surge, canary + stable)
    assert min(found.canary, found.stable) >= 0
