"""Canary steps as a tagged union, and how far a rollout has come through them."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from rolloutctl.domain.durations import later, parse_pause
from rolloutctl.domain.plugins import FAILED, SUCCESSFUL, PluginRun, plugin_runs
from rolloutctl.domain.wire import CanaryStep, Rollout

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

CANARY_PAUSE = "CanaryPauseStep"
REVISION = "rollout.argoproj.io/revision"


class SetWeight(Struct, frozen=True, tag=True):
    weight: int
    """Per cent of the traffic, or of `maxTrafficWeight`."""


class Pause(Struct, frozen=True, tag=True):
    duration: timedelta | None = None
    """None: until somebody promotes. Negative: not a duration, the spec is invalid."""
    text: str = ""
    """The duration as the spec writes it."""


class Plugin(Struct, frozen=True, tag=True):
    name: str
    config: object = None


class Analysis(Struct, frozen=True, tag=True):
    templates: tuple[str, ...] = ()


class Experiment(Struct, frozen=True, tag=True):
    pass


class SetCanaryScale(Struct, frozen=True, tag=True):
    replicas: int | None = None
    weight: int | None = None
    match_traffic_weight: bool = False


class SetHeaderRoute(Struct, frozen=True, tag=True):
    """`removes`: without a `match` the step takes the route of that name away."""

    name: str
    removes: bool = False


class SetMirrorRoute(Struct, frozen=True, tag=True):
    """`removes`: without a `match` the step takes the route of that name away."""

    name: str
    percentage: int | None = None
    removes: bool = False


class Unknown(Struct, frozen=True, tag=True):
    """A step of a kind this program does not know, or of none."""


Step = (
    SetWeight
    | Pause
    | Plugin
    | Analysis
    | Experiment
    | SetCanaryScale
    | SetHeaderRoute
    | SetMirrorRoute
    | Unknown
)


class StepState(enum.StrEnum):
    """Where one step stands, as far as the object shows it."""

    DONE = "done"
    PASSED = "passed"
    """Behind a finished update; nothing shows whether it was done or jumped over."""
    CURRENT = "current"
    AHEAD = "ahead"
    SKIPPED = "skipped"
    """Jumped over: nothing was done for it."""
    STOPPED = "stopped"
    """Its plugin was called, and the rollout left it before it ended."""
    FAILED = "failed"


class Completion(enum.StrEnum):
    """How the version that is now the stable one became it."""

    INITIAL = "initial"
    """The first version of all: no step is run for it."""
    PROMOTED = "promoted"
    PROMOTED_IN_FULL = "promoted-in-full"
    ROLLED_BACK = "rolled-back"
    """A return to the stable version, or within the rollback window: no step is run."""
    UNKNOWN = "unknown"


class StepProgress(Struct, frozen=True):
    """One step and where it stands; `index` is 0-based.

    `started`: when the current pause began, or the plugin's first call. `ends`: of a timed pause
    running now. `plugin` is set for every plugin step.
    """

    index: int
    step: Step
    state: StepState
    plugin: PluginRun | None = None
    started: datetime | None = None
    ends: datetime | None = None


def steps_of(r: Rollout) -> tuple[Step, ...]:
    """The canary's steps; empty for blue-green and for a canary without steps."""
    return tuple(_step(raw) for raw in _raw_steps(r))


def step_text(step: Step) -> str:
    """The controller's own words, as its events have them: "setWeight: 20", "pause: 5s".

    Source: argo-rollouts, event RolloutStepCompleted.
    """
    match step:
        case SetWeight(weight):
            return f"setWeight: {weight}"
        case Pause(text=text):
            return f"pause: {text}" if text else "pause"
        case Plugin(name):
            return f"plugin: {name}"
        case Analysis():
            return "analysis"
        case Experiment():
            return "experiment"
        case SetCanaryScale():
            return f"setCanaryScale{{{_scale_text(step)}}}"
        case SetHeaderRoute(name):
            return f"setHeaderRoute: {name}"
        case SetMirrorRoute(name):
            return f"setMirrorRoute: {name}"
        case Unknown():
            return "invalid"


def current_index(r: Rollout) -> int:
    """The 0-based index of the step the rollout is at; the number of steps when all are done.

    Absent counts as 0 (as the end, when the version is promoted: its steps were added later), and
    what lies outside the steps is brought inside: the index may pass the end for a moment during a
    full promotion.
    """
    count = len(_raw_steps(r))
    index = r.status.current_step_index
    if index is None:
        promoted = r.status.stable_rs and r.status.stable_rs == r.status.current_pod_hash
        return count if promoted else 0
    return min(max(index, 0), count)


def current_step(r: Rollout) -> Step | None:
    """The step the rollout is at, None when all are done or there are none."""
    raw = _raw_steps(r)
    index = current_index(r)
    return _step(raw[index]) if index < len(raw) else None


def is_at_step(r: Rollout) -> bool:
    """The stored index means something: without a stable version no step is run (a first version,
    a spec that was refused from the start), and without an index the controller chose none yet.
    """
    return bool(r.status.stable_rs) and r.status.current_step_index is not None


def pause_started(r: Rollout) -> datetime | None:
    """When the pause of the present canary pause step began, None when none is running."""
    for condition in r.status.pause_conditions or ():
        if condition.reason == CANARY_PAUSE:
            return condition.start_time
    return None


def is_abort_settled(r: Rollout) -> bool:
    """The rollout is aborted and the controller has acted on it, so the step index is back at 0."""
    return r.status.abort and r.status.aborted_at is not None


