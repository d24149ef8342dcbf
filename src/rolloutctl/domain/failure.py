"""Why a rollout is degraded, and which step an abort came from.

The controller puts the step index back to 0 when it aborts, so the step has to be told from what
is left: the cause in the abort's condition, the plugin records, the labels of analysis runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rolloutctl.domain.facts import AnalysisFacts, ExperimentFacts
from rolloutctl.domain.plugins import FAILED
from rolloutctl.domain.status import find_condition
from rolloutctl.domain.steps import is_abort_settled
from rolloutctl.domain.wire import Rollout

_ABORTED = re.compile(r"Rollout aborted update to revision \d+(?:: )?", re.ASCII)
_INVALID = re.compile(r'The Rollout "[^"]*" is invalid: ')
_PLUGIN_FAILED = re.compile(r"Step Plugin (\d{1,5}) \(([^)]*)\) failed", re.ASCII)
_BAD = frozenset({"Failed", "Error"})

ANALYSES = {
    "Step-based analysis phase": "Step",
    "Background analysis phase": "Background",
    "Blue/green pre-promotion analysis phase": "PrePromotion",
    "Blue/green post-promotion analysis phase": "PostPromotion",
}
"""How the cause of an abort begins, and the type of the analysis run it speaks of.

Source: argo-rollouts, rollout/analysis.go.
"""
EXPERIMENT = "Experiment analysis phase"
"""How the cause begins where an experiment failed. Source: argo-rollouts, rollout/experiment.go."""
TIMED_OUT = "has timed out progressing."
"""How the cause ends where the progress deadline passed. Source: argo-rollouts, utils/conditions.
"""


def cause(r: Rollout) -> str:
    """Why the rollout is degraded, in the controller's words.

    "" when it is not, or when a person aborted it: then no condition holds a cause.
    """
    for condition in r.status.conditions or ():
        if condition.type == "InvalidSpec":
            return _INVALID.sub("", condition.message, count=1)
        if condition.reason == "RolloutAborted":
            return _ABORTED.sub("", condition.message, count=1)
        if condition.reason in {"ProgressDeadlineExceeded", "ReplicaSetCreateError"}:
            return condition.message
    failure = find_condition(r, "ReplicaFailure")
    return failure.message if failure is not None and failure.status == "True" else ""


def failed_plugin(why: str) -> tuple[int, str] | None:
    """The step (0-based) and the name of the plugin whose failure a cause speaks of, else None."""
    named = _PLUGIN_FAILED.match(why)
    return None if named is None else (int(named.group(1)) - 1, named.group(2))


def failed_step(
    r: Rollout,
    analysis_runs: Iterable[AnalysisFacts] = (),
    experiments: Iterable[ExperimentFacts] = (),
) -> int | None:
    """The 0-based step whose failure aborted the rollout; None: none did, or nothing shows which.

    Runs and experiments are those of the rollout, newest first.
    """
    if not is_abort_settled(r) or r.spec.strategy.canary is None:
        return None
    steps = r.spec.strategy.canary.steps or []
    why = cause(r)
    named = failed_plugin(why)
    found: int | None = None
    if named is not None:
        found, name = named
        plugin = steps[found].plugin if 0 <= found < len(steps) else None
        # The steps were edited since: that number now means another step.
        return found if plugin is not None and plugin.name == name else None
    if why.startswith("Step-based analysis phase"):
        found = next(
            (
                run.step_index
                for run in analysis_runs
                if run.current and run.type == "Step" and run.phase in _BAD
            ),
            None,
        )
        if found is not None and 0 <= found < len(steps) and steps[found].analysis is None:
            return None
    elif why.startswith(EXPERIMENT):
        found = next(
            (entry.step_index for entry in experiments if entry.current and entry.phase in _BAD),
            None,
        )
    elif not why:
        found = _failed_record(r)
    return found if found is not None and 0 <= found < len(steps) else None


def _failed_record(r: Rollout) -> int | None:
    """A Failed Run record always aborts, so it tells the step where the condition does not."""
    canary = r.spec.strategy.canary
    steps = (canary.steps or []) if canary is not None else []
    for record in reversed(r.status.canary.step_plugin_statuses or ()):
        if record.operation != "Run" or record.phase != FAILED:
            continue
        plugin = steps[record.index].plugin if 0 <= record.index < len(steps) else None
        if plugin is not None and plugin.name == record.name:
            return record.index
    return None
