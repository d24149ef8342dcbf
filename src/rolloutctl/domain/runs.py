"""Analysis runs and experiments of a rollout, as facts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rolloutctl.domain.durations import later, parse_go
from rolloutctl.domain.facts import AnalysisFacts, ExperimentFacts, MetricFacts, RunUnderWay
from rolloutctl.domain.replicasets import (
    HASH_LABEL,
    is_owned,
    label,
    replica_set_facts,
    revision_of,
)
from rolloutctl.domain.wire import (
    AnalysisRun,
    AnalysisRunRef,
    Experiment,
    Metadata,
    MetricResult,
    Pod,
    ReplicaSet,
    Rollout,
)

if TYPE_CHECKING:
    from rolloutctl.domain.wire_details import AnalysisRunSpec, ExperimentSpec, Metric

_FINAL = frozenset({"Successful", "Failed", "Error", "Inconclusive"})


def runs_under_way(r: Rollout) -> tuple[RunUnderWay, ...]:
    """What the status names and has not seen the end of: an abort or a full promotion ends it."""
    canary, blue_green = r.status.canary, r.status.blue_green
    named = (
        ("Step", canary.current_step_analysis_run_status),
        ("Background", canary.current_background_analysis_run_status),
        ("PrePromotion", blue_green.pre_promotion_analysis_run_status),
        ("PostPromotion", blue_green.post_promotion_analysis_run_status),
    )
    found = [
        RunUnderWay("AnalysisRun", run.name, type)
        for type, run in named
        if run is not None and is_under_way(run)
    ]
    if canary.current_experiment:
        found.append(RunUnderWay("Experiment", canary.current_experiment, "Step"))
    return tuple(found)


def is_under_way(run: AnalysisRunRef | None) -> bool:
    """Whether the status names a run and has not seen its end."""
    return run is not None and bool(run.name) and run.status not in _FINAL


def analysis_facts(r: Rollout, runs: Iterable[AnalysisRun]) -> tuple[AnalysisFacts, ...]:
    """The runs the rollout owns, highest revision first, then newest first.

    A run of one of its experiments belongs to that experiment and is not among them.
    """
    found = [_run(r, run) for run in runs if is_owned(run.metadata, r.metadata, "Rollout")]
    return tuple(sorted(found, key=_order))


def experiment_facts(
    r: Rollout,
    experiments: Iterable[Experiment],
    replica_sets: Iterable[ReplicaSet] = (),
    pods: Iterable[Pod] = (),
) -> tuple[ExperimentFacts, ...]:
    """The experiments the rollout owns with their ReplicaSets, highest revision first."""
    owned = [entry for entry in experiments if is_owned(entry.metadata, r.metadata, "Rollout")]
    if not owned:
        return ()
    sets, all_pods = list(replica_sets), list(pods)
    found = [
        ExperimentFacts(
            name=entry.metadata.name,
            phase=entry.status.phase,
            message=entry.status.message,
            step_index=_step_in_name(entry.metadata),
            revision=revision_of(entry.metadata),
            hash=label(entry.metadata, HASH_LABEL),
            current=_is_current(r, entry.metadata),
            created=entry.metadata.creation_timestamp,
            **_times(entry),
            replica_sets=tuple(
                replica_set_facts(rs, frozenset(), all_pods)
                for rs in sets
                if is_owned(rs.metadata, entry.metadata, "Experiment")
            ),
        )
        for entry in owned
    ]
    return tuple(sorted(found, key=_order))


# ------------------------------------------------------------------------------------------------


def _run(r: Rollout, run: AnalysisRun) -> AnalysisFacts:
    index = label(run.metadata, "step-index")
    return AnalysisFacts(
        name=run.metadata.name,
        phase=run.status.phase,
        message=run.status.message,
        type=label(run.metadata, "rollout-type"),
        step_index=_index(index),
        revision=revision_of(run.metadata),
        hash=label(run.metadata, HASH_LABEL),
        current=_is_current(r, run.metadata),
        created=run.metadata.creation_timestamp,
        started_at=run.status.started_at,
        completed_at=run.status.completed_at,
        metrics=_metrics(run),
    )


def _metrics(run: AnalysisRun) -> tuple[MetricFacts, ...]:
    # Only who shows conditions reads them (wire_details); asking for the class would load them all.
    spec: AnalysisRunSpec | None = getattr(run, "spec", None)
    specs = {metric.name: metric for metric in (spec.metrics if spec is not None else None) or ()}
    results = run.status.metric_results or ()
    return tuple(_metric(result, specs.get(result.name)) for result in results)


def _times(experiment: Experiment) -> dict[str, Any]:
    spec: ExperimentSpec | None = getattr(experiment, "spec", None)
    if spec is None:
        return {}
    duration = parse_go(spec.duration)
    began: datetime | None = getattr(experiment.status, "available_at", None)
    ends = None if experiment.status.phase in _FINAL else later(began, duration)
    return {"duration": duration, "available_at": began, "ends": ends}


def _metric(result: MetricResult, spec: Metric | None) -> MetricFacts:
    measured = (measurement.value for measurement in result.measurements or ())
    return MetricFacts(
        name=result.name,
        phase=result.phase,
        message=result.message,
        values=tuple(value for value in measured if value),
        count=result.count,
        successful=result.successful,
        failed=result.failed,
        inconclusive=result.inconclusive,
        error=result.error,
        dry_run=result.dry_run,
        success_condition=spec.success_condition if spec is not None else "",
        failure_condition=spec.failure_condition if spec is not None else "",
        count_limit=spec.count if spec is not None else None,
        failure_limit=spec.failure_limit if spec is not None else None,
        inconclusive_limit=spec.inconclusive_limit if spec is not None else None,
        consecutive_error_limit=spec.consecutive_error_limit if spec is not None else None,
    )


def _is_current(r: Rollout, metadata: Metadata) -> bool:
    hash = label(metadata, HASH_LABEL)
    return bool(hash) and hash == r.status.current_pod_hash


def _step_in_name(metadata: Metadata) -> int | None:
    """The step of an experiment: `<rollout>-<hash>-<revision>-<step index>[-<n>]`."""
    hash = label(metadata, HASH_LABEL)
    if not hash:
        return None
    pattern = rf"-{re.escape(hash)}-{revision_of(metadata)}-(\d{{1,4}})(-\d+)?"
    found = re.search(pattern + r"\Z", metadata.name, re.ASCII)
    return int(found.group(1)) if found else None


def _index(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None


def _order(entry: AnalysisFacts | ExperimentFacts) -> tuple[int, float, str]:
    created = entry.created.timestamp() if entry.created is not None else 0.0
    return (-entry.revision, -created, entry.name)
