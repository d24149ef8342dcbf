"""What a person waits for: the one grammar of `watch --until` and `wait --for`."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Iterable

import msgspec

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
    "generation[=N]",
    "step=N",
    "weight=N",
    "revision=N",
    "phase=PHASE[,PHASE]",
    "plugin=NAME[:PHASE]",
    "image=IMAGE",
    "condition=TYPE[=STATUS]",
)
PLUGIN_PHASES = ("Running", "Successful", "Failed", "Error", "Disabled")


class GoalKind(enum.StrEnum):
    HEALTHY = "healthy"
    DONE = "done"
    """The update is over: fully promoted and healthy."""
    PAUSED = "paused"
    AWAITING = "awaiting"
    """A person has to do something."""
    ABORTED = "aborted"
    DEGRADED = "degraded"
    DELETED = "deleted"
    GENERATION = "generation"
    """The controller has observed the spec, and the template of a workload it refers to."""
    STEP = "step"
    WEIGHT = "weight"
    REVISION = "revision"
    PHASE = "phase"
    PLUGIN = "plugin"
    IMAGE = "image"
    CONDITION = "condition"


_BARE = frozenset(
    {
        *(GoalKind.HEALTHY, GoalKind.DONE, GoalKind.PAUSED, GoalKind.AWAITING, GoalKind.ABORTED),
        *(GoalKind.DEGRADED, GoalKind.DELETED, GoalKind.GENERATION),
    }
)
_NUMBERED = {
    GoalKind.STEP: (1, "steps count from 1: step=3"),
    GoalKind.WEIGHT: (0, "the canary's share of the traffic, as weight=50"),
    GoalKind.REVISION: (1, "revisions count from 1: revision=5"),
    GoalKind.GENERATION: (1, "metadata.generation, as generation=12; without =N the present one"),
}
"""The least number of each, and what to say to a worse one."""


class Goal(msgspec.Struct, frozen=True):
    """One state to wait for.

    `number`: of a step (from 1, as people count), a weight, a revision, a generation (0: the
    present one). `phases`: any of them; of a plugin or a condition (its status) at most one.
    `name`: of a plugin, an image, or a condition's type.
    """

    kind: GoalKind
    number: int = 0
    phases: tuple[str, ...] = ()
    name: str = ""

    def __str__(self) -> str:
        match self.kind:
            case GoalKind.STEP | GoalKind.WEIGHT | GoalKind.REVISION:
                return f"{self.kind}={self.number}"
            case GoalKind.GENERATION:
                return f"generation={self.number}" if self.number else "generation"
            case GoalKind.PHASE:
                return f"phase={','.join(self.phases)}"
            case GoalKind.PLUGIN:
                return f"plugin={self.name}" + "".join(f":{phase}" for phase in self.phases)
            case GoalKind.CONDITION:
                return f"condition={self.name}" + "".join(f"={status}" for status in self.phases)
            case GoalKind.IMAGE:
                return f"image={self.name}"
        return self.kind.value


def parse_goal(text: str, option: str = "--until") -> Goal:
    """The goal that `option` names with `text`. Raises UsageError, listing what there is."""
    word, equals, value = text.strip().partition("=")
    key = word.strip().lower()
    value = value.strip()
    kind = {each.value: each for each in GoalKind}.get(key)
    if not equals:
        if kind is not None and kind in _BARE:
            return Goal(kind)
        phase = {name.lower(): name for name in PHASES}.get(key)
        if phase:
            return Goal(GoalKind.PHASE, phases=(phase,))
    elif kind is not None and kind in _NUMBERED:
        least, hint = _NUMBERED[kind]
        if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < least:
            raise UsageError(f'{option} {kind}={value}: "{value}" is no {kind}', hint=hint)
        return Goal(kind, int(value))
    elif kind is GoalKind.PHASE:
        # Nothing at all is an unknown phase too.
        named = [part for part in value.split(",") if part.strip()] or [value]
        return Goal(kind, phases=tuple(dict.fromkeys(known_phase(part) for part in named)))
    elif kind is GoalKind.PLUGIN and value:
        return _plugin(value, option)
    elif kind is GoalKind.IMAGE and value:
        return Goal(kind, name=value)
    elif kind is GoalKind.CONDITION and value:
        name, _, status = value.partition("=")
        return Goal(kind, name=name, phases=(status or "True",))
    known = [form.partition("=")[0].partition("[")[0] for form in FORMS]
    near = difflib.get_close_matches(key, known, n=1)
    hints = [f"did you mean {near[0]}?"] if near and near[0] != key else []
    raise UsageError(f"{option} {text}: not known", hint=[*hints, f"known: {', '.join(FORMS)}"])


def _plugin(value: str, option: str) -> Goal:
    name, _, phase = value.partition(":")
    known = {item.lower(): item for item in PLUGIN_PHASES}
    if phase and phase.lower() not in known:
        raise UsageError(
            f'{option} plugin={value}: no plugin has the phase "{phase}"',
            hint=f"known phases: {', '.join(PLUGIN_PHASES)}",
        )
    return Goal(GoalKind.PLUGIN, name=name, phases=(known[phase.lower()],) if phase else ())


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


def spoken(goals: Iterable[Goal]) -> str:
    """ "healthy or awaiting"."""
    return " or ".join(str(goal) for goal in goals)
