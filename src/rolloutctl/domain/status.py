"""Phase and message of a rollout, whether they can be trusted yet, and whom it waits for."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from rolloutctl.domain.durations import later
from rolloutctl.domain.steps import Pause, current_step
from rolloutctl.domain.wire import BlueGreen, Canary, Condition, PauseCondition, Rollout

HEALTHY = "Healthy"
DEGRADED = "Degraded"
PROGRESSING = "Progressing"
PAUSED = "Paused"

WORKLOAD_GENERATION = "rollout.argoproj.io/workload-generation"

_NUMBER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_ANALYSIS_COMPLETED = frozenset({"Successful", "Failed", "Error", "Inconclusive"})


class Awaiting(enum.StrEnum):
    """What a person must do before the rollout can go on by itself."""

    PROMOTION = "promotion"
    RESUME = "resume"
    INCONCLUSIVE = "inconclusive"
    """Decide on an analysis or experiment that came to no result."""


class Status(Struct, frozen=True):
    """What a rollout is doing, as a client may claim it.

    `observed`: the controller has seen this spec. `since`: when the phase began, as well as the
    object tells. `awaiting`: the first thing a person must do, `awaits` all of them in the order
    they matter. `aborted`: an abort stands, `promoting_fully`: a full promotion stands.
    `ends`: when the pause that is running ends by itself.
    """

    phase: str
    message: str
    observed: bool = True
    since: datetime | None = None
    awaiting: Awaiting | None = None
    aborted: bool = False
    fully_promoted: bool = False
    awaits: tuple[Awaiting, ...] = ()
    promoting_fully: bool = False
    ends: datetime | None = None


def status_of(r: Rollout) -> Status:
    """Phase and message after the checks a client must make first, in their order.

    Source: argo-rollouts, utils/rollout/rolloututil.go (GetRolloutPhase); the comparison of the
    referenced workload's generation is made here in its place, where the official client means to.
    """
    observed = True
    if not is_generation_observed(r):
        observed = False
        phase, message = PROGRESSING, "waiting for rollout spec update to be observed"
    elif r.status.controller_pause and not r.status.pause_conditions:
        phase, message = PROGRESSING, "waiting for rollout to unpause"
    elif not _workload_observed(r):
        observed = False
        phase = PROGRESSING
        message = "waiting for rollout spec update to be observed for the reference workload"
    elif r.status.phase:
        phase, message = r.status.phase, r.status.message
    else:
        phase, message = computed_phase(r)
    # A phase the client found out itself began at a moment nothing tells.
    stored = (phase, message) == (r.status.phase, r.status.message)
    awaits = tuple(_awaits(r)) if observed and phase == PAUSED else ()
    return Status(
        phase=phase,
        message=message,
        observed=observed,
        since=_since(r, phase) if stored else None,
        awaiting=awaits[0] if awaits else None,
        aborted=r.status.abort,
        fully_promoted=is_fully_promoted(r),
        awaits=awaits,
        promoting_fully=r.status.promote_full,
        ends=_pause_ends(r) if phase == PAUSED else None,
    )


def computed_phase(r: Rollout) -> tuple[str, str]:
    """Phase and message as the controller derives them from the rest of the status.

    Source: argo-rollouts, utils/rollout/rolloututil.go (CalculateRolloutPhase).
    """
    status = r.status
    for condition in status.conditions or ():
        if condition.type == "InvalidSpec":
            return DEGRADED, f"InvalidSpec: {condition.message}"
        if condition.reason in {"RolloutAborted", "ProgressDeadlineExceeded"}:
            return DEGRADED, f"{condition.reason}: {condition.message}"
    if r.spec.paused:
        return PAUSED, "manually paused"
    if status.pause_conditions:
        return PAUSED, status.pause_conditions[0].reason
    if r.spec.restart_at is not None and r.spec.restart_at != status.restarted_at:
        return PROGRESSING, "rollout is restarting"
    if status.updated_replicas < desired_replicas(r):
        return PROGRESSING, "more replicas need to be updated"
    if status.available_replicas < status.updated_replicas:
        return PROGRESSING, "updated replicas are still becoming available"
    if r.spec.strategy.blue_green is not None:
        pending = _blue_green_pending(r, r.spec.strategy.blue_green)
    elif r.spec.strategy.canary is not None:
        pending = _canary_pending(r, r.spec.strategy.canary)
    else:
        pending = ""
    return (PROGRESSING, pending) if pending else (HEALTHY, "")


def is_observed(r: Rollout) -> bool:
    """The controller has seen this spec, and the template of the workload it refers to.

    An absent, non-numeric or higher observed generation counts as seen; the generation of the
    workload has to be the very one.
    """
    return is_generation_observed(r) and _workload_observed(r)


def is_generation_observed(r: Rollout) -> bool:
    """The controller has seen the rollout's own spec, whatever it knows of a workload's."""
    text = r.status.observed_generation
    if not _NUMBER.fullmatch(text):
        return True
    return int(text) >= r.metadata.generation


def is_fully_promoted(r: Rollout) -> bool:
    """The stable version is the current one. Says nothing about pods."""
    return bool(r.status.stable_rs) and r.status.stable_rs == r.status.current_pod_hash


def is_complete(r: Rollout) -> bool:
    """The end of an update: observed, Healthy, and the current version is the stable one."""
    return is_fully_promoted(r) and is_observed(r) and status_of(r).phase == HEALTHY


def desired_replicas(r: Rollout) -> int:
    """`spec.replicas`; the controller writes 1 where it is absent."""
    return 1 if r.spec.replicas is None else r.spec.replicas


def find_condition(r: Rollout, type: str) -> Condition | None:
    """The condition of that type; their order in the list means nothing."""
    for condition in r.status.conditions or ():
        if condition.type == type:
            return condition
    return None


# ------------------------------------------------------------------------------------------------


def _workload_observed(r: Rollout) -> bool:
    if r.spec.workload_ref is None:
        return True
    generation = (r.metadata.annotations or {}).get(WORKLOAD_GENERATION, "")
    return generation == r.status.workload_observed_generation


def _blue_green_pending(r: Rollout, strategy: BlueGreen) -> str:
    status = r.status.blue_green
    if not status.active_selector or status.active_selector != r.status.current_pod_hash:
        return "active service cutover pending"
    if is_fully_promoted(r):
        return ""
    if strategy.post_promotion_analysis is not None:
        run = status.post_promotion_analysis_run_status
        if run is None or run.status not in _ANALYSIS_COMPLETED:
            return "waiting for analysis to complete"
    return "waiting for post-promotion verification to complete"


def _canary_pending(r: Rollout, strategy: Canary) -> str:
    if strategy.traffic_routing is None and r.status.replicas > r.status.updated_replicas:
        return "old replicas are pending termination"
    return "" if is_fully_promoted(r) else "waiting for all steps to complete"


def _awaits(r: Rollout) -> Iterator[Awaiting]:
    """What must be done first comes first: nothing moves while a person has paused the rollout."""
    reasons = {condition.reason for condition in r.status.pause_conditions or ()}
    if r.spec.paused:
        yield Awaiting.RESUME
    if reasons & {"InconclusiveAnalysisRun", "InconclusiveExperiment"}:
        yield Awaiting.INCONCLUSIVE
    step = current_step(r)
    at_gate = "CanaryPauseStep" in reasons and isinstance(step, Pause) and step.duration is None
    blue_green = r.spec.strategy.blue_green
    held = (
        "BlueGreenPause" in reasons
        and blue_green is not None
        # Without auto-promotion its seconds are ignored; with it and no seconds nothing is held.
        and blue_green.auto_promotion_enabled is False
    )
    if at_gate or held:
        yield Awaiting.PROMOTION


def _pause_ends(r: Rollout) -> datetime | None:
    if r.spec.paused or any(
        condition.reason.startswith("Inconclusive") for condition in r.status.pause_conditions or ()
    ):
        return None
    for condition in r.status.pause_conditions or ():
        length = _pause_length(r, condition)
        if length is not None:
            return later(condition.start_time, length)
    return None


def _pause_length(r: Rollout, condition: PauseCondition) -> timedelta | None:
    if condition.reason == "CanaryPauseStep":
        step = current_step(r)
        return step.duration if isinstance(step, Pause) else None
    blue_green = r.spec.strategy.blue_green
    if condition.reason == "BlueGreenPause" and blue_green is not None:
        seconds = blue_green.auto_promotion_seconds
        if blue_green.auto_promotion_enabled is not False and 0 < seconds < 10**9:
            return timedelta(seconds=seconds)
    return None


def _since(r: Rollout, phase: str) -> datetime | None:
    """The start of the phase: exact for pauses and aborts, else from the conditions' times."""
    progressing = find_condition(r, "Progressing")
    reason = progressing.reason if progressing is not None else ""
    if phase == PAUSED:
        if r.spec.paused:
            # One write after the phase. The condition Paused does not tell: it outlives an abort.
            return _moved(r, "Progressing") if reason == "RolloutPaused" else None
        starts = (condition.start_time for condition in r.status.pause_conditions or ())
        return min((start for start in starts if start is not None), default=None)
    if phase == DEGRADED:
        aborted = r.status.aborted_at if r.status.abort else None
        return _moved(r, "InvalidSpec") or aborted or _moved(r, "Progressing")
    if phase == HEALTHY:
        return _moved(r, "Healthy", "True") or _moved(r, "Completed", "True")
    if phase != PROGRESSING or progressing is None or reason == "RolloutPaused":
        return None
    moved = [
        # Both are Unknown, so a resume moves the update time alone.
        progressing.last_update_time
        if reason == "RolloutResumed"
        else progressing.last_transition_time,
        _moved(r, "Completed", "False"),
    ]
    if is_fully_promoted(r):
        moved.append(_moved(r, "Healthy", "False"))
    return max((moment for moment in moved if moment is not None), default=None)


def _moved(r: Rollout, type: str, status: str | None = None) -> datetime | None:
    condition = find_condition(r, type)
    if condition is None or (status is not None and condition.status != status):
        return None
    return condition.last_transition_time