_COMPLETIONS = {
    "Promoted": Completion.PROMOTED,
    "FastPromoted": Completion.PROMOTED_IN_FULL,
    "RolledBack": Completion.ROLLED_BACK,
    "FastRolledBack": Completion.ROLLED_BACK,
}
_NO_STEP_RUN = frozenset({Completion.INITIAL, Completion.ROLLED_BACK})


def completion(r: Rollout) -> Completion | None:
    """How the update ended; None while one is under way. Only newer controllers tell more.

    Revision 1 becomes the stable one before any step.
    Source: argo-rollouts, rollout/sync.go (calculateStatusDuration).
    """
    if not r.status.stable_rs or r.status.stable_rs != r.status.current_pod_hash:
        return None
    if r.status.observed_generation != str(r.metadata.generation):
        return Completion.UNKNOWN  # the revision may be the next one's already
    if (r.metadata.annotations or {}).get(REVISION) == "1":
        return Completion.INITIAL
    return _COMPLETIONS.get(r.status.duration.completion_status, Completion.UNKNOWN)


def progress(
    r: Rollout,
    config: PluginConfiguration | None = None,
    *,
    failed_step: int | None = None,
) -> tuple[StepProgress, ...]:
    """Every step with its state, in order.

    An abort puts the index back to 0, so what an aborted rollout had reached is told by its
    plugin records and `failed_step` (0-based, when something else shows which step failed) alone:
    never more than those show. Where `is_at_step` does not hold all steps are AHEAD.
    """
    steps = steps_of(r)
    runs = plugin_runs(r, config)
    if is_abort_settled(r):
        states = _aborted_states(steps, runs, failed_step)
    else:
        states = _states(r, len(steps), runs)
    return tuple(
        _with_times(r, StepProgress(index, step, state, runs.get(index)))
        for index, (step, state) in enumerate(zip(steps, states, strict=True))
    )


# ------------------------------------------------------------------------------------------------


def _raw_steps(r: Rollout) -> list[CanaryStep]:
    canary = r.spec.strategy.canary
    return (canary.steps or []) if canary is not None else []


def _step(raw: CanaryStep) -> Step:
    # The order matters for a step with two kinds, which the controller calls invalid only for
    # some of them.
    if raw.set_weight is not None:
        return SetWeight(raw.set_weight)
    if raw.pause is not None:
        duration = raw.pause.duration
        return Pause(parse_pause(duration), "" if duration is None else str(duration))
    if raw.experiment is not None:
        return Experiment()
    if raw.analysis is not None:
        templates = raw.analysis.templates or ()
        return Analysis(tuple(template.template_name for template in templates))
    if raw.set_canary_scale is not None:
        scale = raw.set_canary_scale
        return SetCanaryScale(scale.replicas, scale.weight, scale.match_traffic_weight)
    if raw.plugin is not None:
        return Plugin(raw.plugin.name, raw.plugin.config)
    if raw.set_header_route is not None:
        return SetHeaderRoute(raw.set_header_route.name, not raw.set_header_route.match)
    if raw.set_mirror_route is not None:
        mirror = raw.set_mirror_route
        return SetMirrorRoute(mirror.name, mirror.percentage, not mirror.match)
    return Unknown()


def _scale_text(step: SetCanaryScale) -> str:
    if step.weight is not None:
        return f"weight: {step.weight}"
    if step.match_traffic_weight:
        return "matchTrafficWeight: true"
    return f"replicas: {step.replicas}" if step.replicas is not None else ""


def _passed(run: PluginRun | None) -> StepState:
    if run is None or run.phase == SUCCESSFUL:
        return StepState.DONE
    if run.phase == FAILED:
        return StepState.FAILED
    return StepState.STOPPED if run.phase else StepState.SKIPPED


def _states(r: Rollout, count: int, runs: dict[int, PluginRun]) -> list[StepState]:
    how = completion(r)
    current = current_index(r)
    if not is_at_step(r) and how is None:
        return [StepState.AHEAD] * count
    if how is None and r.status.promote_full:
        how = Completion.PROMOTED_IN_FULL  # under way: the steps behind may have been jumped over
    # Before a plugin that was called everything was done, however the update ended.
    called = max((index for index, run in runs.items() if run.recorded), default=-1)

    def state(index: int) -> StepState:
        if index >= current:
            return StepState.CURRENT if index == current else StepState.AHEAD
        run = runs.get(index)
        if run is None and how is not None and index > called:
            if how in _NO_STEP_RUN:
                return StepState.SKIPPED
            return StepState.DONE if how is Completion.PROMOTED else StepState.PASSED
        return _passed(run)

    return [state(index) for index in range(count)]


def _aborted_states(
    steps: tuple[Step, ...], runs: dict[int, PluginRun], failed_step: int | None
) -> list[StepState]:
    failed = {index for index, run in runs.items() if run.phase == FAILED}
    if failed_step is not None:
        failed.add(failed_step)
    # A plugin that was called shows that everything before it had been passed.
    reached = max(failed | {index for index, run in runs.items() if run.recorded}, default=-1)

    def state(index: int) -> StepState:
        if index in failed:
            return StepState.FAILED
        run = runs.get(index)
        if index < reached or (run is not None and run.recorded):
            return _passed(run)
        return StepState.AHEAD

    return [state(index) for index in range(len(steps))]


def _with_times(r: Rollout, entry: StepProgress) -> StepProgress:
    if entry.plugin is not None:
        started, ends = entry.plugin.started_at, None
    elif entry.state is StepState.CURRENT and isinstance(entry.step, Pause):
        started = pause_started(r)
        ends = later(started, entry.step.duration)
    else:
        return entry
    return StepProgress(entry.index, entry.step, entry.state, entry.plugin, started, ends)
