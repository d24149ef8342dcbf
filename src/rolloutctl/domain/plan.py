"""How an update of a rollout goes, as a rehearsal on a simulated controller has shown it.

All times are seconds since the update began, and nominal: a person acts at once, and a plugin or
an analysis of which nothing is known takes as long as is assumed (`…_assumed`).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from msgspec import Struct

from rolloutctl.domain.refs import Ref
from rolloutctl.domain.steps import Step


class Ending(enum.StrEnum):
    """What became of the update."""

    PROMOTED = "promoted"
    ABORTED = "aborted"
    STUCK = "stuck"
    """It waits at a step and nothing it does by itself will change that."""
    LONG = "long"
    """It was still under way when the rehearsal gave up."""


class StepResult(enum.StrEnum):
    DONE = "done"
    FAILED = "failed"
    """The update was aborted at it."""
    WAITING = "waiting"
    """The update never left it."""
    AHEAD = "ahead"
    """The update never came to it."""


class Pods(Struct, frozen=True):
    desired: int = 0
    available: int = 0


class PlannedPause(Struct, frozen=True):
    """`seconds` is None for one that a person ends. It begins with a whole second, so it may be
    up to one shorter than it says.
    """

    seconds: float | None = None
    shortest_seconds: float | None = None
    longest_seconds: float | None = None


class PlannedPlugin(Struct, frozen=True):
    """`outcome` is "Successful", "Failed", "Error", "Disabled", or "Missing" for a plugin that is
    not configured; `duration_seconds` how long it runs. `phase`, `message` and `calls` are of the
    record of its Run calls.
    """

    name: str
    outcome: str
    outcome_assumed: bool
    duration_seconds: float
    duration_assumed: bool
    phase: str = ""
    message: str = ""
    calls: int = 0


class PlannedCall(Struct, frozen=True):
    """An Abort or Terminate call of the plugin of a step (0-based)."""

    index: int
    name: str
    phase: str
    message: str = ""


class PlannedAbort(Struct, frozen=True):
    """What an abort at a step would do: the Abort calls in the controller's order, the pods it
    finds, and how long it takes until the stable version is whole, the canary's pods are gone
    (None: they stay), and what routes the traffic gives all of it to the stable version (None
    without a router).
    """

    calls: tuple[PlannedCall, ...]
    canary: Pods
    stable: Pods
    stable_seconds: float | None = None
    canary_seconds: float | None = None
    traffic_seconds: float | None = None
    phase: str = ""
    message: str = ""


class PlannedMetric(Struct, frozen=True):
    name: str
    assumed: bool = True


class PlannedRun(Struct, frozen=True):
    """An AnalysisRun or Experiment; `role` is "Step", "Background", "PrePromotion", … or ""."""

    kind: str
    name: str
    role: str
    index: int | None
    at: float
    ends: float | None = None
    phase: str = ""
    message: str = ""
    metrics: tuple[PlannedMetric, ...] = ()


class PlannedStep(Struct, frozen=True):
    """A step of a canary, or a stage of a blue-green update.

    `kind` is the key of the step in the spec ("setWeight"), or "preview", "prePromotionAnalysis",
    "pause", "switch", "postPromotionAnalysis". Weight and pods are those with which it was left;
    `weight` is the setWeight in force, `traffic` what a router (or the active Service) gives the
    new version, None without one. `person` is the reason for which somebody had to act, "" if
    nobody had.
    """

    index: int
    kind: str
    text: str
    result: StepResult
    at: float | None = None
    ends: float | None = None
    weight: int | None = None
    traffic: int | None = None
    canary: Pods | None = None
    stable: Pods | None = None
    person: str = ""
    pause: PlannedPause | None = None
    plugin: PlannedPlugin | None = None
    abort: PlannedAbort | None = None


class Sample(Struct, frozen=True):
    """How things stood from `at` until the next one."""

    at: float
    index: int | None
    phase: str
    weight: int | None
    traffic: int | None
    canary: Pods
    stable: Pods


class Person(Struct, frozen=True):
    """A moment at which the update waits for somebody."""

    at: float
    index: int
    reason: str


class PlannedEvent(Struct, frozen=True):
    """An event the controller would write."""

    at: float
    type: str
    reason: str
    message: str


class Note(Struct, frozen=True):
    """What was assumed, left out or stubbed: "stubbed" (with `kind` and `name`), "held" (the
    manifest says `paused: true`), "router" (`name` is not simulated).
    """

    note: str
    kind: str = ""
    name: str = ""


class Rehearsed(Struct, frozen=True):
    """The facts as the rehearsal gives them."""

    strategy: str
    namespace: str
    name: str
    replicas: int
    images_from: tuple[str, ...]
    images_to: tuple[str, ...]
    """Empty when no image was named, and a new version was assumed."""
    result: Ending
    phase: str
    message: str
    seconds: float | None
    """Until it is promoted or aborted."""
    settled_seconds: float | None
    """Until the pods of the other version are gone too."""
    routed: bool
    peak_pods: int
    pod_ready_seconds: float
    steps: tuple[PlannedStep, ...]
    samples: tuple[Sample, ...]
    runs: tuple[PlannedRun, ...]
    aborts: tuple[PlannedCall, ...]
    terminates: tuple[PlannedCall, ...]
    persons: tuple[Person, ...]
    events: tuple[PlannedEvent, ...]
    notes: tuple[Note, ...]


class Plan(Struct, frozen=True):
    """A rehearsed update. `canary_steps` are the steps of the spec; empty for blue-green."""

    rehearsed: Rehearsed
    canary_steps: tuple[Step, ...] = ()

    @property
    def ref(self) -> Ref:
        return Ref(self.rehearsed.namespace, self.rehearsed.name)

    @property
    def runs_of(self) -> dict[int, tuple[PlannedRun, ...]]:
        """The runs of each step, by its index."""
        found: dict[int, tuple[PlannedRun, ...]] = {}
        for run in self.rehearsed.runs:
            if run.index is not None:
                found[run.index] = (*found.get(run.index, ()), run)
        return found

    @property
    def pauses(self) -> Pauses:
        return summary_of_pauses(self.rehearsed.steps)

    @property
    def assumed_plugins(self) -> tuple[str, ...]:
        """The plugins of which an outcome or a duration had to be assumed, each once."""
        names = [
            step.plugin.name
            for step in self.rehearsed.steps
            if step.plugin is not None
            and (step.plugin.outcome_assumed or step.plugin.duration_assumed)
        ]
        return tuple(dict.fromkeys(names))


class Pauses(Struct, frozen=True):
    """The pauses of a plan: steps by their index, lengths in seconds."""

    timed: int
    total_seconds: float
    longest: tuple[int, float] | None
    shortest: tuple[int, float] | None
    unbounded: tuple[int, ...]
    """The steps at which it waits for a person."""


def summary_of_pauses(steps: Sequence[PlannedStep]) -> Pauses:
    """Which pause is the longest and the shortest (the first of equals), which have no end."""
    timed = [
        (step.index, step.pause.seconds)
        for step in steps
        if step.pause is not None and step.pause.seconds is not None
    ]
    return Pauses(
        timed=len(timed),
        total_seconds=sum(seconds for _, seconds in timed),
        longest=max(timed, key=lambda each: each[1], default=None),
        shortest=min(timed, key=lambda each: each[1], default=None),
        unbounded=tuple(
            step.index for step in steps if step.pause is not None and step.pause.seconds is None
        ),
    )
