"""Step plugins: the controller's records joined into one timeline per step.

`status.canary.stepPluginStatuses` holds one record per step and operation (Run, Terminate,
Abort). The Run record's phase is never rewritten by the other two: Running plus a successful
Terminate means stopped. Source: argo-rollouts, rollout/stepplugin.go.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from rolloutctl.domain.durations import later, parse_go
from rolloutctl.domain.wire import CanaryStep, Rollout, StepPluginStatus

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

RUNNING = "Running"
SUCCESSFUL = "Successful"
FAILED = "Failed"
ERROR = "Error"


class Availability(enum.StrEnum):
    """What `argo-rollouts-config` says of a step plugin; UNKNOWN when it was not read."""

    UNKNOWN = "unknown"
    ENABLED = "enabled"
    DISABLED = "disabled"
    NOT_CONFIGURED = "not-configured"


class PluginCall(Struct, frozen=True):
    """What came of a Terminate or Abort call; it is made once, whatever comes of it."""

    phase: str
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class PluginRun(Struct, frozen=True):
    """A plugin step's whole story so far; `phase` is "" while the step was not run.

    `next_call`: the earliest moment of the next Run call, None when none is due (finished,
    stopped, not the current step, or the rollout's state suspends it). `suspended`: the current
    step's Run would go on, but the controller calls none while the rollout is not Progressing.
    `stuck`: an Error without a backoff, after which the controller never calls Run again.
    `disabled`: the controller passed the step over; `availability` is what the ConfigMap says now.
    """

    index: int
    name: str
    phase: str = ""
    message: str = ""
    executions: int = 0
    backoff: timedelta | None = None
    next_call: datetime | None = None
    started_at: datetime | None = None
    updated_at: datetime | None = None
    finished_at: datetime | None = None
    disabled: bool = False
    availability: Availability = Availability.UNKNOWN
    status: Any = None
    abort: PluginCall | None = None
    terminate: PluginCall | None = None
    suspended: bool = False
    stuck: bool = False

    @property
    def recorded(self) -> bool:
        """The controller has dealt with the step (run it or passed it over)."""
        return bool(self.phase) or self.disabled

    @property
    def in_flight(self) -> bool:
        """Called, not finished, and neither terminated nor aborted."""
        return self.phase == RUNNING and self.abort is None and self.terminate is None


def plugin_runs(r: Rollout, config: PluginConfiguration | None = None) -> dict[int, PluginRun]:
    """One timeline per plugin step, by 0-based step index in step order, also those not yet run.

    Records that fit no present plugin step (out of range, another kind of step, another plugin's
    name: left over from steps that were edited) are not in it, see `stray_records`; of two
    records of the same step and operation the last one counts.
    """
    steps = _steps(r)
    if not any(step.plugin is not None for step in steps):
        return {}
    availability_of = availabilities(config)
    found: dict[tuple[int, str], StepPluginStatus] = {
        (record.index, record.operation): record for record in _records(r) if _fits(record, steps)
    }
    return {
        index: _timeline(r, index, step.plugin.name, found, availability_of(step.plugin.name))
        for index, step in enumerate(steps)
        if step.plugin is not None
    }


def stray_records(r: Rollout) -> tuple[StepPluginStatus, ...]:
    """Records that belong to no step of the present spec: the controller will drop them."""
    steps = _steps(r)
    return tuple(record for record in _records(r) if not _fits(record, steps))


def running(r: Rollout, config: PluginConfiguration | None = None) -> tuple[PluginRun, ...]:
    """The runs in flight, in step order: called, not finished, neither terminated nor aborted."""
    return tuple(run for run in plugin_runs(r, config).values() if run.in_flight)


def will_abort(r: Rollout, config: PluginConfiguration | None = None) -> tuple[PluginRun, ...]:
    """The runs whose Abort an abort now would call, in the controller's order.

    That is the reverse of the list's order, Running and Successful ones without an Abort record.
    With `config`, disabled plugins are left out (their Abort does nothing), and one that is not
    configured ends the round: the controller cannot get past it.
    Source: argo-rollouts, rollout/stepplugin.go.
    """
    calls: list[PluginRun] = []
    for run in reversed(_in_list_order(r, config)):
        if run.phase not in {RUNNING, SUCCESSFUL} or run.abort is not None:
            continue
        if run.availability is Availability.NOT_CONFIGURED:
            break
        if run.availability is not Availability.DISABLED:
            calls.append(run)
    return tuple(calls)


def will_terminate(r: Rollout, config: PluginConfiguration | None = None) -> PluginRun | None:
    """The run whose Terminate a promotion (in full, or by completing) would call, if any.

    Only the last Running record of the list is looked at, and not when it, or a step after it in
    the list, was terminated before. Source: argo-rollouts, rollout/stepplugin.go.
    """
    last: PluginRun | None = None
    runs = plugin_runs(r, config)
    for record in _records(r):
        run = runs.get(record.index)
        if run is None or run.name != record.name:
            continue
        if record.operation == "Run" and record.phase == RUNNING and run.phase == RUNNING:
            last = run
        elif record.operation == "Terminate" and record.phase == SUCCESSFUL:
            last = None
    if last is None or last.terminate is not None:
        return None
    unable = {Availability.DISABLED, Availability.NOT_CONFIGURED}
    return None if last.availability in unable else last


# ------------------------------------------------------------------------------------------------


def _steps(r: Rollout) -> list[CanaryStep]:
    canary = r.spec.strategy.canary
    return (canary.steps or []) if canary is not None else []


def _records(r: Rollout) -> list[StepPluginStatus]:
    return r.status.canary.step_plugin_statuses or []


def _fits(record: StepPluginStatus, steps: list[CanaryStep]) -> bool:
    if not 0 <= record.index < len(steps):
        return False
    plugin = steps[record.index].plugin
    return plugin is not None and plugin.name == record.name


def _in_list_order(r: Rollout, config: PluginConfiguration | None) -> list[PluginRun]:
    runs = plugin_runs(r, config)
    steps = _steps(r)
    order = dict.fromkeys(
        record.index for record in _records(r) if record.operation == "Run" and _fits(record, steps)
    )
    return [runs[index] for index in order]


def availabilities(config: PluginConfiguration | None) -> Callable[[str], Availability]:
    """Tells the availability of a step plugin by its name; `config` None: it was not read."""
    if config is None:
        return lambda name: Availability.UNKNOWN
    found: dict[str, Availability] = {}
    for item in config.items:
        # The same name twice is no error for the controller; a disabled one counts.
        if item.kind == "step" and found.get(item.name) is not Availability.DISABLED:
            off = item.disabled
            found[item.name] = Availability.DISABLED if off else Availability.ENABLED
    # A configuration with problems may hide items: what is missing in it may well be there.
    missing = Availability.UNKNOWN if config.problems else Availability.NOT_CONFIGURED
    return lambda name: found.get(name, missing)


def _timeline(
    r: Rollout,
    index: int,
    name: str,
    found: dict[tuple[int, str], StepPluginStatus],
    availability: Availability,
) -> PluginRun:
    record = found.get((index, "Run"))
    abort = _call(found.get((index, "Abort")))
    terminate = _call(found.get((index, "Terminate")))
    if record is None:
        return PluginRun(index, name, availability=availability, abort=abort, terminate=terminate)
    backoff = parse_go(record.backoff) if record.backoff else None
    goes_on = (
        record.phase in {RUNNING, ERROR}
        and not record.disabled
        and abort is None
        and terminate is None
        and (r.status.current_step_index or 0) == index
        and not r.status.abort
        and not r.status.promote_full
    )
    suspended = goes_on and (r.spec.paused or r.status.phase != "Progressing")
    # A backoff that does not parse stops every later call, see the trap about the phase Error.
    stuck = goes_on and record.phase == ERROR and backoff is None
    return PluginRun(
        index=index,
        name=name,
        phase=record.phase,
        message=record.message,
        executions=record.executions,
        backoff=backoff,
        next_call=later(record.updated_at, backoff) if goes_on and not suspended else None,
        started_at=record.started_at,
        updated_at=record.updated_at,
        finished_at=record.finished_at,
        disabled=record.disabled,
        availability=availability,
        status=record.status,
        abort=abort,
        terminate=terminate,
        suspended=suspended,
        stuck=stuck,
    )


def _call(record: StepPluginStatus | None) -> PluginCall | None:
    if record is None:
        return None
    return PluginCall(record.phase, record.message, record.started_at, record.finished_at)
