"""Canary steps: which one is current, what weight it means, how it is called."""

from __future__ import annotations

from typing import Any

from rolloutctl.sandbox.durations import parse_duration

from .objects import Obj, dig, items, mapping, number, text

RUNS = ("analysis", "experiment")
"""Steps that are done when an object of their own has come to its end."""


def steps_of(rollout: Obj) -> list[Obj]:
    found = items(rollout, "spec", "strategy", "canary", "steps")
    return [step if isinstance(step, dict) else {} for step in found]


def index_of(rollout: Obj) -> int:
    """`status.currentStepIndex`, 0 while there is none."""
    return max(0, number(rollout, "status", "currentStepIndex"))


def current_step(rollout: Obj) -> Obj | None:
    """The step at the index; None without steps and past the last one.

    Source: argo-rollouts, utils/replicaset/canary.go (GetCurrentCanaryStep).
    """
    steps, index = steps_of(rollout), index_of(rollout)
    return steps[index] if index < len(steps) else None


def is_kind(step: Obj | None, kind: str) -> bool:
    """Whether the step is of that kind; `pause: {}` is one, `pause: null` is none."""
    return step is not None and step.get(kind) is not None


def set_weight(rollout: Obj) -> int:
    """The `setWeight` in force at the index: 0 before the first, 100 past the last step.

    Source: argo-rollouts, utils/replicaset/canary.go (GetCurrentSetWeight).
    """
    if dig(rollout, "status", "abort"):
        return 0
    steps, index = steps_of(rollout), index_of(rollout)
    if index >= len(steps):
        return 100
    for step in reversed(steps[: index + 1]):
        if is_kind(step, "setWeight"):
            return number(step, "setWeight")
    return 0


def pause_seconds(pause: Any) -> float | None:
    """How long `pause` lasts in seconds: None if until resumed, -1 if it cannot be understood.

    Source: argo-rollouts, pkg/apis/rollouts/v1alpha1 (RolloutPause.DurationSeconds).
    """
    duration = pause.get("duration") if isinstance(pause, dict) else None
    if duration is None:
        return None
    if isinstance(duration, int) and not isinstance(duration, bool):
        return float(duration)
    if not isinstance(duration, str):
        return -1.0
    digits = duration.removeprefix("-")
    if digits.isascii() and digits.isdecimal():
        return float(duration)
    found = parse_duration(duration)
    return -1.0 if found is None else float(int(found))


def step_text(step: Obj) -> str:
    """How events call the step. Source: utils/rollout/rolloututil.go (CanaryStepString)."""
    if is_kind(step, "setWeight"):
        return f"setWeight: {step['setWeight']}"
    if is_kind(step, "pause"):
        duration = step["pause"].get("duration")
        return "pause" if duration is None else f"pause: {duration}"
    for kind in RUNS:
        if is_kind(step, kind):
            return kind
    if is_kind(step, "setCanaryScale"):
        scale = mapping(step, "setCanaryScale")
        if scale.get("weight") is not None:
            return f"setCanaryScale{{weight: {scale['weight']}}}"
        if scale.get("matchTrafficWeight"):
            return "setCanaryScale{matchTrafficWeight: true}"
        if scale.get("replicas") is not None:
            return f"setCanaryScale{{replicas: {scale['replicas']}}}"
    for kind in ("plugin", "setHeaderRoute", "setMirrorRoute"):
        if is_kind(step, kind):
            return f"{kind}: {text(step, kind, 'name')}"
    return "invalid"
