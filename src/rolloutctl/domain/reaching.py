"""Whether what is waited for has come, or can no longer come: pure, one state at a time."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rolloutctl.domain.failure import cause
from rolloutctl.domain.goals import Goal, GoalKind
from rolloutctl.domain.plugins import FAILED, SUCCESSFUL, PluginRun, plugin_runs
from rolloutctl.domain.replicasets import revision_of
from rolloutctl.domain.status import (
    DEGRADED,
    HEALTHY,
    PAUSED,
    find_condition,
    is_complete,
    is_fully_promoted,
    is_generation_observed,
    is_observed,
    status_of,
)
from rolloutctl.domain.steps import current_index, steps_of
from rolloutctl.domain.weights import known_weight, maximum
from rolloutctl.domain.wire import PodTemplate, Rollout

_OF_ANY_UPDATE = frozenset(
    {GoalKind.DELETED, GoalKind.GENERATION, GoalKind.REVISION, GoalKind.IMAGE}
)
"""What does not end with the update that is under way."""
_FAILURES = frozenset({GoalKind.ABORTED, GoalKind.DEGRADED, GoalKind.CONDITION})
"""What a rollout that is degraded may have, or come to."""


class Verdict(msgspec.Struct, frozen=True):
    """That a wait is over: reached, or that it can no longer be reached and why.

    `superseded`: another template took the place of the one that was waited for.
    """

    reached: bool
    reason: str = ""
    goal: Goal | None = None
    superseded: bool = False


class Course:
    """What was seen of one rollout since the wait for it began; `judge` is given each state."""

    def __init__(self, goals: Sequence[Goal]) -> None:
        """`goals`: any of them ends the wait."""
        self.goals = tuple(goals)
        self.base: Rollout | None = None
        """The first state in which the controller had seen the spec, of the update waited for."""

    def judge(self, now: Rollout, workload: int = 0) -> Verdict | None:
        """Whether a goal holds, or none can come any more; None: go on waiting.

        `workload`: the generation of the workload it refers to, where that was read; until the
        controller has observed that, nothing is judged. Nor is, beyond its phase, a rollout it has
        not observed yet, and an abort or a retry it has not acted on yet.
        """
        if workload_behind(now, workload):
            return None
        observed = is_observed(now)
        if self.base is None and observed and now.status.current_pod_hash:
            self.base = now
        # Before anything was observed no update can have been under way at the start either.
        base = self.base or now
        another = observed and base.status.current_pod_hash != now.status.current_pod_hash
        if another and not _under_way(base):
            self.base = base = now
            another = False
        for goal in self.goals:
            if holds(goal, now, base):
                return Verdict(True, goal=goal)
        if not observed:
            return None
        verdicts = [_over(goal, now, base, another) for goal in self.goals]
        ended = [verdict for verdict in verdicts if verdict is not None]
        if not ended or len(ended) < len(verdicts):
            return None
        reasons = dict.fromkeys(verdict.reason for verdict in ended)
        return Verdict(
            False, "; ".join(reasons), superseded=any(verdict.superseded for verdict in ended)
        )


def workload_behind(now: Rollout, generation: int) -> bool:
    """Whether the controller has yet to see that generation of the workload it refers to.

    The rollout alone does not tell: its own annotation is written by the controller as well, once
    it has seen the change. Source: argo-rollouts, `status.workloadObservedGeneration`.
    """
    seen = now.status.workload_observed_generation
    if now.spec.workload_ref is None or not seen.isdigit():
        return False
    return int(seen) < generation


def impossible(goal: Goal, r: Rollout) -> tuple[str, str]:
    """Why a rollout with this spec can never come to `goal`, and what it has instead; or ""."""
    steps = steps_of(r)
    match goal.kind:
        case GoalKind.STEP if goal.number > len(steps):
            return f"it has {len(steps) or 'no'} steps", "done is the end of the update"
        case GoalKind.PLUGIN:
            names = list(dict.fromkeys(run.name for run in plugin_runs(r).values()))
            if goal.name not in names:
                has = f"its plugins: {', '.join(names)}" if names else "it has no plugin steps"
                return "it has no step of that plugin", has
        case GoalKind.WEIGHT:
            canary = r.spec.strategy.canary
            if canary is None:
                return "it is no canary, and splits no traffic", ""
            if goal.number > maximum(canary):
                return f"its weights go up to {maximum(canary)}", ""
        case GoalKind.IMAGE if r.spec.workload_ref is not None:
            held = f"{r.spec.workload_ref.kind}/{r.spec.workload_ref.name}"
            return f"its images stand in {held}", "revision=N waits for a revision of it"
    return "", ""


def holds(goal: Goal, now: Rollout, base: Rollout) -> bool:
    """Whether `goal` is so in the state `now`; `base`: how it was when the wait began.

    Steps and weights that were reached before the update began do not count.
    """
    status = status_of(now)
    match goal.kind:
        case GoalKind.HEALTHY:
            return status.phase == HEALTHY
        case GoalKind.DONE:
            return is_complete(now)
        case GoalKind.PAUSED:
            return status.phase == PAUSED
        case GoalKind.AWAITING:
            return status.awaiting is not None
        case GoalKind.ABORTED:
            return status.aborted
        case GoalKind.DEGRADED:
            return status.phase == DEGRADED
        case GoalKind.PHASE:
            return status.phase in goal.phases
        case GoalKind.CONDITION:
            found = find_condition(now, goal.name)
            return status.observed and found is not None and found.status in goal.phases
        case GoalKind.PLUGIN:
            return any(_has(run, goal) for run in _runs(now, goal))
        case GoalKind.GENERATION:
            return _generation_seen(now, goal.number)
    if not status.observed:
        return False
    match goal.kind:
        case GoalKind.STEP:
            going = not status.aborted and (_updating(now) or _updating(base))
            return going and goal.number - 1 <= current_index(now) and _has_step(now, goal)
        case GoalKind.WEIGHT:
            weight = known_weight(now) if _updating(now) or _updating(base) else None
            return weight is not None and weight >= goal.number
        case GoalKind.REVISION:
            return revision_of(now.metadata) == goal.number
        case GoalKind.IMAGE:
            return goal.name in _images(now.spec.template)
    return False


# ------------------------------------------------------------------------------------------------


def _over(goal: Goal, now: Rollout, base: Rollout, another: bool) -> Verdict | None:
    """That `goal`, which does not hold, can no longer come, and why."""
    why, has = impossible(goal, now)
    if why:
        return Verdict(False, f"{why}, {has}" if goal.kind is GoalKind.PLUGIN else why)
    revision = revision_of(now.metadata)
    if goal.kind is GoalKind.REVISION and revision > goal.number:
        return Verdict(False, f"it is at revision {revision} already")
    if goal.kind in _OF_ANY_UPDATE:
        return None
    if another:
        return Verdict(False, "another version took its place", superseded=True)
    if goal.kind is GoalKind.PLUGIN and _updating(now):
        ended = "; ".join(_ends(now, goal))
        if ended:
            return Verdict(False, ended)
    status = status_of(now)
    wants_more = goal.kind not in _FAILURES and DEGRADED not in goal.phases
    if wants_more and status.phase == DEGRADED and not _reacting(now):
        return Verdict(False, cause(now) or status.message or "it is degraded")
    if is_complete(now) and not is_complete(base):
        return Verdict(False, "the update is complete and the rollout Healthy")
    return None


def _reacting(now: Rollout) -> bool:
    """The controller has not acted yet on an abort, a retry or a full promotion.

    Until it has, phase and conditions are those from before. Source: argo-rollouts,
    rollout/context.go, utils/rollout/rolloututil.go.
    """
    status = now.status
    return status.promote_full or status.abort == (status.aborted_at is None)


def _under_way(r: Rollout) -> bool:
    """An update that another template would take the place of."""
    return not is_complete(r) and not (r.status.abort and r.status.aborted_at is not None)


def _updating(r: Rollout) -> bool:
    return not is_fully_promoted(r)


def _generation_seen(now: Rollout, wanted: int) -> bool:
    if wanted == 0:
        return is_observed(now)
    text = now.status.observed_generation
    seen = is_generation_observed(now) if not text.isdigit() else int(text) >= wanted
    return seen and now.metadata.generation >= wanted


def _has_step(now: Rollout, goal: Goal) -> bool:
    return goal.number <= len(steps_of(now))


def _images(template: PodTemplate | None) -> set[str]:
    spec = template.spec if template is not None else None
    if spec is None:
        return set()
    return {item.image for item in (*(spec.containers or ()), *(spec.init_containers or ()))}


def _runs(r: Rollout, goal: Goal) -> list[PluginRun]:
    return [run for run in plugin_runs(r).values() if run.name == goal.name]


def _has(run: PluginRun, goal: Goal) -> bool:
    if not goal.phases:
        return run.disabled or run.phase in (SUCCESSFUL, FAILED)
    return run.disabled if "Disabled" in goal.phases else run.phase in goal.phases


def _ends(now: Rollout, goal: Goal) -> list[str]:
    """How each step of the plugin ended; nothing where one of them may still come to the goal."""
    found = []
    for run in _runs(now, goal):
        step = f"step {run.index + 1}"
        over = run.phase in (SUCCESSFUL, FAILED)
        if run.disabled:
            found.append(f"{step} was passed over: the plugin is disabled")
        elif over or run.abort is not None or run.terminate is not None:
            message = f": {run.message}" if run.message else ""
            stopped = "" if over else ", stopped"
            found.append(f"{step} is {run.phase or 'not run'}{stopped}{message}")
        elif current_index(now) > run.index:
            found.append(f"{step} was passed without it")
        else:
            return []
    return found
