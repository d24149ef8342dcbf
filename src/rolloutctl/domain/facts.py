"""The facts a picture of a rollout is made of. Data only: no words, no symbols."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.refs import Ref
from rolloutctl.domain.status import Awaiting, Status
from rolloutctl.domain.steps import Step, StepProgress
from rolloutctl.domain.wire import Json, Rollout

if TYPE_CHECKING:
    from rolloutctl.domain.plugin_config import PluginConfiguration


class PodFacts(Struct, frozen=True):
    """`state` is the phase, or the reason it is not running ("ImagePullBackOff")."""

    name: str
    ready: bool
    state: str
    restarts: int = 0
    created: datetime | None = None
    message: str = ""


class ReplicaSetFacts(Struct, frozen=True):
    """One version's pods. `role` holds "stable", "canary", "active", "preview" as they apply.

    `state` is "Healthy", "Progressing", "ScaledDown" or "ReplicaFailure"; `revision` 0 when the
    object carries none; `pods` oldest first; `message` says why pods cannot be created.
    """

    name: str
    revision: int
    hash: str
    role: frozenset[str]
    desired: int
    current: int
    ready: int
    available: int
    images: tuple[str, ...] = ()
    created: datetime | None = None
    state: str = ""
    scale_down_deadline: datetime | None = None
    pods: tuple[PodFacts, ...] = ()
    message: str = ""


class WeightFacts(Struct, frozen=True):
    """The canary's share, in per cent of `maximum` (100, or `maxTrafficWeight`).

    `desired`: the setWeight in force; `set`: what the router was told, None without one;
    `actual`: what traffic the canary gets: the router's weight, or its share of the available
    pods. All None for blue-green. `router`: "" (by pods), "istio", "plugin NAME", several joined
    by ", "; `routes`: names of the objects it edits, where the spec names them. `stable`: the
    stable version's recorded weight. `verified`: None when nothing verifies.
    """

    desired: int | None = None
    set: int | None = None
    actual: int | None = None
    router: str = ""
    verified: bool | None = None
    stable: int | None = None
    maximum: int = 100
    routes: tuple[str, ...] = ()


class RouteFacts(Struct, frozen=True):
    """A route that a step added before all others: to the canary alone, or mirrored to it.

    `kind`: "header" or "mirror". `match` as in the step. `percentage`: of a mirror, None for all.
    """

    kind: str
    name: str
    match: tuple[Json, ...] = ()
    percentage: int | None = None


class ServiceFacts(Struct, frozen=True):
    """Which version a Service of a blue-green rollout selects; `revision` None where unknown."""

    name: str
    hash: str
    revision: int | None = None


class Stage(enum.StrEnum):
    """How far a blue-green update has come."""

    PREVIEW = "preview"
    """The new version's pods are coming, or are all there."""
    PRE_PROMOTION = "pre-promotion-analysis"
    PAUSED = "preview-paused"
    """Ready for the switch, which a person or a countdown makes."""
    SWITCHED = "switched"
    """The active Service selects the new version, which is not the stable one yet."""
    POST_PROMOTION = "post-promotion-analysis"


class BlueGreenFacts(Struct, frozen=True):
    """The Services of a blue-green rollout. `stage` is None where no update is under way.

    `preview_replicas`: the new version's pods before the switch, None where it has all of them.
    `astray`: aborted, and the active Service still selects the version that was aborted.
    """

    active: ServiceFacts
    preview: ServiceFacts | None = None
    stage: Stage | None = None
    preview_replicas: int | None = None
    astray: bool = False


class PingPongFacts(Struct, frozen=True):
    """Which of the two Services that take turns is the stable one: `stable` is "ping" or "pong"."""

    stable: str
    stable_service: str
    canary_service: str


class MetricFacts(Struct, frozen=True):
    """One metric of an analysis run; `values` are the latest measurements, oldest first.

    The conditions and limits are those of its spec, as written; None and "" where it has none.
    `count_limit`: how often it is to be measured.
    """

    name: str
    phase: str
    message: str = ""
    values: tuple[str, ...] = ()
    count: int = 0
    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0
    dry_run: bool = False
    success_condition: str = ""
    failure_condition: str = ""
    count_limit: int | str | None = None
    failure_limit: int | str | None = None
    inconclusive_limit: int | str | None = None
    consecutive_error_limit: int | str | None = None


class AnalysisFacts(Struct, frozen=True):
    """One analysis run of the rollout. `phase` is "" before its first reconcile.

    `type`: "Step", "Background", "PrePromotion", "PostPromotion" or "". `step_index` is 0-based.
    `current`: it belongs to the version now being rolled out.
    """

    name: str
    phase: str
    message: str = ""
    type: str = ""
    step_index: int | None = None
    revision: int = 0
    hash: str = ""
    current: bool = False
    created: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    metrics: tuple[MetricFacts, ...] = ()


