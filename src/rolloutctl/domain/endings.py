"""When a change that was sent has come to its end: pure, one state of the rollout at a time."""

from __future__ import annotations

import enum

import msgspec

from rolloutctl.domain.decision import Action, Decision, Position, position
from rolloutctl.domain.images import has_images
from rolloutctl.domain.plugins import PluginRun, plugin_runs
from rolloutctl.domain.restarting import restarted
from rolloutctl.domain.scaling import is_scaled
from rolloutctl.domain.status import (
    Awaiting,
    desired_replicas,
    is_fully_promoted,
    is_observed,
    status_of,
)
from rolloutctl.domain.wire import Rollout


class End(enum.StrEnum):
    """How a wait ended."""

    HEALTHY = "healthy"
    """The new version is the stable one and all its pods are there."""
    WAITING = "waiting"
    """A person is needed again, at a later pause."""
    HELD = "held"
    """A person holds it (`spec.paused`)."""
    ABORTED = "aborted"
    """It is aborted, back on the stable version."""
    DEGRADED = "degraded"
    SUPERSEDED = "superseded"
    """Another version is rolled out now."""
    UNDONE = "undone"
    """The abort did not last: it was retried, or promoted meanwhile."""
    RESTARTED = "restarted"
    """All its pods are newer than the time of the restart, and there."""
    SCALED = "scaled"
    """It has the pods that were asked for, and all are available."""
    DELETED = "deleted"
    TIMED_OUT = "timed-out"


class Ending(msgspec.Struct, frozen=True):
    """`uncalled`: the plugin runs whose Abort or Terminate was expected and has not been seen."""

    end: End
    now: Position
    awaiting: Awaiting | None = None
    uncalled: tuple[PluginRun, ...] = ()


def ending(decision: Decision, now: Rollout, *, reacted: bool) -> Ending | None:
    """How `decision`, once sent, has ended in the state `now`; None while it goes on.

    `reacted`: whether a state that `shows` the change was seen since. Without it an older state,
    out of a cache or from before the controller's next write, could be taken for a new one.
    """
    before = decision.seen.rollout
    if now.metadata.uid != before.metadata.uid:
        return Ending(End.DELETED, position(now))
    if not is_observed(now):
        return None
    if decision.action is Action.UNDO:
        return _of_undo(decision, now, reacted=reacted)
    if decision.action is Action.SET_IMAGE:
        return _of_images(decision, now, reacted=reacted)
    if now.status.current_pod_hash != before.status.current_pod_hash:
        return Ending(End.SUPERSEDED, position(now))
    if decision.action is Action.PAUSE:
        if now.spec.paused:
            return Ending(End.HELD, position(now))
        return Ending(End.UNDONE, position(now)) if reacted else None
    if decision.action is Action.SCALE:
        return _of_scaling(decision, now, reacted=reacted)
    if decision.action is Action.RESTART:
        return _of_restart(decision, now, reacted=reacted)
    if decision.action is Action.ABORT:
        return _of_abort(decision, now, reacted=reacted)
    return _of_promotion(decision, now, reacted=reacted)


def shows(decision: Decision, now: Rollout) -> bool:
    """Whether `now` is a state from after `decision` was sent."""
    match decision.action:
        case Action.ABORT:
            return now.status.abort
        case Action.PAUSE:
            return now.spec.paused
        case Action.SCALE:
            wanted = decision.scaling
            return wanted is not None and desired_replicas(now) == wanted.after and is_observed(now)
        case Action.RESTART:
            return decision.restart is not None and now.spec.restart_at == decision.restart.at
        case Action.UNDO:
            # The phase is written together with the hash; a Degraded one may be of the old version.
            return _is_target(decision, now) and status_of(now).phase != "Degraded"
        case Action.SET_IMAGE:
            return _rolls_out(decision, now) and status_of(now).phase != "Degraded"
    if decision.before.phase != "Degraded":
        return True
    return is_observed(now) and status_of(now).phase != "Degraded"


def _is_target(decision: Decision, now: Rollout) -> bool:
    undo = decision.undo
    return undo is not None and now.status.current_pod_hash == undo.target.hash


def _of_undo(decision: Decision, now: Rollout, *, reacted: bool) -> Ending | None:
    """As an update to the earlier version ends, once the controller has turned to that."""
    if _is_target(decision, now):
        # Until it has reacted, what is there may be left over from the version that was undone.
        found = _of_promotion(decision, now, reacted=reacted)
        return found if reacted else None
    if now.status.current_pod_hash == decision.seen.rollout.status.current_pod_hash:
        return None
    return Ending(End.SUPERSEDED, position(now))


