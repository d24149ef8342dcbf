"""`status.duration`: how long this attempt has taken, and how it ended.

Source: argo-rollouts, rollout/sync.go (calculateStatusDuration).
"""

from __future__ import annotations

from datetime import datetime

from .conditions import find, is_complete, of_status
from .objects import Obj, dig, items, mapping, moment_of, number, spec_replicas, stamp
from .steps import current_step, is_kind


def duration_of(
    rollout: Obj, status: Obj, now: datetime, *, available: int, started: bool, how: str | None
) -> Obj:
    """The `duration` to write with `status`.

    `available` pods of the new version; `started` says that a new attempt begins with this
    write; `how` is the `completionStatus` that became known with it, None if none did.
    """
    duration = dict(mapping(rollout, "status", "duration"))
    if find(of_status(status), "InvalidSpec"):
        return duration
    at = stamp(now)
    if started or "rolloutStartedAt" not in duration:
        duration = {"rolloutStartedAt": at}
    if how is not None:
        duration["completionStatus"] = how
    _count_pause(duration, rollout, status, now)
    done = status.get("abort") or (is_complete(status) and available >= spec_replicas(rollout))
    if done and "finishedAt" not in duration:
        duration["finishedAt"] = at
    return duration


def _count_pause(duration: Obj, rollout: Obj, status: Obj, now: datetime) -> None:
    paused = _needs_a_person(rollout, status)
    since = duration.get("manualPauseStartedAt")
    if paused and since is None and "finishedAt" not in duration:
        duration["manualPauseStartedAt"] = stamp(now)
    elif not paused and since is not None:
        begun = moment_of(since)
        seconds = int((now - begun).total_seconds()) if begun else 0
        total = number(duration, "totalManualPauseDurationSeconds") + max(0, seconds)
        duration["totalManualPauseDurationSeconds"] = total
        del duration["manualPauseStartedAt"]


def _needs_a_person(rollout: Obj, status: Obj) -> bool:
    if dig(rollout, "spec", "paused"):
        return True
    for pause in items(status, "pauseConditions"):
        if dig(pause, "reason") in ("InconclusiveAnalysisRun", "InconclusiveExperiment"):
            return True
        if dig(pause, "reason") == "BlueGreenPause":
            blue_green = mapping(rollout, "spec", "strategy", "blueGreen")
            if blue_green.get("autoPromotionEnabled") is False:
                return True
        step = current_step(rollout)
        if is_kind(step, "pause") and dig(step, "pause", "duration") is None:
            return True
    return False
