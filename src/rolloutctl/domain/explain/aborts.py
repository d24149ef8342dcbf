"""Why an update was aborted: the failed step, metric or deadline, or a person."""

from __future__ import annotations

from rolloutctl.domain.explain.evidence import writer
from rolloutctl.domain.explain.facts import Cause, CauseKind, EndedBy, RunEvidence
from rolloutctl.domain.explain.found import Found
from rolloutctl.domain.explain.runs import BAD
from rolloutctl.domain.failure import ANALYSES, EXPERIMENT, TIMED_OUT
from rolloutctl.domain.failure import cause as cause_of
from rolloutctl.domain.plugins import PluginRun, plugin_runs
from rolloutctl.domain.steps import StepState, is_abort_settled


def aborted(found: Found) -> Cause:
    """The cause of an abort that stands.

    Source: argo-rollouts, rollout/stepplugin.go, rollout/analysis.go, rollout/experiment.go.
    """
    r, picture = found.rollout, found.picture
    since = r.status.aborted_at
    if not is_abort_settled(r):
        return Cause(
            CauseKind.ABORTING,
            ended_by=EndedBy.CONTROLLER,
            writer=writer(found.known, "status", "abort"),
        )
    why, step = cause_of(r), picture.failed_step
    ended_by = EndedBy.PERSON
    for start, type in ANALYSES.items():
        if why.startswith(start):
            run = found.run(type, phases=BAD)
            return Cause(
                CauseKind.ANALYSIS_FAILED,
                since=since,
                ended_by=ended_by,
                step=step if type == "Step" else _reached(found),
                message=why,
                # What the message says of a run whose object is gone is all there is.
                analysis=run or RunEvidence("", type, "", why.partition(": ")[2]),
            )
    if why.startswith(EXPERIMENT):
        return Cause(
            CauseKind.EXPERIMENT_FAILED,
            since=since,
            ended_by=ended_by,
            step=step,
            message=why,
            experiment=found.experiment(BAD),
        )
    run_of_plugin = _failed_plugin(found, step)
    if run_of_plugin is not None:
        return Cause(
            CauseKind.PLUGIN_FAILED,
            since=since,
            ended_by=ended_by,
            step=step,
            message=run_of_plugin.message or why,
            plugin=run_of_plugin,
        )
    if why.endswith(TIMED_OUT):
        return Cause(
            CauseKind.DEADLINE,
            since=since,
            ended_by=ended_by,
            step=_reached(found),
            message=why,
        )
    if why:
        return Cause(
            CauseKind.ABORTED, since=since, ended_by=ended_by, step=_reached(found), message=why
        )
    at = _reached(found)
    return Cause(
        CauseKind.ABORTED_BY_PERSON,
        since=since,
        ended_by=ended_by,
        step=at,
        plugin=picture.steps[at].plugin if at is not None else None,
        writer=writer(found.known, "status", "abort"),
    )


def _failed_plugin(found: Found, step: int | None) -> PluginRun | None:
    if step is None:
        return None
    run = plugin_runs(found.rollout, found.config).get(step)
    return run if run is not None and run.phase == "Failed" else None


def _reached(found: Found) -> int | None:
    """The step at which it was stopped: that of a plugin still at work, else what events tell.

    A record that is neither finished nor disabled is that of the step the update stood at.
    """
    at_work = [
        entry.index
        for entry in found.picture.steps
        if entry.state is StepState.STOPPED
        and entry.plugin is not None
        and entry.plugin.phase in {"Running", "Error"}
        and entry.plugin.terminate is None
    ]
    reached = found.reached
    told = [reached.index] if reached is not None and reached.index < reached.count else []
    return max([*at_work, *told], default=None)
