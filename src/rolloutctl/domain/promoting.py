"""Promotion: past the current pause or step, or in full.

Source: argo-rollouts, pkg/kubectl-argo-rollouts/cmd/promote (bodies of the patches) and
rollout/pause.go, rollout/canary.go, rollout/bluegreen.go (what the controller makes of them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rolloutctl.domain.decision import (
    Action,
    Decision,
    NeedsForce,
    NeedsSkip,
    Note,
    NothingToDo,
    NotObserved,
    Refused,
    Seen,
    add,
    patch,
    position,
    remove,
    spoken,
    template_seen,
)
from rolloutctl.domain.facts import RunUnderWay
from rolloutctl.domain.guards import (
    moved,
    must_be_alive,
    must_be_observed,
    must_be_valid,
    muted_runs,
    steps_ahead,
    unpause,
)
from rolloutctl.domain.plugins import plugin_runs, running, will_terminate
from rolloutctl.domain.runs import runs_under_way
from rolloutctl.domain.status import is_fully_promoted
from rolloutctl.domain.steps import (
    Analysis,
    Pause,
    Plugin,
    StepProgress,
    current_index,
    steps_of,
)
from rolloutctl.domain.wire import Rollout

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration

INCONCLUSIVE = frozenset({"InconclusiveAnalysisRun", "InconclusiveExperiment"})


def promote_next(seen: Seen, *, skip_step: bool = False) -> Decision:
    """The change that moves a rollout past the pause or step it is at.

    Raises NothingToDo, NotObserved, Refused (aborted, only held by a person, cannot be promoted
    now) and NeedsSkip, with the decision in it, where the current step is not done, or a person
    holds the rollout besides, and `skip_step` is not given.
    """
    rollout = seen.rollout
    status = rollout.status
    must_be_alive(seen)
    must_be_valid(seen)
    must_be_observed(seen)
    if status.abort:
        raise Refused(
            "not promoted: this update was aborted",
            subject=str(seen.ref),
            hint=(
                "retry starts it again with the same version; another image moves on;",
                "promote --full --force ships the aborted version",
            ),
        )
    reasons = tuple(condition.reason for condition in status.pause_conditions or ())
    if rollout.spec.paused and not reasons:
        raise Refused(
            "not promoted: it is held by a person (spec.paused), not by a step",
            subject=str(seen.ref),
            hint="resume lets it go on without skipping anything",
        )
    if is_fully_promoted(rollout):
        raise NothingToDo(
            "nothing to promote: its version is fully promoted", subject=str(seen.ref)
        )
    if status.promote_full:
        raise NothingToDo("nothing to do: it is being promoted in full", subject=str(seen.ref))
    if reasons:
        return _leave_pause(seen, reasons, skip_step=skip_step)
    if status.controller_pause:
        raise Refused(
            "not promoted: it has just been promoted, and the controller has not reacted yet",
            subject=str(seen.ref),
            hint="look where it stops next; a second promotion now could skip that step",
        )
    return _leave_step(seen, skip_step=skip_step)


def _leave_pause(seen: Seen, reasons: tuple[str, ...], *, skip_step: bool) -> Decision:
    """Past the pause conditions that are there."""
    rollout = seen.rollout
    if counts_down(rollout) and reasons == ("BlueGreenPause",):
        full = promote_full(seen)
        decision = msgspec.structs.replace(
            full,
            action=Action.PROMOTE,
            reasons=reasons,
            notes=(Note.AUTO_PROMOTION, *full.notes),
        )
        if Note.ANALYSIS_SKIPPED in decision.notes and not skip_step:
            raise NeedsSkip(
                "not promoted: that would pass over its post-promotion analysis",
                decision=decision,
                subject=str(seen.ref),
                hint="wait for the countdown, or pass over the analysis with --skip-step",
            )
        if rollout.spec.paused and not skip_step:
            raise _held(decision)
        return decision
    notes: list[Note] = []
    operations = [remove("/status/pauseConditions")]
    before = position(rollout)
    after = index_after_pause(rollout) if before.count else None
    if passes_inconclusive(rollout):
        # Clearing the conditions alone would start the same analysis again.
        operations += [
            add("/status/controllerPause", False),
            add("/status/currentStepIndex", after),
        ]
        notes.append(Note.PASSES_INCONCLUSIVE)
    elif INCONCLUSIVE & set(reasons):
        notes.append(Note.ANALYSIS_AGAIN)
    saw = (
        *template_seen(seen),
        "/status/currentStepIndex",
        "/status/abort",
        "/status/promoteFull",
        "/status/pauseConditions",
    )
    changes = [patch(seen, "status", *operations, saw=saw)]
    if rollout.spec.paused:
        notes.append(Note.UNPAUSES)
        changes.append(unpause(seen))
    decision = Decision(
        action=Action.PROMOTE,
        seen=seen,
        changes=tuple(changes),
        before=before,
        expected=moved(before, rollout, after, held=False),
        reasons=reasons,
        notes=tuple(notes),
    )
    if rollout.spec.paused and not skip_step:
        raise _held(decision)
    return decision


def _held(decision: Decision) -> NeedsSkip:
    """A person's hold is a gate too: it is not lifted in passing."""
    return NeedsSkip(
        "not promoted: besides its pause a person holds it (spec.paused)",
        decision=decision,
        subject=str(decision.ref),
        hint="resume lifts the hold alone; --skip-step promotes it and lifts the hold too",
    )