def _rolls_out(decision: Decision, now: Rollout) -> bool:
    """Whether the controller has turned to the template with the images that were set."""
    setting = decision.images
    if setting is None or not is_observed(now) or not has_images(now, setting.wanted):
        return False
    before = decision.seen.rollout
    # Images may be set back before the controller saw those in between: then the hash stays.
    return now.status.current_pod_hash != before.status.current_pod_hash or not is_observed(before)


def _of_images(decision: Decision, now: Rollout, *, reacted: bool) -> Ending | None:
    """As an update ends, once the controller has turned to it; which hash it has, it says."""
    setting = decision.images
    if setting is not None and has_images(now, setting.wanted):
        found = _of_promotion(decision, now, reacted=reacted)
        return found if reacted else None
    changed = now.status.current_pod_hash != decision.seen.rollout.status.current_pod_hash
    return Ending(End.SUPERSEDED, position(now)) if reacted or changed else None


def _of_scaling(decision: Decision, now: Rollout, *, reacted: bool) -> Ending | None:
    wanted = decision.scaling
    if wanted is None or (reacted and desired_replicas(now) != wanted.after):
        return Ending(End.SUPERSEDED, position(now))
    if is_scaled(decision, now):
        return Ending(End.SCALED, position(now))
    if reacted and now.spec.paused:
        return Ending(End.HELD, position(now), awaiting=Awaiting.RESUME)
    if reacted and status_of(now).phase == "Degraded" and decision.before.phase != "Degraded":
        return Ending(End.DEGRADED, position(now))
    return None


def _of_restart(decision: Decision, now: Rollout, *, reacted: bool) -> Ending | None:
    wanted = decision.restart
    if wanted is None or (reacted and now.spec.restart_at != wanted.at):
        return Ending(End.SUPERSEDED, position(now))
    return Ending(End.RESTARTED, position(now)) if restarted(decision, now) else None


def _of_abort(decision: Decision, now: Rollout, *, reacted: bool) -> Ending | None:
    status = now.status
    if is_fully_promoted(now) or (reacted and not status.abort):
        return Ending(End.UNDONE, position(now))
    if not status.abort or status.aborted_at is None or not abort_settled(now):
        return None
    uncalled = tuple(run for run in decision.aborts if not _was_aborted(now, run))
    return Ending(End.ABORTED, position(now), uncalled=uncalled)


def abort_settled(now: Rollout) -> bool:
    """Whether traffic is back on the stable version, and pods too where they carry the weight.

    With traffic routing the canary's pods stay for `abortScaleDownDelaySeconds`; that is not waited
    for. While a person holds the rollout its pods are not resized at all.
    """
    status = now.status
    if status_of(now).phase != "Degraded":
        return False
    if now.spec.paused:
        return True
    if now.spec.strategy.blue_green is not None:
        active = status.blue_green.active_selector
        return not active or active == status.stable_rs
    if status.canary.weights is not None:
        return status.canary.weights.canary.weight == 0
    canary = now.spec.strategy.canary
    if canary is not None and canary.traffic_routing:
        return True
    return status.updated_replicas == 0


def _was_aborted(now: Rollout, expected: PluginRun) -> bool:
    run = plugin_runs(now).get(expected.index)
    return run is not None and run.abort is not None


def _of_promotion(decision: Decision, now: Rollout, *, reacted: bool) -> Ending | None:
    status = now.status
    place = position(now)
    if status.controller_pause and not status.pause_conditions:
        return None
    if status.abort:
        # A full promotion clears an abort, in the controller's own time.
        if status.promote_full or status.aborted_at is None:
            return None
        # Resumed while aborted, it is where the resume leads.
        return Ending(End.ABORTED, place)
    if status.aborted_at is not None:
        return None
    found = status_of(now)
    if is_fully_promoted(now) and found.phase == "Healthy":
        missing = decision.terminates
        run = plugin_runs(now).get(missing.index) if missing is not None else None
        called = run is not None and run.terminate is not None
        uncalled = (missing,) if missing is not None and not called else ()
        return Ending(End.HEALTHY, place, uncalled=uncalled)
    if now.spec.paused:
        return Ending(End.HELD, place, awaiting=Awaiting.RESUME)
    if found.phase == "Degraded" and reacted:
        return Ending(End.DEGRADED, place)
    if status.promote_full:
        return None
    lifted = decision.reasons and place.index == decision.before.index
    if lifted and status.pause_conditions == decision.seen.rollout.status.pause_conditions:
        return None  # what was lifted, seen once more
    if found.awaiting is not None and found.phase == "Paused":
        return Ending(End.WAITING, place, awaiting=found.awaiting)
    return None
