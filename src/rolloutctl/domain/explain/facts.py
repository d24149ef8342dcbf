"""The facts of an explanation: causes with their evidence.

Data only: which sentence a fact becomes is for `rolloutctl.render` to say.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta

from msgspec import Struct

from rolloutctl.domain.explain.commands import Outcome
from rolloutctl.domain.facts import RolloutPicture
from rolloutctl.domain.plugins import PluginRun


class CauseKind(enum.StrEnum):
    """Why a rollout is as it is."""

    NOTHING = "nothing"
    """Nothing is wrong, and nothing is under way."""
    BEING_DELETED = "being-deleted"
    NO_CONTROLLER = "no-controller"
    """No controller has ever looked at it."""
    NOT_OBSERVED = "not-observed"
    """The controller has not seen the newest spec, or its workload's newest template, or has
    written no status yet."""
    INVALID_SPEC = "invalid-spec"
    ABORTING = "aborting"
    """An abort was asked for and is not yet carried out."""
    ABORTED_BY_PERSON = "aborted-by-person"
    ABORTED = "aborted"
    """The controller aborted it for a reason that is none of the others."""
    PLUGIN_FAILED = "plugin-failed"
    PLUGIN_ERROR = "plugin-error"
    """The current step's plugin errors; the controller calls it again and again."""
    PLUGIN_STUCK = "plugin-stuck"
    """It errored in a way after which the controller never calls it again."""
    PLUGIN_NOT_CONFIGURED = "plugin-not-configured"
    PLUGIN_RUNNING = "plugin-running"
    PLUGIN_PASSED_OVER = "plugin-passed-over"
    """A plugin of this update was disabled, so its step was not done."""
    ANALYSIS_FAILED = "analysis-failed"
    ANALYSIS_INCONCLUSIVE = "analysis-inconclusive"
    ANALYSIS_RUNNING = "analysis-running"
    EXPERIMENT_FAILED = "experiment-failed"
    EXPERIMENT_INCONCLUSIVE = "experiment-inconclusive"
    EXPERIMENT_RUNNING = "experiment-running"
    PODS_NOT_STARTING = "pods-not-starting"
    PODS_NOT_CREATED = "pods-not-created"
    """The API refuses the pods, or their ReplicaSet."""
    PODS_COMING = "pods-coming"
    """Pods that are needed are not available yet, and nothing is wrong with them so far."""
    OLD_PODS_ENDING = "old-pods-ending"
    DEADLINE = "deadline"
    """No progress for `progressDeadlineSeconds`, and nothing shows what holds it up."""
    RECONCILIATION_ERROR = "reconciliation-error"
    TRAFFIC = "traffic"
    """The router refused a weight, or the weight is not verified."""
    PAUSED_BY_PERSON = "paused-by-person"
    PAUSE_FOR_PERSON = "pause-for-person"
    PAUSE_TIMED = "pause-timed"
    PREVIEW_FOR_PERSON = "preview-for-person"
    """Blue-green: the new version waits beside the active one until somebody promotes it."""
    PREVIEW_COUNTDOWN = "preview-countdown"
    """Blue-green: `autoPromotionSeconds` run."""
    SWITCHING = "switching"
    """Blue-green: the active Service is about to go to the new version."""
    RESUMING = "resuming"
    RESTARTING = "restarting"
    PROMOTING_FULL = "promoting-full"
    STEP_UNDER_WAY = "step-under-way"
    SCALED_TO_ZERO = "scaled-to-zero"


class EndedBy(enum.StrEnum):
    """Who or what ends the present state."""

    NOBODY = "nobody"
    """There is nothing to end."""
    PERSON = "person"
    TIME = "time"
    PODS = "pods"
    PLUGIN = "plugin"
    ANALYSIS = "analysis"
    EXPERIMENT = "experiment"
    CONTROLLER = "controller"


class Limit(enum.StrEnum):
    """The limit of a metric that was passed."""

    FAILURE = "failureLimit"
    INCONCLUSIVE = "inconclusiveLimit"
    ERROR = "consecutiveErrorLimit"


class Measured(Struct, frozen=True):
    """One measurement; `number` is its value where it is one number, or a list of just one."""

    value: str
    phase: str
    number: float | None = None
    message: str = ""
    at: datetime | None = None


class MetricEvidence(Struct, frozen=True):
    """One metric: what it asks, how it judges, what it measured (the latest, oldest first).

    `provider` names the kind ("prometheus"), `query` what it is asked and `address` where, both
    with the arguments filled in as far as their values are known. Limits are None where they are
    no numbers. `passed` is the limit that decided against it. `threshold`: the number a result is
    compared with, where a condition is no more than that ("result >= 0.95").
    """

    name: str
    phase: str
    message: str = ""
    provider: str = ""
    query: str = ""
    address: str = ""
    success_condition: str = ""
    failure_condition: str = ""
    interval: str = ""
    count_limit: int | None = None
    failure_limit: int | None = None
    inconclusive_limit: int | None = None
    consecutive_error_limit: int | None = None
    count: int = 0
    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0
    consecutive_error: int = 0
    dry_run: bool = False
    passed: Limit | None = None
    threshold: float | None = None
    measurements: tuple[Measured, ...] = ()