def _leave_step(seen: Seen, *, skip_step: bool) -> Decision:
    """Past a step that did not pause: only by skipping what is left of it."""
    rollout = seen.rollout
    steps = steps_of(rollout)
    if rollout.spec.strategy.blue_green is not None:
        raise Refused(
            "not promoted: it does not wait for a promotion now",
            subject=str(seen.ref),
            hint="it waits for its pods or an analysis; --full does not wait for analyses",
        )
    if not steps:
        raise NothingToDo(
            "nothing to promote: it has no steps and goes on by itself", subject=str(seen.ref)
        )
    index = current_index(rollout)
    if index >= len(steps):
        raise NothingToDo(
            "nothing to promote: all steps are done, it waits for its pods", subject=str(seen.ref)
        )
    step = steps[index]
    if isinstance(step, Pause) and not skip_step:
        raise NotObserved(
            f"the pause at step {index + 1} of {len(steps)} is just beginning",
            subject=str(seen.ref),
            hint="try again in a moment, or skip the step with --skip-step",
        )
    before = position(rollout)
    saw = (
        *template_seen(seen),
        "/status/currentStepIndex",
        "/status/abort",
        "/status/promoteFull",
        "/status/pauseConditions",
        "/status/controllerPause",
    )
    run = plugin_runs(rollout).get(index)
    leaves = (run,) if run is not None and run.in_flight else ()
    notes = [Note.PLUGIN_LEFT_RUNNING] if leaves else []
    if isinstance(step, Analysis) and any(
        isinstance(after, Analysis) for after in steps[index + 1 : index + 2]
    ):
        notes.append(Note.ANALYSES_IN_A_ROW)
    decision = Decision(
        action=Action.PROMOTE,
        seen=seen,
        changes=(patch(seen, "status", add("/status/currentStepIndex", index + 1), saw=saw),),
        before=before,
        expected=moved(before, rollout, index + 1),
        skips=steps_ahead(rollout)[:1],
        ends=ended_by_leaving(rollout),
        leaves=leaves,
        notes=tuple(notes),
    )
    if skip_step:
        return decision
    what = spoken(step)
    phase = f", {run.phase}" if isinstance(step, Plugin) and run is not None and run.phase else ""
    raise NeedsSkip(
        f"not promoted: step {index + 1} of {len(steps)} ({what}{phase}) is not done",
        decision=decision,
        subject=str(seen.ref),
        hint="wait for it, or skip it with --skip-step",
    )