class ExperimentFacts(Struct, frozen=True):
    """One experiment. `duration`: counted from `available_at`, when all its pods were there.

    `ends`: when that is over; None where it has no duration, has not begun, or has ended.
    """

    name: str
    phase: str
    message: str = ""
    step_index: int | None = None
    revision: int = 0
    hash: str = ""
    current: bool = False
    created: datetime | None = None
    replica_sets: tuple[ReplicaSetFacts, ...] = ()
    duration: timedelta | None = None
    available_at: datetime | None = None
    ends: datetime | None = None


class RunUnderWay(Struct, frozen=True):
    """An analysis run or experiment that the status says is not finished.

    `kind`: "AnalysisRun" or "Experiment"; `type` as in AnalysisFacts, "Step" of an experiment.
    """

    kind: str
    name: str
    type: str


class ActionName(enum.StrEnum):
    """Named as the command that does it."""

    PROMOTE = "promote"
    PROMOTE_FULL = "promote --full"
    RESUME = "resume"
    ABORT = "abort"
    RETRY = "retry"


class NextAction(Struct, frozen=True):
    """What an action would do from here, as far as the object tells. Indexes are 0-based.

    `to_index`: the step the rollout would go on from (the number of steps: past the last one),
    None where steps play no part. `to_step`: that step. `passes_over`: steps of disabled plugins
    that are passed on the way. `skips`: steps that would not be done, the current one included
    when it is still at work. `terminates`, `aborts`: plugin calls that follow, in the controller's
    order. `to_revision`: the revision that gets all pods (promote --full, abort), None if unknown.
    `completes`: it ends the update. `needs_force`: it ships a version that was aborted.
    `switches`: the blue-green Service that would select the new version at once. `analysis_again`:
    an inconclusive analysis or experiment starts anew. `skips_analysis`: a blue-green analysis is
    not waited for. `ends`: the runs under way that are terminated.
    """

    action: ActionName
    to_index: int | None = None
    to_step: Step | None = None
    passes_over: tuple[int, ...] = ()
    skips: tuple[int, ...] = ()
    terminates: PluginRun | None = None
    aborts: tuple[PluginRun, ...] = ()
    to_revision: int | None = None
    completes: bool = False
    needs_force: bool = False
    switches: str = ""
    analysis_again: bool = False
    skips_analysis: bool = False
    ends: tuple[RunUnderWay, ...] = ()


class RolloutPicture(Struct, frozen=True):
    """Everything known of one rollout at one moment.

    `images_from` is empty unless an update is under way. `failed_step` (0-based) is the step an
    abort came from, None when nothing shows one. `cause` says why it is aborted or degraded, in
    the controller's words, "" when a person aborted it or nothing is wrong.
    `replica_sets` and `analysis_runs` have the highest revision first. `workload`: what holds the
    pod template ("Deployment/checkout"), "" where the rollout has its own; `images_to` is empty
    while the controller has not seen that template. `routes`: those that steps added and that hold.
    """

    ref: Ref
    rollout: Rollout
    status: Status
    strategy: str
    revision: int
    stable_revision: int | None
    images_from: tuple[str, ...]
    images_to: tuple[str, ...]
    weights: WeightFacts
    steps: tuple[StepProgress, ...]
    replica_sets: tuple[ReplicaSetFacts, ...] = ()
    analysis_runs: tuple[AnalysisFacts, ...] = ()
    experiments: tuple[ExperimentFacts, ...] = ()
    failed_step: int | None = None
    cause: str = ""
    plugin_config: PluginConfiguration | None = None
    pending_restart: bool = False
    next_actions: tuple[NextAction, ...] = ()
    blue_green: BlueGreenFacts | None = None
    ping_pong: PingPongFacts | None = None
    routes: tuple[RouteFacts, ...] = ()
    workload: str = ""


Place = tuple[str, Ref]
"""A rollout of a list: what its cluster is called there, and which one of that cluster it is."""


class RolloutRow(Struct, frozen=True, array_like=True):
    """One line of a list, from the rollout alone.

    `step_index` is 0-based and None without steps; the number of steps when all are done. `step`
    and `plugin_phase` are of the current step. `weight` is what the router was told, else the
    setWeight in force. `images_from` is always empty: the rollout does not name the old images;
    so is `images_to` where a `workload` holds the template. `ends`: when the pause that is running
    ends by itself. `stage`: of a blue-green update. `cluster`: what a list of several clusters
    calls the one it is of, else "".
    """

    ref: Ref
    phase: str
    message: str
    since: datetime | None
    step_index: int | None
    step_count: int
    step: Step | None
    plugin_phase: str
    weight: int | None
    ready: int
    desired: int
    images_from: tuple[str, ...]
    images_to: tuple[str, ...]
    strategy: str
    awaiting: Awaiting | None
    revision: int
    aborted: bool = False
    failed_step: int | None = None
    created: datetime | None = None
    ends: datetime | None = None
    stage: Stage | None = None
    workload: str = ""
    cluster: str = ""
    labels: dict[str, str] = {}

    @property
    def place(self) -> Place:
        """What tells it from every other row of a list."""
        return (self.cluster, self.ref)
