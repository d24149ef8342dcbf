"""What an update, or a rollout that lost pods, waits for."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutctl.domain.explain import evidence as evidence
from rolloutctl.domain.explain.facts import Cause, CauseKind, EndedBy
from rolloutctl.domain.explain.found import Found
from rolloutctl.domain.explain.runs import UNFINISHED
from rolloutctl.domain.plugins import Availability, PluginRun
from rolloutctl.domain.status import is_fully_promoted
from rolloutctl.domain.steps import Analysis, Experiment, Plugin, StepProgress


def progress_causes(found: Found) -> Iterator[Cause]:
    """The causes of Progressing, or of Degraded by a deadline: what is at work, then pods.

    A plugin, an analysis or an experiment begins once the pods of its step are there, so one that
    has begun says more than pods that are missing now.
    """
    causes = [*_restart(found), *_what_is_at_work(found), *_not_created(found)]
    causes += found.pods_causes()
    if found.picture.weights.verified is False:
        causes.append(Cause(CauseKind.TRAFFIC, step=found.step_index))
    message = found.picture.status.message
    if message == "old replicas are pending termination":
        causes.append(Cause(CauseKind.OLD_PODS_ENDING, ended_by=EndedBy.PODS))
    elif message == "active service cutover pending":
        causes.append(Cause(CauseKind.SWITCHING))
    if not causes and found.picture.status.phase == "Progressing":
        causes.append(Cause(CauseKind.STEP_UNDER_WAY, step=found.step_index))
    yield from causes
    run = found.running("Background")
    if run is not None:
        yield Cause(
            CauseKind.ANALYSIS_RUNNING,
            since=run.started_at,
            ended_by=EndedBy.ANALYSIS,
            analysis=run,
        )


def _restart(found: Found) -> Iterator[Cause]:
    spec, status = found.rollout.spec, found.rollout.status
    wanted = spec.restart_at is not None and spec.restart_at != status.restarted_at
    if wanted and found.picture.status.message == "rollout is restarting":
        yield Cause(CauseKind.RESTARTING, since=spec.restart_at, ended_by=EndedBy.PODS)


def _what_is_at_work(found: Found) -> Iterator[Cause]:
    if found.rollout.status.promote_full or is_fully_promoted(found.rollout):
        return
    step = found.step
    if step is not None:
        yield from _at_work(found, step)
    yield from _blue_green(found)


def _at_work(found: Found, entry: StepProgress) -> Iterator[Cause]:
    if isinstance(entry.step, Plugin) and entry.plugin is not None:
        yield from _plugin(found, entry, entry.plugin)
    elif isinstance(entry.step, Analysis):
        run = found.running("Step")
        if run is not None and run.step_index in {None, entry.index}:
            yield Cause(
                CauseKind.ANALYSIS_RUNNING,
                since=run.started_at or run.created,
                ended_by=EndedBy.ANALYSIS,
                step=entry.index,
                analysis=run,
            )
    elif isinstance(entry.step, Experiment):
        trial = found.experiment(UNFINISHED)
        if trial is not None:
            yield Cause(
                CauseKind.EXPERIMENT_RUNNING,
                since=trial.available_at or trial.created,
                until=trial.ends,
                ended_by=EndedBy.EXPERIMENT,
                step=entry.index,
                experiment=trial,
            )


def _plugin(found: Found, entry: StepProgress, run: PluginRun) -> Iterator[Cause]:
    if run.disabled:
        return
    if not run.phase:
        yield from _not_configured(found, entry, run)
        return
    if run.phase not in {"Running", "Error"} or run.terminate is not None:
        return
    kind = CauseKind.PLUGIN_RUNNING
    if run.phase == "Error":
        kind = CauseKind.PLUGIN_STUCK if run.stuck else CauseKind.PLUGIN_ERROR
    struck = found.deadline is not None and found.deadline.struck is not None
    yield Cause(
        kind,
        since=run.started_at,
        ended_by=EndedBy.PERSON if struck or run.stuck else EndedBy.PLUGIN,
        step=entry.index,
        message=run.message,
        plugin=run,
    )


def _not_configured(found: Found, entry: StepProgress, run: PluginRun) -> Iterator[Cause]:
    """No record of a plugin step whose plugin the controller, or its ConfigMap, does not know.

    Its pods come first: before they are there the controller has not tried.
    """
    said = evidence.unconfigured_plugin(found.attempt)
    told = said is not None and said[0] == run.name and said[1] in {None, entry.index}
    if not told and (run.availability is not Availability.NOT_CONFIGURED or found.lacking):
        return
    event = said[2] if told and said is not None else None
    yield Cause(
        CauseKind.PLUGIN_NOT_CONFIGURED,
        since=event.first if event is not None else None,
        ended_by=EndedBy.PERSON,
        step=entry.index,
        message=event.message if event is not None else "",
        plugin=run,
        events=(event,) if event is not None else (),
    )


def _not_created(found: Found) -> Iterator[Cause]:
    """A ReplicaSet the API refused: it has no object that could lack pods."""
    for condition in found.rollout.status.conditions or ():
        if condition.reason == "ReplicaSetCreateError" and condition.status == "False":
            yield Cause(
                CauseKind.PODS_NOT_CREATED,
                since=condition.last_transition_time,
                ended_by=EndedBy.PERSON,
                message=condition.message,
            )


def _blue_green(found: Found) -> Iterator[Cause]:
    if found.rollout.spec.strategy.blue_green is None:
        return
    run = found.running("PrePromotion", "PostPromotion")
    if run is not None:
        yield Cause(
            CauseKind.ANALYSIS_RUNNING,
            since=run.started_at or run.created,
            ended_by=EndedBy.ANALYSIS,
            analysis=run,
        )
