"""Analysis runs and experiments in JSON and YAML, version `rolloutctl/v1` (docs/output.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rolloutctl.domain.analyses import Counts, MetricLook, Owner, RunLook, RunRow, Tried
from rolloutctl.domain.experiments import (
    ExperimentLook,
    ExperimentRow,
    TrialAnalysis,
    Version,
)
from rolloutctl.domain.explain.facts import Measured
from rolloutctl.render.documents.rollout import plain
from rolloutctl.render.documents.shapes import VERSION, Document, in_cluster


def run_row(row: RunRow) -> Document:
    """One run of a list."""
    document = {"apiVersion": VERSION, "kind": "AnalysisRunRow", **_run(row)}
    return in_cluster(document, row.cluster)


def run(look: RunLook) -> Document:
    """One run in full."""
    document = {
        "apiVersion": VERSION,
        "kind": "AnalysisRun",
        **_run(look.row),
        "arguments": [
            {"name": each.name, "value": each.value, "source": each.source or None}
            for each in look.arguments
        ],
        "metricResults": [metric(each) for each in look.metrics],
    }
    return in_cluster(document, look.row.cluster)


def run_change(row: RunRow, *, at: datetime, deleted: bool) -> Document:
    """A run of a followed list that is new, changed or gone."""
    return _change(run_row(row), at, deleted)


def experiment_change(row: ExperimentRow, *, at: datetime, deleted: bool) -> Document:
    """An experiment of a followed list that is new, changed or gone."""
    return _change(experiment_row(row), at, deleted)


def _change(row: Document, at: datetime, deleted: bool) -> Document:
    return {
        "apiVersion": VERSION,
        "kind": f"{row['kind']}Change",
        "at": at,
        "change": "deleted" if deleted else "changed",
        "row": row,
    }


def _run(row: RunRow) -> Document:
    return {
        "namespace": row.namespace,
        "name": row.name,
        "owner": _owner(row.owner),
        "type": row.type,
        "stepNumber": row.step_index + 1 if row.step_index is not None else None,
        "revision": row.revision or None,
        "podTemplateHash": row.hash or None,
        "phase": row.phase,
        "message": row.message,
        "terminated": row.terminated,
        "createdAt": row.created,
        "startedAt": row.started_at,
        "completedAt": row.completed_at,
        "metrics": row.metrics,
        "measurements": _counts(row.counts),
    }


def metric(look: MetricLook) -> Document:
    """One metric: what it asks, what it is held against, what it measured."""
    found = look.evidence
    tried = [*look.tried, *[Tried()] * len(found.measurements)]
    return {
        "name": found.name,
        "phase": found.phase or "Pending",
        "message": found.message,
        "dryRun": look.dry_run,
        "provider": found.provider or None,
        "query": found.query or None,
        "address": found.address or None,
        "successCondition": found.success_condition or None,
        "failureCondition": found.failure_condition or None,
        "interval": found.interval or None,
        "initialDelay": look.initial_delay or None,
        "count": found.count,
        "countLimit": found.count_limit,
        "successful": found.successful,
        "failed": found.failed,
        "failureLimit": found.failure_limit,
        "inconclusive": found.inconclusive,
        "inconclusiveLimit": found.inconclusive_limit,
        "error": found.error,
        "consecutiveError": found.consecutive_error,
        "consecutiveErrorLimit": found.consecutive_error_limit,
        "consecutiveSuccess": look.consecutive_success,
        "consecutiveSuccessLimit": look.consecutive_success_limit,
        "passedLimit": found.passed,
        "threshold": found.threshold,
        "measurements": [
            measurement(item, more) for item, more in zip(found.measurements, tried, strict=False)
        ],
    }


def measurement(item: Measured, more: Tried) -> Document:
    return {
        "phase": item.phase,
        "value": item.value or None,
        "number": item.number,
        "message": item.message,
        "startedAt": more.started_at,
        "finishedAt": more.finished_at,
        "job": {"namespace": more.job_namespace or None, "name": more.job} if more.job else None,
    }


def experiment_row(row: ExperimentRow) -> Document:
    """One experiment of a list."""
    document = {"apiVersion": VERSION, "kind": "ExperimentRow", **_experiment(row)}
    return in_cluster(document, row.cluster)


def experiment(look: ExperimentLook, missing: Sequence[tuple[str, str]] = ()) -> Document:
    """One experiment in full."""
    document = {
        "apiVersion": VERSION,
        "kind": "Experiment",
        **_experiment(look.row),
        "progressDeadlineSeconds": look.progress_deadline.total_seconds(),
        "versions": [_version(each) for each in look.versions],
        "analyses": [_analysis(each) for each in look.analyses],
        "unavailable": [{"what": what, "why": why} for what, why in missing],
    }
    return in_cluster(document, look.row.cluster)


def _experiment(row: ExperimentRow) -> Document:
    return {
        "namespace": row.namespace,
        "name": row.name,
        "owner": _owner(row.owner),
        "revision": row.revision or None,
        "phase": row.phase,
        "message": row.message,
        "terminated": row.terminated,
        "createdAt": row.created,
        "availableAt": row.available_at,
        "durationSeconds": _seconds(row.duration),
        "endsAt": row.ends,
        "pods": {"desired": row.pods, "ready": row.ready},
    }


def _version(version: Version) -> Document:
    rs = version.replica_set
    return {
        "name": version.name,
        "status": version.status or None,
        "message": version.message,
        "desired": version.desired,
        "ready": version.ready,
        "available": version.available,
        "service": version.service or None,
        "weight": version.weight,
        "replicaSet": rs.name if rs is not None else None,
        "podTemplateHash": rs.hash if rs is not None else None,
        "images": list(rs.images) if rs is not None else [],
        "scaleDownAt": rs.scale_down_deadline if rs is not None else None,
        "pods": [
            {
                "name": pod.name,
                "ready": pod.ready,
                "state": pod.state,
                "restarts": pod.restarts,
                "message": pod.message,
                "createdAt": pod.created,
            }
            for pod in (rs.pods if rs is not None else ())
        ],
    }


def _analysis(analysis: TrialAnalysis) -> Document:
    return {
        "name": analysis.name,
        "template": analysis.template or None,
        "clusterScope": analysis.cluster_scope,
        "requiredForCompletion": analysis.required,
        "analysisRun": analysis.run or None,
        "phase": analysis.phase or "Pending",
        "message": analysis.message,
        "measurements": _counts(analysis.counts) if analysis.counts is not None else None,
    }


def _owner(made_by: Owner | None) -> Document | None:
    return {"kind": made_by.kind, "name": made_by.name} if made_by is not None else None


def _counts(counts: Counts) -> Any:
    return plain(counts)


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None