class RunEvidence(Struct, frozen=True):
    """One analysis run. `type`: "Step", "Background", "PrePromotion", "PostPromotion", or "" for
    that of an experiment. `step_index` is 0-based. `terminated`: it was told to stop.
    """

    name: str
    type: str
    phase: str
    message: str = ""
    step_index: int | None = None
    created: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    terminated: bool = False
    metrics: tuple[MetricEvidence, ...] = ()


class TemplateEvidence(Struct, frozen=True):
    """One version an experiment runs."""

    name: str
    status: str
    message: str = ""
    replicas: int = 0
    available: int = 0


class ExperimentEvidence(Struct, frozen=True):
    """One experiment; `ends` when its duration is over, None if unknown or unbounded."""

    name: str
    phase: str
    message: str = ""
    step_index: int | None = None
    created: datetime | None = None
    available_at: datetime | None = None
    ends: datetime | None = None
    terminated: bool = False
    templates: tuple[TemplateEvidence, ...] = ()
    runs: tuple[RunEvidence, ...] = ()


class PodEvidence(Struct, frozen=True):
    """A pod that is not ready. `state` as in `PodFacts`.

    `last_end` says how its container ended before ("OOMKilled", "Error"), `exit_code` with what.
    `said`: what the cluster's events of this pod say.
    """

    name: str
    state: str
    message: str = ""
    container: str = ""
    image: str = ""
    restarts: int = 0
    created: datetime | None = None
    last_end: str = ""
    exit_code: int | None = None
    said: tuple[str, ...] = ()
    broken: bool = False
    """It does not merely need more time."""


class PodsEvidence(Struct, frozen=True):
    """The pods of one version that are missing: `available` of `wanted`; the broken ones first."""

    replica_set: str
    revision: int
    wanted: int
    available: int
    message: str = ""
    """Why pods cannot be created."""
    pods: tuple[PodEvidence, ...] = ()


class SpecEvidence(Struct, frozen=True):
    """What is invalid: `path` in the spec, the `value` there, the `detail`; "" if not named."""

    path: str = ""
    value: str = ""
    detail: str = ""


class Writer(Struct, frozen=True):
    """The client that last wrote a field, by the name it gave itself (`managedFields`).

    `at`: when it last wrote to the object; it may have written the field itself earlier.
    """

    client: str
    at: datetime | None = None


class EventFacts(Struct, frozen=True):
    """An event the controller wrote about the rollout; `last` is when it was last seen."""

    reason: str
    message: str
    warning: bool = False
    count: int = 1
    first: datetime | None = None
    last: datetime | None = None


class Deadline(Struct, frozen=True):
    """`progressDeadlineSeconds` as it concerns the present state.

    `strikes`: when it passes if nothing moves, None while the time does not count. `struck`: when
    it did. `aborts`: it aborts the update then. `stops_plugin`: the current step's plugin is not
    called any more once it has passed.
    Source: argo-rollouts, utils/conditions (RolloutTimedOut), rollout/stepplugin.go.
    """

    length: timedelta
    strikes: datetime | None = None
    struck: datetime | None = None
    aborts: bool = False
    stops_plugin: bool = False


class Cause(Struct, frozen=True):
    """One reason, with all that shows it; what does not apply is None or empty.

    `step` is 0-based: the step it concerns, even after the index went back to 0. `message` holds
    the controller's or the cluster's own words. `until`: when it ends by itself.
    """

    kind: CauseKind
    since: datetime | None = None
    until: datetime | None = None
    ended_by: EndedBy = EndedBy.CONTROLLER
    step: int | None = None
    message: str = ""
    plugin: PluginRun | None = None
    analysis: RunEvidence | None = None
    experiment: ExperimentEvidence | None = None
    pods: PodsEvidence | None = None
    spec: SpecEvidence | None = None
    events: tuple[EventFacts, ...] = ()
    writer: Writer | None = None


class Reached(Struct, frozen=True):
    """How far an update came that is at no step any more, as its events tell; 0-based.

    `index`: the step after the last one the controller reported as completed.
    """

    index: int
    count: int


class Explanation(Struct, frozen=True):
    """Why a rollout is as it is. `causes` is never empty; the first one is the answer."""

    picture: RolloutPicture
    causes: tuple[Cause, ...]
    outcomes: tuple[Outcome, ...] = ()
    deadline: Deadline | None = None
    events: tuple[EventFacts, ...] = ()
    """What the controller said of it, oldest first."""
    reached: Reached | None = None

    @property
    def cause(self) -> Cause:
        return self.causes[0]
