"""The step plugin of a rehearsal: it takes its time and ends as its outcome says."""

from __future__ import annotations

from typing import Any

from rolloutctl.sandbox.clock import Clock
from rolloutctl.sandbox.controller.steps import index_of
from rolloutctl.sandbox.plugins.protocol import Context, Result

from .outcomes import CallOutcome, Outcomes

REHEARSED = "rehearsed"


class ScriptedPlugin:
    """Stands in for every plugin of a rollout. Its own state is in the record of its step."""

    def __init__(self, outcomes: Outcomes, clock: Clock) -> None:
        self._outcomes = outcomes
        self._clock = clock

    def run(self, rollout: dict[str, Any], context: Context) -> Result:
        index = index_of(rollout)
        wanted = self._outcomes.plugin(index, context.name)
        now = self._clock.monotonic()
        status = dict(context.status or {"step": index, "since": now})
        left = wanted.duration - (now - status["since"])
        if left > 0:
            # It asks to be called just when it will be done; what is asked for under 10 s the
            # controller does not heed.
            requeue = wanted.requeue if wanted.requeue is not None else left
            return Result("Running", REHEARSED, requeue, status)
        if wanted.outcome == "Error":
            raise RuntimeError(wanted.message or "rehearsed error")
        return Result(wanted.outcome, wanted.message or REHEARSED, status=status)

    def terminate(self, rollout: dict[str, Any], context: Context) -> Result:
        return _called(self._outcomes.plugin(_step(context), context.name).terminate)

    def abort(self, rollout: dict[str, Any], context: Context) -> Result:
        return _called(self._outcomes.plugin(_step(context), context.name).abort)


def _step(context: Context) -> int:
    return int((context.status or {}).get("step", -1))


def _called(wanted: CallOutcome) -> Result:
    if wanted.outcome == "Error":
        raise RuntimeError(wanted.message or "rehearsed error")
    return Result(wanted.outcome, wanted.message or REHEARSED)
