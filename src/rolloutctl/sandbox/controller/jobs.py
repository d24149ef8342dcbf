"""The Job controller: pods until enough of them succeeded, or too many failed.

A container that is restarted in its pod (`restartPolicy: OnFailure`) is a new pod here.

Source: Kubernetes, pkg/controller/job.
"""

from __future__ import annotations

import random

from rolloutctl.sandbox.client import ApiError

from . import pods
from .cluster import Cluster
from .objects import (
    Obj,
    dig,
    items,
    mapping,
    name,
    namespace,
    number,
    owner_reference,
    text,
    uid,
)

FIRST_BACK_OFF, LONGEST_BACK_OFF = 10.0, 600.0
"""Seconds from a pod that failed to the next."""
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_HAIR = 0.001


def reconcile(cluster: Cluster, place: str, named: str) -> None:
    """Bring the Job one step on."""
    job = cluster.jobs.get(place, named)
    if job is None or "deletionTimestamp" in job["metadata"]:
        return
    if _ended(job):
        _delete_when_old(cluster, job)
        return
    found = cluster.pods.owned(job)
    succeeded = [pod for pod in found if text(pod, "status", "phase") == "Succeeded"]
    failed = [pod for pod in found if text(pod, "status", "phase") == "Failed"]
    active = [pod for pod in found if not pods.is_gone(pod)]
    started = text(job, "status", "startTime") or cluster.timing.stamp()
    if not text(job, "status", "startTime"):
        cluster.timing.stamped(uid(job), "started", started)
    end = _end(cluster, job, len(succeeded), len(failed), started)
    if end is None:
        active += _more(cluster, job, len(active), len(succeeded), failed)
    else:
        for pod in active:
            _delete(cluster, "pods", pod)
        active = []
    status: Obj = {
        "startTime": started,
        "active": len(active),
        "ready": sum(map(pods.is_ready, active)),
        "succeeded": len(succeeded),
        "failed": len(failed),
        "terminating": 0,
        "uncountedTerminatedPods": {},
    }
    status = {key: value for key, value in status.items() if value != 0 or key == "ready"}
    if end is not None:
        _finish(cluster, job, status, *end)
    cluster.write_status("jobs", cluster.jobs, job, status)


def _ended(job: Obj) -> bool:
    return any(
        text(each, "type") in ("Complete", "Failed") and text(each, "status") == "True"
        for each in items(job, "status", "conditions")
    )


def _end(
    cluster: Cluster, job: Obj, succeeded: int, failed: int, started: str
) -> tuple[str, str, str] | None:
    """(condition, reason, message) of a Job at its end."""
    if succeeded >= number(job, "spec", "completions", default=1):
        return "Complete", "CompletionsReached", "Reached expected number of succeeded pods"
    if failed > number(job, "spec", "backoffLimit", default=6):
        return "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
    longest = dig(job, "spec", "activeDeadlineSeconds")
    if isinstance(longest, int):
        left = longest - cluster.timing.elapsed(uid(job), "started", started)
        if left <= 0:
            return "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
        cluster.later(("job", namespace(job), name(job)), left + _HAIR)
    return None


def _more(cluster: Cluster, job: Obj, active: int, succeeded: int, failed: list[Obj]) -> list[Obj]:
    """The pods that are made now."""
    if dig(job, "spec", "suspend") is True:
        return []
    wanted = min(
        number(job, "spec", "parallelism", default=1),
        number(job, "spec", "completions", default=1) - succeeded,
    )
    if active >= wanted:
        return []
    left = _back_off(cluster, failed)
    if left > 0:
        cluster.later(("job", namespace(job), name(job)), left + _HAIR)
        return []
    return [_create(cluster, job) for _ in range(wanted - active)]


def _back_off(cluster: Cluster, failed: list[Obj]) -> float:
    """Seconds until the next try."""
    if not failed:
        return 0.0
    wait: float = min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** min(len(failed) - 1, 10))
    return wait - min(
        cluster.timing.elapsed(uid(pod), "ended", pods.ended_at(pod)) for pod in failed
    )


def _create(cluster: Cluster, job: Obj) -> Obj:
    template = mapping(job, "spec", "template")
    made = f"{name(job)}-{''.join(random.choices(_LETTERS, k=5))}"
    labels = {
        "batch.kubernetes.io/controller-uid": uid(job),
        "batch.kubernetes.io/job-name": name(job),
        "controller-uid": uid(job),
        "job-name": name(job),
    }
    described: Obj = {
        "name": made,
        "generateName": f"{name(job)}-",
        "namespace": namespace(job),
        "labels": {**mapping(template, "metadata", "labels"), **labels},
        "ownerReferences": [owner_reference(job)],
    }
    if mapping(template, "metadata", "annotations"):
        described["annotations"] = dict(mapping(template, "metadata", "annotations"))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": described,
        "spec": dict(mapping(template, "spec")),
    }
    created = cluster.client.create("pods", pod, namespace(job))
    cluster.pods.put(created)
    cluster.job_events.event(job, "Normal", "SuccessfulCreate", f"Created pod: {made}")
    return created


def _finish(cluster: Cluster, job: Obj, status: Obj, kind: str, reason: str, message: str) -> None:
    at = cluster.timing.stamp()
    before = "SuccessCriteriaMet" if kind == "Complete" else "FailureTarget"
    status["conditions"] = [
        {
            "type": each,
            "status": "True",
            "reason": reason,
            "message": message,
            "lastProbeTime": at,
            "lastTransitionTime": at,
        }
        for each in (before, kind)
    ]
    cluster.timing.stamped(uid(job), "ended", at)
    if kind == "Complete":
        status["completionTime"] = at
        cluster.job_events.event(job, "Normal", "Completed", "Job completed")
    else:
        cluster.job_events.event(job, "Warning", reason, message)


def _delete_when_old(cluster: Cluster, job: Obj) -> None:
    stays = dig(job, "spec", "ttlSecondsAfterFinished")
    conditions = items(job, "status", "conditions")
    if not isinstance(stays, int) or not conditions:
        return
    ended = text(conditions[-1], "lastTransitionTime")
    left = stays - cluster.timing.elapsed(uid(job), "ended", ended)
    if left > 0:
        cluster.later(("job", namespace(job), name(job)), left + _HAIR)
    else:
        _delete(cluster, "jobs", job)


def _delete(cluster: Cluster, resource: str, obj: Obj) -> None:
    try:
        cluster.client.delete(resource, name(obj), namespace(obj))
    except ApiError as error:
        if error.status != 404:
            raise
