"""What only an explanation reads of the API's objects: the rest of the program does not pay for it.

The structs extend those of `rolloutctl.domain.wire`, so whatever takes one of those takes these.
"""

from __future__ import annotations

from typing import Any

import msgspec

from rolloutctl.domain.wire import (
    AnalysisRun,
    AnalysisRunStatus,
    Condition,
    Event,
    Experiment,
    ExperimentStatus,
    IntOrString,
    Json,
    Measurement,
    MetricResult,
    Time,
    Wire,
)

# --- analysis runs ------------------------------------------------------------------------------


class Argument(Wire):
    """`value` is absent where it comes from a Secret."""

    name: str = ""
    value: str | None = None
    value_from: Json | None = None


class Metric(Wire):
    """One entry of `spec.metrics`. A limit or a count may be a placeholder for an argument."""

    name: str = ""
    interval: str = ""
    initial_delay: str = ""
    count: IntOrString | None = None
    success_condition: str = ""
    failure_condition: str = ""
    failure_limit: IntOrString | None = None
    inconclusive_limit: IntOrString | None = None
    consecutive_error_limit: IntOrString | None = None
    consecutive_success_limit: IntOrString | None = None
    provider: Json | None = None


class DryRunRule(Wire):
    """`metric_name` is a regular expression, found anywhere in a name."""

    metric_name: str = ""


class AnalysisRunSpec(Wire):
    metrics: list[Metric] | None = None
    args: list[Argument] | None = None
    dry_run: list[DryRunRule] | None = None
    terminate: bool = False


class MeasurementDetails(Measurement):
    """`metadata` is what the provider keeps, for a job `job-name` and `job-namespace`."""

    metadata: dict[str, str] | None = None


class MetricResultDetails(MetricResult):
    consecutive_error: int = 0
    consecutive_success: int = 0
    measurements: list[MeasurementDetails] | None = None  # type: ignore[assignment]


class AnalysisRunStatusDetails(AnalysisRunStatus):
    metric_results: list[MetricResultDetails] | None = None  # type: ignore[assignment]


class AnalysisRunDetails(AnalysisRun):
    """An analysis run with what it measures and how it judges."""

    spec: AnalysisRunSpec = msgspec.field(default_factory=AnalysisRunSpec)
    status: AnalysisRunStatusDetails = msgspec.field(default_factory=AnalysisRunStatusDetails)


# --- experiments --------------------------------------------------------------------------------


class ExperimentTemplate(Wire):
    """One version of `spec.templates`."""

    name: str = ""
    replicas: int | None = None
    service: Json | None = None


class ExperimentAnalysis(Wire):
    """One entry of `spec.analyses`."""

    name: str = ""
    template_name: str = ""
    cluster_scope: bool = False
    required_for_completion: bool = False


class ExperimentSpec(Wire):
    duration: str = ""
    terminate: bool = False
    progress_deadline_seconds: int | None = None
    templates: list[ExperimentTemplate] | None = None
    analyses: list[ExperimentAnalysis] | None = None


class TemplateStatus(Wire):
    name: str = ""
    status: str = ""
    message: str = ""
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    service_name: str = ""
    pod_template_hash: str = ""


class ExperimentRunStatus(Wire):
    """An analysis of an experiment: `name` in its spec, `analysis_run` the object."""

    name: str = ""
    analysis_run: str = ""
    phase: str = ""
    message: str = ""


class ExperimentStatusDetails(ExperimentStatus):
    available_at: Time | None = None
    conditions: list[Condition] | None = None
    template_statuses: list[TemplateStatus] | None = None
    analysis_runs: list[ExperimentRunStatus] | None = None


class ExperimentDetails(Experiment):
    spec: ExperimentSpec = msgspec.field(default_factory=ExperimentSpec)
    status: ExperimentStatusDetails = msgspec.field(default_factory=ExperimentStatusDetails)


# --- events -------------------------------------------------------------------------------------


class EventSource(Wire):
    component: str = ""
    host: str = ""


class EventSeries(Wire):
    """What newer clients write in place of `count` and `last_timestamp`."""

    count: int = 0
    last_observed_time: Time | None = None


class EventDetails(Event):
    source: EventSource | None = None
    reporting_component: str = ""
    series: EventSeries | None = None


# --- the rollout --------------------------------------------------------------------------------


class ManagedFields(Wire):
    manager: str = ""
    subresource: str = ""
    time: Time | None = None
    fields_v1: Any = msgspec.field(default=None, name="fieldsV1")


class MetadataDetails(Wire):
    managed_fields: list[ManagedFields] | None = None


class ScaleDown(Wire):
    """What a strategy says of old pods, in seconds."""

    abort_scale_down_delay_seconds: int | None = None


class StrategyDetails(Wire):
    canary: ScaleDown | None = None
    blue_green: ScaleDown | None = None


class RolloutSpecDetails(Wire):
    strategy: StrategyDetails = msgspec.field(default_factory=StrategyDetails)


class DurationDetails(Wire):
    rollout_started_at: Time | None = None


class RolloutStatusDetails(Wire):
    duration: DurationDetails = msgspec.field(default_factory=DurationDetails)


class RolloutDetails(Wire):
    """The fields of a rollout that stand beside those of `wire.Rollout`."""

    metadata: MetadataDetails = msgspec.field(default_factory=MetadataDetails)
    spec: RolloutSpecDetails = msgspec.field(default_factory=RolloutSpecDetails)
    status: RolloutStatusDetails = msgspec.field(default_factory=RolloutStatusDetails)
