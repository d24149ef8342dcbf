"""The few API fields the tool reads, as typed structs that decode straight from bytes.

Every field has a default: what the cluster leaves out is the Go zero value, as the controller's
own code sees it. Unknown fields are skipped unread, so a page of rollouts costs only what is shown.
A mistyped field makes msgspec refuse the object (`msgspec.ValidationError`); the reader in
`rolloutctl.kube` then reports just that object.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

IntOrString = int | str
Json = dict[str, Any]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""Always with an offset, as RFC 3339 asks: moments without one cannot be compared."""


class Wire(msgspec.Struct, rename="camel", kw_only=True):
    """Base: camelCase on the wire, snake_case here."""


class OwnerReference(Wire):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Metadata(Wire):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None


class Condition(Wire):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_update_time: Time | None = None
    last_transition_time: Time | None = None


# --- pods and templates -------------------------------------------------------------------------


class Container(Wire):
    name: str = ""
    image: str = ""


class PodSpec(Wire):
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None


class TemplateMetadata(Wire):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class PodTemplate(Wire):
    metadata: TemplateMetadata | None = None
    spec: PodSpec | None = None


class LabelSelectorRequirement(Wire):
    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class LabelSelector(Wire):
    match_labels: dict[str, str] | None = None
    match_expressions: list[LabelSelectorRequirement] | None = None


class ContainerStateDetail(Wire):
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started_at: Time | None = None


class ContainerState(Wire):
    waiting: ContainerStateDetail | None = None
    terminated: ContainerStateDetail | None = None
    running: ContainerStateDetail | None = None


