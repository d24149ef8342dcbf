"""What changed between the moment a person looked at a rollout and now."""

from __future__ import annotations

import enum

import msgspec

from rolloutctl.domain.decision import Position, position, spoken
from rolloutctl.domain.status import is_fully_promoted
from rolloutctl.domain.wire import Rollout


class Changed(enum.StrEnum):
    """One kind of difference that matters to whoever wants to change a rollout."""

    RECREATED = "recreated"
    """It was deleted, and one of the same name made."""
    DELETING = "deleting"
    TEMPLATE = "template"
    """Another version is rolled out."""
    SPEC = "spec"
    """The spec was edited, and the controller has not looked at it yet."""
    STEPS = "steps"
    """The steps were edited."""
    ABORTED = "aborted"
    RETRIED = "retried"
    """It is no longer aborted."""
    FULL = "full"
    """A full promotion was asked for."""
    PROMOTED = "promoted"
    """Its version became the stable one."""
    MOVED = "moved"
    """It is at another step."""
    PAUSED = "paused"
    """It pauses now, and did not before, or pauses anew."""
    LIFTED = "lifted"
    """Its pause was lifted."""
    HELD = "held"
    """A person paused it."""
    RESUMED = "resumed"
    """The hold by a person was lifted."""
    RESTART = "restart"
    """A restart of its pods was asked for, moved or called off."""


class Difference(msgspec.Struct, frozen=True):
    """`before` and `now` say where the rollout stood and stands."""

    what: Changed
    before: Position
    now: Position


def difference(before: Rollout, now: Rollout) -> tuple[Difference, ...]:
    """What changed, most important first; empty when nothing did that matters."""
    return tuple(
        Difference(what, position(before), position(now)) for what in _changed(before, now)
    )


def _changed(before: Rollout, now: Rollout) -> list[Changed]:
    old, new = before.status, now.status
    if before.metadata.uid != now.metadata.uid:
        return [Changed.RECREATED]
    found: list[Changed] = []
    if now.metadata.deletion_timestamp is not None and before.metadata.deletion_timestamp is None:
        found.append(Changed.DELETING)
    if before.spec.template != now.spec.template and (
        old.current_pod_hash == new.current_pod_hash
        or old.observed_generation == new.observed_generation
    ):
        found.append(Changed.SPEC)
    if old.current_pod_hash != new.current_pod_hash:
        found.append(Changed.TEMPLATE)
    elif old.current_step_hash != new.current_step_hash:
        found.append(Changed.STEPS)
    if new.abort and not old.abort:
        found.append(Changed.ABORTED)
    if old.abort and not new.abort:
        found.append(Changed.RETRIED)
    if new.promote_full and not old.promote_full:
        found.append(Changed.FULL)
    if is_fully_promoted(now) and not is_fully_promoted(before):
        found.append(Changed.PROMOTED)
    if old.current_step_index != new.current_step_index and not found:
        found.append(Changed.MOVED)
    was, pauses = old.pause_conditions or [], new.pause_conditions or []
    if pauses and pauses != was:
        found.append(Changed.PAUSED)
    elif was and not pauses and not found:
        found.append(Changed.LIFTED)
    if now.spec.paused and not before.spec.paused:
        found.append(Changed.HELD)
    if before.spec.paused and not now.spec.paused:
        found.append(Changed.RESUMED)
    if now.spec.restart_at != before.spec.restart_at:
        found.append(Changed.RESTART)
    return found


def sentence(entry: Difference) -> str:
    """A difference as a clause of a message: "it moved from step 3 to step 4 (plugin a/b)"."""
    match entry.what:
        case Changed.RECREATED:
            return "it was deleted and made anew"
        case Changed.DELETING:
            return "its deletion began"
        case Changed.TEMPLATE:
            return "another version is being rolled out"
        case Changed.SPEC:
            return "its pod template was changed"
        case Changed.STEPS:
            return "its steps were changed, so it starts over"
        case Changed.ABORTED:
            return "it was aborted"
        case Changed.RETRIED:
            return "it is no longer aborted"
        case Changed.FULL:
            return "a full promotion was asked for"
        case Changed.PROMOTED:
            return "its new version was fully promoted"
        case Changed.MOVED:
            return f"it moved from {_place(entry.before)} to {_place(entry.now)}"
        case Changed.PAUSED:
            return f"it pauses at {_place(entry.now)}"
        case Changed.LIFTED:
            return f"its pause at {_place(entry.before)} was lifted"
        case Changed.HELD:
            return "a person paused it"
        case Changed.RESUMED:
            return "a person resumed it"
        case Changed.RESTART:
            return "a restart of its pods was asked for, or called off"


def _place(where: Position) -> str:
    if where.index is None:
        return "its pause" if where.count == 0 else "no step"
    if where.step is None:
        return f"the end of its {where.count} steps"
    return f"step {where.index + 1} ({spoken(where.step)})"
