"""Why a rollout is paused, who or what ends that, and when."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutctl.domain.explain.evidence import writer
from rolloutctl.domain.explain.facts import Cause, CauseKind, EndedBy
from rolloutctl.domain.explain.found import Found
from rolloutctl.domain.steps import Pause
from rolloutctl.domain.wire import PauseCondition

_INCONCLUSIVE = frozenset({"Inconclusive"})
_EVERY_TYPE = ("Step", "Background", "PrePromotion", "PostPromotion")


def pauses(found: Found) -> Iterator[Cause]:
    """A person's hold first: while it stands, nothing else can end.

    Source: argo-rollouts, rollout/pause.go; section "spec.paused".
    """
    r = found.rollout
    if r.spec.paused:
        yield held(found)
    # What came to no result has to be decided before a pause of the same moment matters.
    conditions = r.status.pause_conditions or ()
    for condition in sorted(conditions, key=lambda one: "Inconclusive" not in one.reason):
        yield _pause(found, condition)
    run = found.running("Background")
    if run is not None:
        yield Cause(
            CauseKind.ANALYSIS_RUNNING,
            since=run.started_at,
            ended_by=EndedBy.ANALYSIS,
            analysis=run,
        )


def held(found: Found) -> Cause:
    """A person's hold (`spec.paused`)."""
    status = found.picture.status
    return Cause(
        CauseKind.PAUSED_BY_PERSON,
        since=status.since if not status.aborted else None,
        ended_by=EndedBy.PERSON,
        step=found.step_index,
        plugin=found.plugin,
        writer=writer(found.known, "spec", "paused"),
    )


def _pause(found: Found, condition: PauseCondition) -> Cause:
    since, step = condition.start_time, found.step_index
    match condition.reason:
        case "InconclusiveAnalysisRun":
            return Cause(
                CauseKind.ANALYSIS_INCONCLUSIVE,
                since=since,
                ended_by=EndedBy.PERSON,
                step=step,
                analysis=found.run(*_EVERY_TYPE, phases=_INCONCLUSIVE),
            )
        case "InconclusiveExperiment":
            return Cause(
                CauseKind.EXPERIMENT_INCONCLUSIVE,
                since=since,
                ended_by=EndedBy.PERSON,
                step=step,
                experiment=found.experiment(_INCONCLUSIVE),
            )
        case "BlueGreenPause":
            return _preview(found, condition)
    entry = found.step
    timed = entry is not None and isinstance(entry.step, Pause) and entry.step.duration is not None
    return Cause(
        CauseKind.PAUSE_TIMED if timed else CauseKind.PAUSE_FOR_PERSON,
        since=since,
        until=entry.ends if entry is not None else None,
        ended_by=EndedBy.TIME if timed else EndedBy.PERSON,
        step=step,
        message=condition.reason,
    )


def _preview(found: Found, condition: PauseCondition) -> Cause:
    strategy = found.rollout.spec.strategy.blue_green
    by_person = strategy is None or strategy.auto_promotion_enabled is False
    return Cause(
        CauseKind.PREVIEW_FOR_PERSON if by_person else CauseKind.PREVIEW_COUNTDOWN,
        since=condition.start_time,
        until=None if by_person else found.picture.status.ends,
        ended_by=EndedBy.PERSON if by_person else EndedBy.TIME,
        message=condition.reason,
    )
