"""Canaries: what the controller refuses of their fields and steps.

Source: argo-rollouts, pkg/apis/rollouts/validation/validation.go.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from rolloutctl.domain.durations import parse_go
from rolloutctl.domain.lint.finding import Finding, Manifest, Path
from rolloutctl.domain.lint.reading import inside, is_of_rollouts, items, mapping, number, text
from rolloutctl.domain.lint.rollouts import (
    CANARY,
    SAID,
    anti_affinity,
    same_service,
    scaled_history,
)
from rolloutctl.domain.lint.routing import header_route, mirror_route, routing_faults
from rolloutctl.domain.lint.wording import invalid, required
from rolloutctl.domain.wire import Json

_ONE_OF = (
    "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or"
    " pause"
)
_KINDS = {
    "Experiment": "experiment",
    "Pause": "pause",
    "SetWeight": "setWeight",
    "Analysis": "analysis",
    "SetCanaryScale": "setCanaryScale",
    "SetHeaderRoute": "setHeaderRoute",
    "SetMirrorRoutes": "setMirrorRoute",
    "Plugin": "plugin",
}
"""How the controller's message calls each kind of step."""
_EXCLUSIVE = ("Experiment", "Pause", "SetWeight", "Analysis")
_ZERO = (0, "0", "0%")


def check_canary(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """The fields of a canary, and its steps one by one."""
    canary = manifest.at(*CANARY)
    if not is_of_rollouts(manifest, "Rollout") or not isinstance(canary, dict):
        return
    if manifest.at("spec", "strategy", "blueGreen") is not None:
        return
    yield from scaled_history(manifest, CANARY)
    yield from same_service(manifest, CANARY, "stable", "canary")
    yield from routing_faults(manifest, canary)
    if canary.get("trafficRouting") is None:
        yield from _by_pods(manifest, canary)
    elif canary.get("dynamicStableScale") and canary.get("scaleDownDelaySeconds") is not None:
        said = "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds"
        yield _of(manifest, "dynamicStableScale", True, said)
    for index, step in enumerate(items(canary, "steps")):
        yield from _step(manifest, canary, index, step if isinstance(step, dict) else {})
    yield from anti_affinity(manifest, CANARY)


def _of(manifest: Manifest, field: str, value: Any, said: str) -> Finding:
    return invalid(manifest, (*CANARY, field), f"{SAID}.{field}", value, said)


def _by_pods(manifest: Manifest, canary: Json) -> Iterator[Finding]:
    """What a canary without a router cannot have."""
    delay = canary.get("scaleDownDelaySeconds")
    if delay is not None:
        said = "Canary scaleDownDelaySeconds can only be used with traffic routing"
        yield _of(manifest, "scaleDownDelaySeconds", delay, said)
    if canary.get("dynamicStableScale"):
        said = "Canary dynamicStableScale can only be used with traffic routing"
        yield _of(manifest, "dynamicStableScale", True, said)
    surge, unavailable = canary.get("maxSurge"), canary.get("maxUnavailable")
    if surge in _ZERO and unavailable in _ZERO:
        said = "MaxSurge and MaxUnavailable both can not be zero"
        yield _of(manifest, "maxSurge", surge, said)


def most_weight(canary: Json) -> int:
    """What all traffic comes to."""
    return number(canary, "trafficRouting", "maxTrafficWeight", default=100) or 100


def kind_of(step: Json) -> str:
    """The kind of a step, "" for none or one nobody knows."""
    return next((key for key in _KINDS.values() if step.get(key) is not None), "")


def _step(manifest: Manifest, canary: Json, index: int, step: Json) -> Iterator[Finding]:
    path, said = (*CANARY, "steps", index), f"{SAID}.steps[{index}]"
    there = {name: step.get(key) is not None for name, key in _KINDS.items()}
    if not any(there.values()):
        # Here the value says of each kind whether it is missing.
        value = " ".join(f"step.{name}: true" for name in there)
        yield invalid(manifest, path, said, value, _ONE_OF)
    elif sum(there[name] for name in _EXCLUSIVE) > 1:
        value = " ".join(f"step.{name}: {str(there[name]).lower()}" for name in _EXCLUSIVE)
        yield invalid(manifest, path, said, value, _ONE_OF)
    weight, most = step.get("setWeight"), most_weight(canary)
    if isinstance(weight, int) and not isinstance(weight, bool) and not 0 <= weight <= most:
        detail = f"SetWeight needs to be between 0 and {most}"
        yield invalid(manifest, (*path, "setWeight"), f"{said}.setWeight", weight, detail)
    yield from _pause(manifest, path, said, step)
    if step.get("setCanaryScale") is not None and canary.get("trafficRouting") is None:
        detail = "SetCanaryScale requires TrafficRouting to be set"
        where = (*path, "setCanaryScale")
        yield required(manifest, where, f"{SAID}.trafficRouting", detail)
    routing = mapping(canary, "trafficRouting")
    if isinstance(step.get("setHeaderRoute"), dict):
        yield from header_route(manifest, path, said, step, routing)
    if isinstance(step.get("setMirrorRoute"), dict):
        yield from mirror_route(manifest, path, said, step, routing)
    if canary.get("trafficRouting") is not None:
        yield from _managed(manifest, path, said, step, routing)


def pause_seconds(step: Json) -> float | None:
    """How long a pause step lasts: None until it is resumed, -1 if that cannot be read.

    Source: argo-rollouts, pkg/apis/rollouts/v1alpha1 (RolloutPause.DurationSeconds).
    """
    duration = inside(step, "pause", "duration")
    if duration is None:
        return None
    if isinstance(duration, int) and not isinstance(duration, bool):
        return float(duration)
    if not isinstance(duration, str):
        return -1.0
    digits = duration.removeprefix("-")
    if digits.isascii() and digits.isdecimal():
        return float(duration)
    found = parse_go(duration)
    return -1.0 if found is None else float(math.trunc(found.total_seconds()))


def _pause(manifest: Manifest, path: Path, said: str, step: Json) -> Iterator[Finding]:
    seconds = pause_seconds(step)
    if seconds is not None and seconds < 0:
        detail = "Duration needs to be greater than 0"
        where, place = (*path, "pause", "duration"), f"{said}.pause.duration"
        yield invalid(manifest, where, place, int(seconds), detail)


def _managed(
    manifest: Manifest, path: Path, said: str, step: Json, routing: Json
) -> Iterator[Finding]:
    """Routes that steps add have to be among those the controller may touch."""
    for kind in ("setHeaderRoute", "setMirrorRoute"):
        if step.get(kind) is None:
            continue
        named = text(step, kind, "name")
        if routing.get("managedRoutes") is None:
            field = "spec.strategy.canary.trafficRouting.managedRoutes"
            detail = f"Rollout has missing field '{field}'"
            where = (*CANARY, "trafficRouting", "managedRoutes")
            yield required(manifest, where, f"{SAID}.trafficRouting.managedRoutes", detail)
        elif all(text(each, "name") != named for each in items(routing, "managedRoutes")):
            detail = (
                "Steps define a route that does not exist in"
                " spec.strategy.canary.trafficRouting.managedRoutes"
            )
            yield invalid(manifest, (*path, kind, "name"), f"{said}.{kind}", named, detail)
