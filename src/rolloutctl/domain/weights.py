"""The canary's weight: what the steps ask for, what the router was told, what the pods make of it.

Source: argo-rollouts, pkg/kubectl-argo-rollouts/info, with one difference: past the last step the
existing client calls the actual weight 100 although the pods are still being replaced; here it is
100 only once the version is promoted.
"""

from __future__ import annotations

from rolloutctl.domain.facts import WeightFacts
from rolloutctl.domain.status import is_fully_promoted
from rolloutctl.domain.steps import current_index
from rolloutctl.domain.wire import Canary, CanaryStep, Json, Rollout

_FULL = 100


def weights(r: Rollout, canary_available: int) -> WeightFacts:
    """The weights of a canary; `canary_available` counts the new version's available pods."""
    canary = r.spec.strategy.canary
    if canary is None:
        return WeightFacts()
    recorded = r.status.canary.weights
    full = maximum(canary)
    desired = desired_weight(r)
    actual: int | None
    if is_fully_promoted(r):
        actual = full
    elif canary.traffic_routing is not None:
        actual = desired if recorded is None else recorded.canary.weight
    else:
        total = r.status.available_replicas
        actual = min(_FULL, canary_available * _FULL // total) if total > 0 else 0
    return WeightFacts(
        desired=desired,
        set=None if recorded is None else recorded.canary.weight,
        actual=actual,
        router=router(canary),
        verified=None if recorded is None else recorded.verified,
        stable=None if recorded is None else recorded.stable.weight,
        maximum=full,
        routes=_routes(canary),
    )


def desired_weight(r: Rollout) -> int | None:
    """The setWeight in force: 0 once aborted, the maximum past the last step; None: no canary.

    Before the first setWeight it is 0.
    """
    canary = r.spec.strategy.canary
    if canary is None:
        return None
    if r.status.abort:
        return 0
    steps: list[CanaryStep] = canary.steps or []
    index = current_index(r)
    if index >= len(steps):
        return maximum(canary)
    for step in reversed(steps[: index + 1]):
        if step.set_weight is not None:
            return step.set_weight
    return 0


def known_weight(r: Rollout) -> int | None:
    """The canary's weight from the rollout alone: what the router was told, else the desired.

    None where nothing is to be split: not a canary, or no stable version yet.
    """
    canary = r.spec.strategy.canary
    if canary is None or not r.status.stable_rs:
        return None
    if is_fully_promoted(r):
        return maximum(canary)
    recorded = r.status.canary.weights
    if canary.traffic_routing is not None and recorded is not None:
        return recorded.canary.weight
    return desired_weight(r)


def maximum(canary: Canary) -> int:
    """`maxTrafficWeight`, 100 without one."""
    value = (canary.traffic_routing or {}).get("maxTrafficWeight")
    return value if type(value) is int and value > 0 else _FULL


def router(canary: Canary) -> str:
    """Who splits the traffic: "" (nobody, by pods), "istio", "plugin NAME"; several by ", "."""
    names: list[str] = []
    for kind, settings in (canary.traffic_routing or {}).items():
        if kind == "plugins" and isinstance(settings, dict):
            names.extend(f"plugin {name}" for name in settings)
        elif isinstance(settings, dict | list) and kind != "managedRoutes":
            names.append(kind)
    return ", ".join(names)


def _routes(canary: Canary) -> tuple[str, ...]:
    """The objects a router edits, as far as the spec names them by their kinds' usual fields."""
    names: list[str] = []
    for settings in (canary.traffic_routing or {}).values():
        if isinstance(settings, dict):
            names.extend(_named(settings))
    return tuple(names)


def _named(settings: Json) -> list[str]:
    many = settings.get("virtualServices")
    found = [settings.get("virtualService"), *(many if isinstance(many, list) else ())]
    names = [entry.get("name") for entry in found if isinstance(entry, dict)]
    names += [
        settings.get(key) for key in ("stableIngress", "ingress", "weightedTraefikServiceName")
    ]
    return [name for name in names if isinstance(name, str) and name]
