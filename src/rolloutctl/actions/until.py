"""What a person waits for, and whether it has come or can no longer come."""

from __future__ import annotations

import difflib
import enum
import re

import msgspec

from rolloutctl.domain.status import is_complete
from rolloutctl.domain.steps import current_index, steps_of
from rolloutctl.domain.tree import RolloutPicture
from rolloutctl.errors import UsageError

PHASES = ("Healthy", "Degraded", "Progressing", "Paused")
FORMS = (
    "healthy",
    "done",
    "paused",
    "awaiting",
    "aborted",
    "degraded",
    "deleted",
    "step=N",
    "phase=PHASE",
    "plugin=NAME[:PHASE]",
)
_PLUGIN_PHASES = ("Running", "Successful", "Failed", "Error", "Disabled")


class Goal(enum.StrEnum):
    HEALTHY = "healthy"
    DONE = "done"
    """The update is over: fully promoted and healthy."""
    PAUSED = "paused"
    AWAITING = "awaiting"
    """A person has to do something."""
    ABORTED = "aborted"
    DEGRADED = "degraded"
    DELETED = "deleted"
    STEP = "step"
    PHASE = "phase"
    PLUGIN = "plugin"


class Until(msgspec.Struct, frozen=True):
    """One goal. `step` counts from 1, as people do."""

    goal: Goal
    step: int = 0
    phase: str = ""
    plugin: str = ""

    def __str__(self) -> str:
        match self.goal:
            case Goal.STEP:
                return f"step={self.step}"
            case Goal.PHASE:
                return f"phase={self.phase}"
            case Goal.PLUGIN:
                return f"plugin={self.plugin}" + (f":{self.phase}" if self.phase else "")
        return self.goal.value


class Verdict(msgspec.Struct, frozen=True):
    """That a wait is over: reached, or that it can no longer be reached and why."""

    reached: bool
    reason: str = ""


def parse_until(text: str) -> Until:
    """The goal that `--until TEXT` names. Raises UsageError, listing what there is."""
    word, equals, value = text.strip().partition("=")
    key = word.strip().lower()
    value = value.strip()
    if not equals:
        if key in (goal.value for goal in Goal) and key not in ("step", "phase", "plugin"):
            return Until(Goal(key))
        phase = {name.lower(): name for name in PHASES}.get(key)
        if phase:
            return Until(Goal.PHASE, phase=phase)
    elif key == "step":
        if not re.fullmatch(r"[0-9]{1,6}", value) or int(value) == 0:
            raise UsageError(
                f'--until step={value}: "{value}" is no step', hint="steps count from 1: step=3"
            )
        return Until(Goal.STEP, step=int(value))
    elif key == "phase":
        return Until(Goal.PHASE, phase=known_phase(value))
    elif key == "plugin" and value:
        name, _, phase = value.partition(":")
        known = {item.lower(): item for item in _PLUGIN_PHASES}
        if phase and phase.lower() not in known:
            raise UsageError(
                f'--until plugin={value}: no plugin has the phase "{phase}"',
                hint=f"known phases: {', '.join(_PLUGIN_PHASES)}",
            )
        return Until(Goal.PLUGIN, plugin=name, phase=known.get(phase.lower(), ""))
    near = difflib.get_close_matches(key, [form.partition("=")[0] for form in FORMS], n=1)
    hints = [f"did you mean {near[0]}?"] if near else []
    raise UsageError(f"--until {text}: not known", hint=[*hints, f"known: {', '.join(FORMS)}"])


def known_phase(text: str) -> str:
    """The phase as the controller spells it. Raises UsageError, listing the phases."""
    for phase in PHASES:
        if text.strip().lower() == phase.lower():
            return phase
    near = difflib.get_close_matches(text.strip().capitalize(), PHASES, n=1)
    hints = [f"did you mean {near[0]}?"] if near else []
    raise UsageError(
        f'no rollout has the phase "{text}"', hint=[*hints, f"known: {', '.join(PHASES)}"]
    )


def check(until: Until, picture: RolloutPicture) -> None:
    """Raises UsageError for a goal that this rollout cannot have: a step or plugin it lacks."""
    steps = steps_of(picture.rollout)
    if until.goal is Goal.STEP and until.step > len(steps):
        raise UsageError(
            f"--until {until}: {picture.ref} has {len(steps) or 'no'} steps",
            hint="--until done waits for the end of the update",
        )
    if until.goal is Goal.PLUGIN:
        names = [item.plugin.name for item in picture.steps if item.plugin is not None]
        if until.plugin not in names:
            listed = ", ".join(dict.fromkeys(names))
            raise UsageError(
                f"--until {until}: {picture.ref} has no step of that plugin",
                hint=f"its plugins: {listed}" if listed else "it has no plugin steps",
            )


def judge(until: Until, now: RolloutPicture, first: RolloutPicture) -> Verdict | None:
    """Whether `until` holds for `now`, or can no longer come true since `first` was seen.

    None: go on waiting. A rollout that the controller has not observed yet is judged by nothing
    but what its phase says, which is then Progressing; so is an abort it has not acted on yet.
    """
    if _holds(until, now, first):
        return Verdict(True)
    status = now.status
    if not status.observed:
        return None
    wants_progress = until.goal in (Goal.HEALTHY, Goal.DONE, Goal.STEP, Goal.PLUGIN) or (
        until.goal is Goal.PHASE and until.phase == "Healthy"
    )
    if wants_progress and status.phase == "Degraded":
        return Verdict(False, now.cause or status.message or "it is degraded")
    ended = status.phase == "Healthy" and is_complete(now.rollout)
    if ended and first.status.phase != "Healthy" and until.goal is not Goal.DELETED:
        return Verdict(False, "the update is complete and the rollout Healthy")
    return None


def _holds(until: Until, now: RolloutPicture, first: RolloutPicture) -> bool:
    status = now.status
    match until.goal:
        case Goal.HEALTHY:
            return status.phase == "Healthy"
        case Goal.DONE:
            return status.phase == "Healthy" and is_complete(now.rollout)
        case Goal.PAUSED:
            return status.phase == "Paused"
        case Goal.AWAITING:
            return status.awaiting is not None
        case Goal.ABORTED:
            return status.aborted
        case Goal.DEGRADED:
            return status.phase == "Degraded"
        case Goal.PHASE:
            return status.phase == until.phase
        case Goal.STEP:
            return (
                status.observed
                and not status.aborted
                and not _idle(now, first)
                and current_index(now.rollout) >= until.step - 1
            )
        case Goal.PLUGIN:
            return any(_plugin_phase(now, index, until) for index in range(len(now.steps)))
    return False


def _idle(now: RolloutPicture, first: RolloutPicture) -> bool:
    """No update was under way at the start, and none has come: a step of the next is waited for."""
    return (
        is_complete(first.rollout)
        and is_complete(now.rollout)
        and first.rollout.status.current_pod_hash == now.rollout.status.current_pod_hash
    )


def _plugin_phase(now: RolloutPicture, index: int, until: Until) -> bool:
    run = now.steps[index].plugin
    if run is None or run.name != until.plugin:
        return False
    if until.phase == "Disabled":
        return run.disabled
    if not until.phase:
        return run.disabled or run.phase in ("Successful", "Failed")
    return run.phase == until.phase
