"""Provider `job`: a Job that has to complete, in the namespace of the run.

Source: argo-rollouts, metricproviders/job/job.go.
"""

from __future__ import annotations

from rolloutctl.sandbox.client import ApiError
from rolloutctl.sandbox.controller.objects import (
    Obj,
    items,
    mapping,
    name,
    namespace,
    owned_by,
    owner_reference,
    text,
    uid,
)

from .base import Means, Measured, MeasurementError

POLL_SECONDS = 1.0
"""Until a Job that was not done is looked at again."""
_NAME, _NAMESPACE = "job-name", "job-namespace"
_OF_RUN = "analysisrun.argoproj.io/uid"


def start(run: Obj, metric: Obj, taken: int, means: Means) -> Measured:
    """Create the Job, or find the one that was. Raises MeasurementError."""
    made = _job(run, metric, taken)
    try:
        means.client.create("jobs", made, namespace(run))
    except ApiError as error:
        if error.status != 409 or not _is_ours(run, made, means):
            raise MeasurementError(error.message) from error
    return Measured("Running", metadata={_NAME: name(made), _NAMESPACE: namespace(made)})


def _job(run: Obj, metric: Obj, taken: int) -> Obj:
    settings = mapping(metric, "provider", "job")
    annotations = {
        **mapping(settings, "metadata", "annotations"),
        "analysisrun.argoproj.io/name": name(run),
        "analysisrun.argoproj.io/metric-name": text(metric, "name"),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{uid(run)}.{text(metric, 'name')}.{taken + 1}",
            "namespace": namespace(run),
            "annotations": annotations,
            "labels": {**mapping(settings, "metadata", "labels"), _OF_RUN: uid(run)},
            "ownerReferences": [owner_reference(run)],
        },
        "spec": mapping(settings, "spec"),
    }


def _is_ours(run: Obj, job: Obj, means: Means) -> bool:
    try:
        return owned_by(means.client.get("jobs", name(job), namespace(job)), run)
    except ApiError:
        return False


def resume(measurement: Obj, means: Means) -> Measured:
    """How the Job is getting on. Raises MeasurementError."""
    place, named = _reference(measurement)
    try:
        job = means.client.get("jobs", named, place)
    except ApiError as error:
        raise MeasurementError(error.message) from error
    phase = "Running"
    for condition in items(job, "status", "conditions"):
        if text(condition, "status") == "True":
            phase = {"Complete": "Successful", "Failed": "Failed"}.get(
                text(condition, "type"), phase
            )
    return Measured(phase, metadata=mapping(measurement, "metadata"))


def terminate(measurement: Obj, means: Means) -> Measured:
    """Delete the Job. Raises MeasurementError."""
    place, named = _reference(measurement)
    _delete(place, named, means)
    metadata = mapping(measurement, "metadata")
    return Measured("Successful", message="Metric Terminated", metadata=metadata)


def collect(run: Obj, kept: int, means: Means) -> None:
    """Delete all but the youngest `kept` Jobs of the run."""
    jobs, _ = means.client.list("jobs", namespace(run), label_selector=f"{_OF_RUN}={uid(run)}")
    jobs.sort(key=lambda job: text(job, "metadata", "creationTimestamp"))
    for job in jobs[: max(0, len(jobs) - kept)]:
        _delete(namespace(job), name(job), means)


def _reference(measurement: Obj) -> tuple[str, str]:
    metadata = mapping(measurement, "metadata")
    if not metadata.get(_NAME):
        raise MeasurementError("job metadata reference missing")
    return text(metadata, _NAMESPACE), text(metadata, _NAME)


def _delete(place: str, named: str, means: Means) -> None:
    try:
        means.client.delete("jobs", named, place)
    except ApiError as error:
        if error.status != 404:
            raise MeasurementError(error.message) from error
