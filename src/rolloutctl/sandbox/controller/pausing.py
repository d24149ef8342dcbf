"""Pauses and aborts that one reconcile adds and removes.

Source: argo-rollouts, rollout/pause.go.
"""

from __future__ import annotations

from .objects import Obj, dig, items, text
from .steps import is_kind, pause_seconds
from .timing import Timing

STEP_PAUSE = "CanaryPauseStep"
BLUE_GREEN_PAUSE = "BlueGreenPause"
INCONCLUSIVE = ("InconclusiveAnalysisRun", "InconclusiveExperiment")


def pause_condition(rollout: Obj, reason: str) -> Obj | None:
    for each in items(rollout, "status", "pauseConditions"):
        if dig(each, "reason") == reason:
            found: Obj = each
            return found
    return None


class Pausing:
    """What shall become of the pause conditions and the abort of `rollout`."""

    def __init__(self, rollout: Obj, timing: Timing) -> None:
        self._rollout = rollout
        self._timing = timing
        self._add: list[str] = []
        self._remove: set[str] = set()
        self._clear = False
        self._remove_abort = False
        self.abort_cause: str | None = None
        """Why this reconcile aborts the rollout, None if it does not."""

    def add(self, reason: str) -> None:
        self._add.append(reason)

    def remove(self, reason: str) -> None:
        self._remove.add(reason)

    def clear(self) -> None:
        self._clear = True

    @property
    def is_inconclusive_now(self) -> bool:
        """Whether this reconcile pauses the rollout for an inconclusive result."""
        return any(reason in INCONCLUSIVE for reason in self._add)

    def abort(self, cause: str) -> None:
        self.abort_cause = cause

    def remove_abort(self) -> None:
        self._remove_abort = True

    @property
    def aborted(self) -> bool:
        if self._remove_abort:
            return False
        return self.abort_cause is not None or dig(self._rollout, "status", "abort") is True

    def step_is_over(self, step: Obj) -> bool:
        """Whether the pause `step` has passed, or somebody ended it."""
        if not is_kind(step, "pause"):
            return False
        condition = pause_condition(self._rollout, STEP_PAUSE)
        if condition is None:
            return dig(self._rollout, "status", "controllerPause") is True
        seconds = pause_seconds(step["pause"])
        return seconds is not None and self.waited(condition) > seconds

    def waited(self, condition: Obj) -> float:
        """Seconds of the cluster since the pause began."""
        since = text(condition, "startTime")
        return self._timing.elapsed(self._rollout["metadata"]["uid"], "pause", since)

    def write(self, status: Obj) -> None:
        """Write what came of it into `status`, which holds nothing of it yet."""
        at = self._timing.stamp()
        if self.aborted:
            # The time of the first look at it, or there would be no end of writing.
            status["abortedAt"] = dig(self._rollout, "status", "abortedAt") or at
            status["abort"] = True
            return
        if self._clear:
            return
        stored = items(self._rollout, "status", "pauseConditions")
        kept = [each for each in stored if dig(each, "reason") not in self._remove]
        by_us = dig(self._rollout, "status", "controllerPause") is True
        for reason in self._add:
            if all(dig(each, "reason") != reason for each in kept):
                kept.append({"reason": reason, "startTime": at})
                self._timing.stamped(self._rollout["metadata"]["uid"], "pause", at)
                by_us = True
        if kept:
            status["pauseConditions"] = kept
            if by_us:
                status["controllerPause"] = True
