"""The shape of rollouts in JSON and YAML, version `rolloutctl/v1`.

Fields are only ever added to a version. Times are RFC 3339; spans of time are seconds, named
`…Seconds`; step numbers count from 1 (`number`) next to the API's index from 0 (`index`). What is
unknown or does not apply is null, so that every field is always there.

    apiVersion, kind: "Rollout"
    namespace, name
    metadata:  uid, labels, generation, createdAt
    rollout:   phase, message, since, observed, aborted, awaiting, cause, strategy, revision,
               stableRevision, images {from, to}, weights {desired, set, actual, router, verified},
               completion, step {number, count}, failedStep, endsAt, workload,
               routes[] {kind, name, match[], percentage},
               blueGreen {active, preview {name, hash, revision}, stage, previewReplicas, astray},
               pingPong {stable, stableService, canaryService},
               replicas {desired, ready, available, updated}
    steps[]:   number, index, type, text, state, plugin, startedAt, endsAt; state is "done",
               "passed" (the update is over, done or jumped over), "current", "ahead", "skipped",
               "stopped" (its plugin was called and left before it ended), "failed"
    plugins[]: number, index, name, phase, message, executions, backoffSeconds, nextCallAt,
               startedAt, updatedAt, finishedAt, disabled, availability, status, abort, terminate
    revisions[]: revision, replicaSet, hash, roles, images, desired, current, ready, available,
               createdAt, scaleDownAt, pods[] {name, ready, state, restarts, message, createdAt}
    analysisRuns[], experiments[]
    nextActions[]: action, toStep, toRevision, completes, needsForce, skips[], passesOver[],
               terminates, aborts[], switches, analysisAgain, skipsAnalysis,
               ends[] {kind, name, type}; steps are numbers
    unavailable[]: what could not be read, and why
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from rolloutctl.domain.facts import ExperimentFacts
from rolloutctl.domain.plugins import PluginRun
from rolloutctl.domain.status import Status
from rolloutctl.domain.steps import Step, StepProgress, completion, step_text
from rolloutctl.domain.tree import NextAction, ReplicaSetFacts, RolloutPicture, RolloutRow
from rolloutctl.render.documents.shapes import VERSION, Document, in_cluster, plugin_call


def document(picture: RolloutPicture, missing: Sequence[tuple[str, str]] = ()) -> Document:
    """The full picture of one rollout."""
    return {
        "apiVersion": VERSION,
        "kind": "Rollout",
        "namespace": picture.ref.namespace,
        "name": picture.ref.name,
        "metadata": _metadata(picture),
        "rollout": _rollout(picture),
        "steps": [_step(item) for item in picture.steps],
        "plugins": [plugin(item.plugin) for item in picture.steps if item.plugin is not None],
        "revisions": [_revision(item) for item in picture.replica_sets],
        "analysisRuns": [plain(item) for item in picture.analysis_runs],
        "experiments": [_experiment(item) for item in picture.experiments],
        "nextActions": [_action(item) for item in picture.next_actions],
        "unavailable": [{"what": what, "why": why} for what, why in missing],
    }


def _metadata(picture: RolloutPicture) -> Document:
    metadata = picture.rollout.metadata
    return {
        "uid": metadata.uid,
        "labels": metadata.labels or {},
        "generation": metadata.generation,
        "createdAt": metadata.creation_timestamp,
    }


def status_fields(status: Status) -> Document:
    return {
        "phase": status.phase,
        "message": status.message,
        "since": status.since,
        "observed": status.observed,
        "aborted": status.aborted,
        "awaiting": status.awaiting,
    }


def _rollout(picture: RolloutPicture) -> Document:
    weights = picture.weights
    current = next((item for item in picture.steps if item.state == "current"), None)
    spec, status = picture.rollout.spec, picture.rollout.status
    return {
        **status_fields(picture.status),
        "cause": picture.cause,
        "endsAt": picture.status.ends,
        "strategy": picture.strategy,
        "revision": picture.revision,
        "stableRevision": picture.stable_revision,
        "images": {"from": list(picture.images_from), "to": list(picture.images_to)},
        "weights": {
            "desired": weights.desired,
            "set": weights.set,
            "actual": weights.actual,
            "router": weights.router,
            "verified": weights.verified,
            "stable": weights.stable,
            "maximum": weights.maximum,
            "routes": list(weights.routes),
        },
        "routes": [plain(item) for item in picture.routes],
        "blueGreen": plain(picture.blue_green),
        "pingPong": plain(picture.ping_pong),
        "workload": picture.workload or None,
        "step": {
            "number": current.index + 1 if current is not None else None,
            "count": len(picture.steps),
        },
        "completion": completion(picture.rollout),
        "failedStep": picture.failed_step + 1 if picture.failed_step is not None else None,
        "replicas": {
            "desired": 1 if spec.replicas is None else spec.replicas,
            "ready": status.ready_replicas,
            "available": status.available_replicas,
            "updated": status.updated_replicas,
        },
    }


def _type(step: Step) -> str:
    name = type(step).__name__
    return name[0].lower() + name[1:]


def _step(item: StepProgress) -> Document:
    return {
        "number": item.index + 1,
        "index": item.index,
        "type": _type(item.step),
        "text": step_text(item.step),
        "state": item.state,
        "plugin": item.plugin.name if item.plugin is not None else None,
        "startedAt": item.started,
        "endsAt": item.ends,
    }


def plugin(run: PluginRun) -> Document:
    """All that is known of one plugin step."""
    return {
        "number": run.index + 1,
        "index": run.index,
        "name": run.name,
        "phase": run.phase,
        "message": run.message,
        "executions": run.executions,
        "backoffSeconds": run.backoff.total_seconds() if run.backoff is not None else None,
        "nextCallAt": run.next_call,
        "startedAt": run.started_at,
        "updatedAt": run.updated_at,
        "finishedAt": run.finished_at,
        "disabled": run.disabled,
        "availability": run.availability,
        "status": run.status,
        "abort": plugin_call(run.abort),
        "terminate": plugin_call(run.terminate),
    }


def _revision(item: ReplicaSetFacts) -> Document:
    return {
        "revision": item.revision,
        "replicaSet": item.name,
        "hash": item.hash,
        "roles": sorted(item.role),
        "state": item.state,
        "images": list(item.images),
        "desired": item.desired,
        "current": item.current,
        "ready": item.ready,
        "available": item.available,
        "createdAt": item.created,
        "scaleDownAt": item.scale_down_deadline,
        "pods": [
            {
                "name": pod.name,
                "ready": pod.ready,
                "state": pod.state,
                "restarts": pod.restarts,
                "message": pod.message,
                "createdAt": pod.created,
            }
            for pod in item.pods
        ],
    }


def _experiment(item: ExperimentFacts) -> Document:
    found: Document = plain(item)
    found.pop("duration", None)
    # Under the one name, known or not.
    seconds = item.duration.total_seconds() if item.duration is not None else None
    return {**found, "durationSeconds": seconds}


def _action(item: NextAction) -> Document:
    return {
        "action": item.action,
        "toStep": item.to_index + 1 if item.to_index is not None else None,
        "toRevision": item.to_revision,
        "completes": item.completes,
        "needsForce": item.needs_force,
        "skips": [index + 1 for index in item.skips],
        "passesOver": [index + 1 for index in item.passes_over],
        "terminates": item.terminates.index + 1 if item.terminates is not None else None,
        "aborts": [run.index + 1 for run in item.aborts],
        "switches": item.switches or None,
        "analysisAgain": item.analysis_again,
        "skipsAnalysis": item.skips_analysis,
        "ends": [plain(run) for run in item.ends],
    }


def row_document(row: RolloutRow) -> Document:
    """One rollout of a list: what its own object tells."""
    at_step = row.step is not None and row.step_index is not None
    document = {
        "apiVersion": VERSION,
        "kind": "RolloutRow",
        "namespace": row.ref.namespace,
        "name": row.ref.name,
        "metadata": {"labels": row.labels},
        "rollout": {
            "phase": row.phase,
            "message": row.message,
            "aborted": row.aborted,
            "failedStep": row.failed_step + 1 if row.failed_step is not None else None,
            "since": row.since,
            "awaiting": row.awaiting,
            "endsAt": row.ends,
            "stage": row.stage,
            "workload": row.workload or None,
            "strategy": row.strategy,
            "revision": row.revision,
            "images": {"from": list(row.images_from), "to": list(row.images_to)},
            "weight": row.weight,
            "step": {
                "number": row.step_index + 1 if at_step and row.step_index is not None else None,
                "count": row.step_count,
                "text": step_text(row.step) if row.step is not None else None,
                "pluginPhase": row.plugin_phase or None,
            },
            "replicas": {"desired": row.desired, "ready": row.ready},
        },
    }
    return in_cluster(document, row.cluster)


def row_change(
    row: RolloutRow, before: RolloutRow | None, *, at: datetime, deleted: bool
) -> Document:
    """One change of a followed list."""
    kind = "deleted" if deleted else "changed" if before is not None else "added"
    return {
        "apiVersion": VERSION,
        "kind": "RolloutRowChange",
        "at": at,
        "change": kind,
        "row": row_document(row),
    }


def change(
    picture: RolloutPicture,
    movements: Sequence[Any],
    *,
    at: datetime,
    news: str,
    missing: Sequence[tuple[str, str]] = (),
) -> Document:
    """One change of a followed rollout: what moved, and the whole picture after it."""
    return {
        "apiVersion": VERSION,
        "kind": "RolloutChange",
        "at": at,
        "news": news,
        "changes": [
            {
                "what": item.what,
                "of": item.of or None,
                "from": item.before or None,
                "to": item.after,
            }
            for item in movements
        ],
        "now": document(picture, missing),
    }


def plain(value: Any) -> Any:
    """A struct of facts as it is, with camelCase names and spans of time as seconds."""
    if isinstance(value, msgspec.Struct):
        return {
            _named(name, item): plain(item)
            for name in value.__struct_fields__
            for item in (getattr(value, name),)
        }
    if isinstance(value, tuple | list | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(item) for item in items]
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


def _named(name: str, value: Any) -> str:
    head, *rest = name.split("_")
    camel = head + "".join(part.capitalize() for part in rest)
    return camel + "Seconds" if isinstance(value, timedelta) else camel