class ContainerStatus(Wire):
    name: str = ""
    ready: bool = False
    restart_count: int = 0
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodStatus(Wire):
    phase: str = ""
    reason: str = ""
    message: str = ""
    start_time: Time | None = None
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class Pod(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: PodSpec | None = None
    status: PodStatus = msgspec.field(default_factory=PodStatus)


# --- ReplicaSets and Deployments ----------------------------------------------------------------


class ReplicaSetSpec(Wire):
    replicas: int = 0
    template: PodTemplate | None = None


class ReplicaSetStatus(Wire):
    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    observed_generation: int = 0
    conditions: list[Condition] | None = None


class ReplicaSet(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: ReplicaSetSpec = msgspec.field(default_factory=ReplicaSetSpec)
    status: ReplicaSetStatus = msgspec.field(default_factory=ReplicaSetStatus)


class DeploymentSpec(Wire):
    replicas: int = 1
    selector: LabelSelector | None = None
    template: PodTemplate | None = None


class DeploymentStatus(Wire):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    conditions: list[Condition] | None = None


class Deployment(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: DeploymentSpec = msgspec.field(default_factory=DeploymentSpec)
    status: DeploymentStatus = msgspec.field(default_factory=DeploymentStatus)


# --- Rollout ------------------------------------------------------------------------------------


class PauseStep(Wire):
    duration: IntOrString | None = None


class CanaryScaleStep(Wire):
    replicas: int | None = None
    weight: int | None = None
    match_traffic_weight: bool = False


class PluginStep(Wire):
    name: str = ""
    config: Any = None


class TemplateRef(Wire):
    template_name: str = ""
    cluster_scope: bool = False


class AnalysisStep(Wire):
    templates: list[TemplateRef] | None = None


class ExperimentStep(Wire):
    duration: str = ""


class NamedRouteStep(Wire):
    name: str = ""
    percentage: int | None = None
    match: list[Json] | None = None


class CanaryStep(Wire):
    """One entry of `spec.strategy.canary.steps`, as written."""

    set_weight: int | None = None
    pause: PauseStep | None = None
    set_canary_scale: CanaryScaleStep | None = None
    plugin: PluginStep | None = None
    analysis: AnalysisStep | None = None
    experiment: ExperimentStep | None = None
    set_header_route: NamedRouteStep | None = None
    set_mirror_route: NamedRouteStep | None = None


class PingPong(Wire):
    ping_service: str = ""
    pong_service: str = ""


class Canary(Wire):
    steps: list[CanaryStep] | None = None
    max_surge: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    stable_service: str = ""
    canary_service: str = ""
    ping_pong: PingPong | None = None
    traffic_routing: Json | None = None
    dynamic_stable_scale: bool = False
    analysis: Json | None = None


class BlueGreen(Wire):
    active_service: str = ""
    preview_service: str = ""
    auto_promotion_enabled: bool | None = None
    auto_promotion_seconds: int = 0
    preview_replica_count: int | None = None
    pre_promotion_analysis: Json | None = None
    post_promotion_analysis: Json | None = None


class Strategy(Wire):
    canary: Canary | None = None
    blue_green: BlueGreen | None = None


class WorkloadRef(Wire):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    scale_down: str = ""


class RollbackWindow(Wire):
    revisions: int = 0


class RolloutSpec(Wire):
    replicas: int | None = None
    paused: bool = False
    restart_at: Time | None = None
    selector: LabelSelector | None = None
    strategy: Strategy = msgspec.field(default_factory=Strategy)
    template: PodTemplate | None = None
    workload_ref: WorkloadRef | None = None
    progress_deadline_seconds: int | None = None
    progress_deadline_abort: bool = False
    revision_history_limit: int | None = None
    rollback_window: RollbackWindow | None = None


class PauseCondition(Wire):
    reason: str = ""
    start_time: Time | None = None


class AnalysisRunRef(Wire):
    name: str = ""
    status: str = ""
    message: str = ""


class StepPluginStatus(Wire):
    """One record of `status.canary.stepPluginStatuses`; unique by index and operation."""

    index: int = 0
    name: str = ""
    operation: str = ""
    phase: str = ""
    message: str = ""
    started_at: Time | None = None
    updated_at: Time | None = None
    finished_at: Time | None = None
    backoff: str = ""
    executions: int = 0
    disabled: bool = False
    status: Any = None


class Weight(Wire):
    weight: int = 0
    service_name: str = ""
    pod_template_hash: str = ""


class Weights(Wire):
    canary: Weight = msgspec.field(default_factory=Weight)
    stable: Weight = msgspec.field(default_factory=Weight)
    additional: list[Weight] | None = None
    verified: bool | None = None


class CanaryStatus(Wire):
    weights: Weights | None = None
    step_plugin_statuses: list[StepPluginStatus] | None = None
    current_step_analysis_run_status: AnalysisRunRef | None = None
    current_background_analysis_run_status: AnalysisRunRef | None = None
    current_experiment: str = ""
    stable_ping_pong: str = ""


class BlueGreenStatus(Wire):
    active_selector: str = ""
    preview_selector: str = ""
    scale_up_preview_check_point: bool = False
    pre_promotion_analysis_run_status: AnalysisRunRef | None = None
    post_promotion_analysis_run_status: AnalysisRunRef | None = None


class StatusDuration(Wire):
    completion_status: str = ""


class RolloutStatus(Wire):
    observed_generation: str = ""
    workload_observed_generation: str = ""
    phase: str = ""
    message: str = ""
    current_pod_hash: str = ""
    stable_rs: str = msgspec.field(default="", name="stableRS")
    current_step_hash: str = ""
    current_step_index: int | None = None
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    pause_conditions: list[PauseCondition] | None = None
    controller_pause: bool = False
    abort: bool = False
    aborted_at: Time | None = None
    promote_full: bool = False
    restarted_at: Time | None = None
    selector: str = ""
    conditions: list[Condition] | None = None
    canary: CanaryStatus = msgspec.field(default_factory=CanaryStatus)
    blue_green: BlueGreenStatus = msgspec.field(default_factory=BlueGreenStatus)
    duration: StatusDuration = msgspec.field(default_factory=StatusDuration)


class Rollout(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: RolloutSpec = msgspec.field(default_factory=RolloutSpec)
    status: RolloutStatus = msgspec.field(default_factory=RolloutStatus)


# --- analysis, experiments, events, configuration -----------------------------------------------


class Measurement(Wire):
    phase: str = ""
    value: str = ""
    message: str = ""
    started_at: Time | None = None
    finished_at: Time | None = None


class MetricResult(Wire):
    name: str = ""
    phase: str = ""
    message: str = ""
    count: int = 0
    successful: int = 0
    failed: int = 0
    inconclusive: int = 0
    error: int = 0
    dry_run: bool = False
    measurements: list[Measurement] | None = None


class AnalysisRunStatus(Wire):
    phase: str = ""
    message: str = ""
    started_at: Time | None = None
    completed_at: Time | None = None
    metric_results: list[MetricResult] | None = None


class AnalysisRun(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    status: AnalysisRunStatus = msgspec.field(default_factory=AnalysisRunStatus)


class ExperimentStatus(Wire):
    phase: str = ""
    message: str = ""


class Experiment(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    status: ExperimentStatus = msgspec.field(default_factory=ExperimentStatus)


class ObjectReference(Wire):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class Event(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    involved_object: ObjectReference = msgspec.field(default_factory=ObjectReference)
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int | None = None
    first_timestamp: Time | None = None
    last_timestamp: Time | None = None
    event_time: Time | None = None


class ConfigMap(Wire):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    data: dict[str, str] | None = None
