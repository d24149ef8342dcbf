"""What each command would do from here, decided as the commands themselves decide it.

Source: argo-rollouts, sections "Actions of a client" and the traps of those on plugins, blue-green
and analysis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rolloutctl.domain import changes
from rolloutctl.domain.decision import Decision, NeedsForce, NeedsSkip, Note, NothingToDo, Refused
from rolloutctl.domain.explain.commands import Command, Outcome, Trap, Verdict
from rolloutctl.domain.explain.facts import Cause, CauseKind
from rolloutctl.domain.explain.found import Found
from rolloutctl.domain.explain.runs import UNFINISHED
from rolloutctl.domain.facts import ReplicaSetFacts
from rolloutctl.domain.plugins import running
from rolloutctl.domain.status import is_fully_promoted
from rolloutctl.domain.steps import Analysis, Experiment, Pause, Plugin
from rolloutctl.errors import Conflict, RolloutctlError


def outcomes(found: Found, causes: Sequence[Cause]) -> tuple[Outcome, ...]:
    """Every command with its outcome; what works stands first, in the order a person needs it.

    None for a rollout that is being deleted, or that no controller looks at.
    """
    idle = {CauseKind.BEING_DELETED, CauseKind.NO_CONTROLLER}
    if causes[0].kind in idle:
        return ()
    every = list(_outcomes(found, causes))
    if causes[0].kind is CauseKind.INVALID_SPEC:
        every = [outcome for outcome in every if outcome.verdict is Verdict.REFUSED]
    return tuple(sorted(every, key=_urgency))


# ------------------------------------------------------------------------------------------------


def _urgency(outcome: Outcome) -> int:
    if outcome.command is Command.PAUSE and outcome.verdict is Verdict.WORKS:
        return 2
    order = {Verdict.WORKS: 0, Verdict.NEEDS_OPTION: 1, Verdict.NOTHING: 3, Verdict.REFUSED: 3}
    return order[outcome.verdict]


def _outcomes(found: Found, causes: Sequence[Cause]) -> Iterator[Outcome]:
    seen, config = found.seen, found.config
    yield _outcome(found, causes, Command.RESUME, lambda: changes.resume(seen))
    yield _outcome(found, causes, Command.PROMOTE, lambda: changes.promote_next(seen))
    yield _outcome(
        found, causes, Command.PROMOTE_FULL, lambda: changes.promote_full(seen, config=config)
    )
    yield _outcome(found, causes, Command.RETRY, lambda: changes.retry(seen))
    yield _outcome(found, causes, Command.ABORT, lambda: changes.abort(seen, config=config))
    undone = _undo(found)
    if undone is not None:
        yield undone
    yield from _terminate(found)
    yield _outcome(found, causes, Command.PAUSE, lambda: changes.pause(seen))


def _outcome(
    found: Found, causes: Sequence[Cause], command: Command, decide: Callable[[], Decision]
) -> Outcome:
    verdict, option = Verdict.WORKS, ""
    try:
        decision = decide()
    except NeedsSkip as needed:
        decision, verdict, option = needed.decision, Verdict.NEEDS_OPTION, "--skip-step"
    except NeedsForce:
        decision = changes.promote_full(found.seen, force=True, config=found.config)
        verdict, option = Verdict.NEEDS_OPTION, "--force"
    except NothingToDo as nothing:
        return _not_done(found, command, Verdict.NOTHING, nothing)
    except Conflict as refused:
        return _not_done(found, command, Verdict.REFUSED, refused)
    after = decision.expected
    revision = None
    if command in {Command.PROMOTE, Command.PROMOTE_FULL, Command.RETRY}:
        revision = found.picture.revision or None
    elif command is Command.ABORT:
        revision = found.picture.stable_revision
    return Outcome(
        command=command,
        verdict=verdict,
        option=option,
        to_index=after.index,
        to_step=after.step,
        to_revision=revision,
        skips=decision.skips,
        terminates=decision.terminates,
        leaves=decision.leaves,
        aborts=decision.aborts,
        muted=decision.muted,
        ends=decision.ends,
        notes=decision.notes,
        traps=tuple(_traps(found, causes, command, decision)),
    )


def _not_done(found: Found, command: Command, verdict: Verdict, why: RolloutctlError) -> Outcome:
    traps: list[Trap] = []
    r = found.rollout
    if command is Command.ABORT and is_fully_promoted(r):
        traps.append(Trap.ABORT_IS_LOST)
    held_at_step = r.spec.paused and not r.status.pause_conditions and found.step is not None
    if command is Command.PROMOTE and isinstance(why, Refused) and held_at_step:
        traps.append(Trap.OTHERS_SKIP_A_STEP)
    return Outcome(command, verdict, refusal=why, traps=tuple(traps))


def _traps(
    found: Found, causes: Sequence[Cause], command: Command, decision: Decision
) -> Iterator[Trap]:
    match command:
        case Command.PROMOTE:
            yield from _of_promote(found, decision)
        case Command.PROMOTE_FULL:
            yield from _of_full(found)
        case Command.ABORT:
            yield from _of_abort(found)
        case Command.RETRY:
            if found.picture.analysis_runs or any(
                isinstance(entry.step, Plugin | Analysis | Experiment)
                for entry in found.picture.steps
            ):
                yield Trap.STEPS_RUN_AGAIN
            if any(cause.kind is CauseKind.PODS_NOT_STARTING for cause in causes):
                yield Trap.STILL_BROKEN
        case Command.PAUSE:
            yield from _of_pause(found)


def _of_promote(found: Found, decision: Decision) -> Iterator[Trap]:
    blue_green = found.rollout.spec.strategy.blue_green
    if Note.AUTO_PROMOTION in decision.notes:
        yield Trap.RESTARTS_COUNTDOWN
    elif blue_green is not None and blue_green.post_promotion_analysis is not None:
        yield Trap.ANALYSIS_FOLLOWS
    if any(run.type == "Step" for run in decision.ends):
        yield Trap.RESULT_LOST


def _of_full(found: Found) -> Iterator[Trap]:
    own = found.current.name if found.current is not None else ""
    if any(lack.replica_set == own for lack in found.lacking):
        yield Trap.NEEDS_PODS
    canary = found.rollout.spec.strategy.canary
    if canary is not None and canary.traffic_routing and not canary.dynamic_stable_scale:
        yield Trap.WEIGHT_STAYS


def _of_abort(found: Found) -> Iterator[Trap]:
    r = found.rollout
    plugin = found.plugin
    if plugin is not None and plugin.phase == "Error":
        yield Trap.FAILED_STEP_NOT_CALLED
    if _keeps_pods(found):
        yield Trap.CANARY_PODS_STAY
    active = r.status.blue_green.active_selector
    if active and active == r.status.current_pod_hash and not is_fully_promoted(r):
        yield Trap.SWITCH_NEEDS_PODS
    yield Trap.STAYS_DEGRADED


def _keeps_pods(found: Found) -> bool:
    """Whether an abort leaves the new version's pods for a while.

    Source: argo-rollouts, utils/defaults (GetAbortScaleDownDelaySecondsOrDefault).
    """
    strategy, known = found.rollout.spec.strategy, found.known.spec.strategy
    if strategy.blue_green is not None:
        delay = known.blue_green.abort_scale_down_delay_seconds if known.blue_green else None
        return True if delay is None else delay >= 0
    canary = strategy.canary
    if canary is None or not canary.traffic_routing:
        return False
    delay = known.canary.abort_scale_down_delay_seconds if known.canary else None
    if delay is None:
        return not canary.dynamic_stable_scale
    return delay > 0


def _of_pause(found: Found) -> Iterator[Trap]:
    if is_fully_promoted(found.rollout) or found.rollout.status.abort:
        return
    plugin, step = found.plugin, found.step
    at_work = plugin is not None and plugin.phase in {"Running", "Error"} and not plugin.terminate
    if at_work and found.deadline is not None and found.deadline.struck is not None:
        yield Trap.FREES_PLUGIN
    elif at_work:
        yield Trap.PLUGIN_SUSPENDED
    trials = any(item.current and item.phase in UNFINISHED for item in found.picture.experiments)
    if trials or found.running("Step", "Background", "PrePromotion", "PostPromotion"):
        yield Trap.ANALYSIS_GOES_ON
    if step is not None and isinstance(step.step, Pause) and step.step.duration is not None:
        yield Trap.TIMER_GOES_ON
    if found.rollout.spec.strategy.canary is not None:
        yield Trap.SCALING_WAITS


def _terminate(found: Found) -> Iterator[Outcome]:
    """Stopping the analysis of the present step: its result is the worst so far."""
    run = found.running("Step")
    step = found.step
    if run is None or run.terminated or step is None or not isinstance(step.step, Analysis):
        return
    yield Outcome(
        Command.TERMINATE_ANALYSIS,
        Verdict.WORKS,
        to_index=step.index,
        traps=(Trap.STEP_SUCCEEDS,),
        target=run.name,
    )


# --- undo ---------------------------------------------------------------------------------------


def _undo(found: Found) -> Outcome | None:
    """Back to the version with the second highest revision; None where there is none.

    Source: argo-rollouts, pkg/kubectl-argo-rollouts/cmd/undo; rollout/canary.go and
    utils/conditions for what is skipped.
    """
    versions = [item for item in found.picture.replica_sets if item.revision]
    if len(versions) < 2:
        return None
    r, target = found.rollout, versions[1]
    traps: list[Trap] = []
    if target.hash == r.status.stable_rs:
        traps.append(Trap.TO_STABLE_SKIPS_STEPS)
    elif _within_window(found, target):
        traps.append(Trap.WINDOW_SKIPS_STEPS)
    elif r.spec.strategy.blue_green is not None and _still_up(target):
        traps.append(Trap.STILL_UP)
    elif found.picture.steps:
        traps.append(Trap.RUNS_ALL_STEPS)
    if running(r):
        traps.append(Trap.RUNNING_PLUGIN_NOT_TOLD)
    if r.spec.paused:
        traps.append(Trap.HOLD_STAYS)
    if r.spec.workload_ref is not None:
        traps.append(Trap.CHANGES_WORKLOAD)
    return Outcome(Command.UNDO, Verdict.WORKS, to_revision=target.revision, traps=tuple(traps))


def _within_window(found: Found, target: ReplicaSetFacts) -> bool:
    """Whether the controller would skip steps, pauses and analyses on the way to `target`.

    Source: argo-rollouts, rollout/sync.go (isRollbackWithinWindow).
    """
    window = found.rollout.spec.rollback_window
    sets = found.picture.replica_sets
    stable = next((item for item in sets if item.hash == found.rollout.status.stable_rs), None)
    if window is None or stable is None or stable.created is None or target.created is None:
        return False
    if target.created >= stable.created:
        return False
    between = sum(
        1
        for item in sets
        if item.created is not None and target.created < item.created < stable.created
    )
    return between < window.revisions


def _still_up(target: ReplicaSetFacts) -> bool:
    return bool(target.desired) and target.scale_down_deadline is not None