def promote_full(
    seen: Seen, *, force: bool = False, config: PluginConfiguration | None = None
) -> Decision:
    """The change that promotes the new version without its remaining steps, pauses and analyses.

    `config`, if it was read, tells whether a running plugin can be terminated.
    Raises NothingToDo, NotObserved, Refused, and NeedsForce for an update that was aborted: its
    version would go out after all.
    """
    rollout = seen.rollout
    status = rollout.status
    must_be_alive(seen)
    must_be_valid(seen)
    must_be_observed(seen)
    if is_fully_promoted(rollout):
        raise NothingToDo(
            "nothing to promote: its version is fully promoted",
            subject=str(seen.ref),
            hint="it is held by a person: resume lets it go on" if rollout.spec.paused else "",
        )
    if status.promote_full and not rollout.spec.paused:
        raise NothingToDo(
            "nothing to do: it is being promoted in full already", subject=str(seen.ref)
        )
    if status.abort and not force:
        raise NeedsForce(
            "not promoted: this update was aborted, and --full would ship that same version",
            subject=str(seen.ref),
            hint="--force ships it anyway; retry starts it again from step 1",
        )
    notes: list[Note] = []
    changes = []
    if not status.promote_full:
        saw = (
            *template_seen(seen),
            "/status/currentStepIndex",
            "/status/abort",
            "/status/promoteFull",
        )
        changes.append(patch(seen, "status", add("/status/promoteFull", True), saw=saw))
    if status.abort:
        notes.append(Note.SHIPS_ABORTED)
    if rollout.spec.paused:
        notes.append(Note.UNPAUSES)
        changes.append(unpause(seen))
    if analysis_ahead(rollout):
        notes.append(Note.ANALYSIS_SKIPPED)
    running_last = will_terminate(rollout)
    terminated = will_terminate(rollout, config)
    uncalled = [running_last] if running_last is not None and terminated is None else []
    before = position(rollout)
    return Decision(
        action=Action.PROMOTE_FULL,
        seen=seen,
        changes=tuple(changes),
        before=before,
        expected=msgspec.structs.replace(
            moved(before, rollout, before.count if before.count else None, held=False),
            full=True,
            aborted=False,
        ),
        skips=steps_skipped(rollout, config),
        ends=() if status.abort else runs_under_way(rollout),
        reasons=tuple(condition.reason for condition in status.pause_conditions or ()),
        terminates=terminated,
        leaves=tuple(
            run
            for run in running(rollout)
            if running_last is None or run.index != running_last.index
        ),
        muted=muted_runs(uncalled, rollout, config),
        notes=tuple(notes),
    )


# --- shared with what is offered ----------------------------------------------------------------


def passes_inconclusive(rollout: Rollout) -> bool:
    """Whether lifting the pause means to leave an inconclusive analysis step behind.

    Source: argo-rollouts, pkg/kubectl-argo-rollouts/cmd/promote.
    """
    run = rollout.status.canary.current_step_analysis_run_status
    return (
        run is not None
        and run.status == "Inconclusive"
        and rollout.status.controller_pause
        and bool(steps_of(rollout))
    )


def index_after_pause(rollout: Rollout) -> int:
    """The step (0-based) a canary goes on from once its pauses are lifted by a promotion.

    The one it is at where an analysis or experiment paused it without a result: that starts again.
    """
    index = current_index(rollout)
    reasons = {condition.reason for condition in rollout.status.pause_conditions or ()}
    if passes_inconclusive(rollout) or "CanaryPauseStep" in reasons:
        return min(index + 1, len(steps_of(rollout)))
    return index


def steps_skipped(
    rollout: Rollout, config: PluginConfiguration | None = None
) -> tuple[StepProgress, ...]:
    """The steps a full promotion leaves out: a pause that has begun is only cut short."""
    ahead = steps_ahead(rollout, config)
    begun = any(c.reason == "CanaryPauseStep" for c in rollout.status.pause_conditions or ())
    return ahead[1:] if begun and ahead and isinstance(ahead[0].step, Pause) else ahead


def ended_by_leaving(rollout: Rollout) -> tuple[RunUnderWay, ...]:
    """The runs of the current canary step, which are terminated once it is not the current one."""
    return tuple(run for run in runs_under_way(rollout) if run.type == "Step")


def counts_down(rollout: Rollout) -> bool:
    """Whether a blue-green pause ends by itself, and would only start over if it were cleared.

    Source: argo-rollouts, rollout/pause.go (completedBlueGreenPause).
    """
    blue_green = rollout.spec.strategy.blue_green
    if blue_green is None:
        return False
    return blue_green.auto_promotion_enabled is not False and blue_green.auto_promotion_seconds > 0


def analysis_ahead(rollout: Rollout) -> bool:
    """Whether a blue-green promotion that is not in full would still wait for an analysis.

    The pause comes only after a successful pre-promotion analysis.
    """
    blue_green = rollout.spec.strategy.blue_green
    if blue_green is None:
        return False
    if blue_green.post_promotion_analysis is not None:
        return True
    paused = any(c.reason == "BlueGreenPause" for c in rollout.status.pause_conditions or ())
    return blue_green.pre_promotion_analysis is not None and not paused
