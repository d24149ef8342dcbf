"""The shape of a plan in JSON and YAML: `Plan`, see docs/output.md."""

from __future__ import annotations

from typing import Any

from rolloutctl.domain.plan import Ending, Plan, PlannedAbort, PlannedCall, PlannedRun, PlannedStep
from rolloutctl.render.documents.rollout import plain
from rolloutctl.render.documents.shapes import VERSION, Document


def document(plan: Plan) -> Document:
    """All facts of one plan."""
    facts, pauses = plan.rehearsed, plan.pauses
    return {
        "apiVersion": VERSION,
        "kind": "Plan",
        "namespace": facts.namespace,
        "name": facts.name,
        "strategy": facts.strategy,
        "replicas": facts.replicas,
        "routed": facts.routed,
        "images": {
            "from": list(facts.images_from),
            "to": list(facts.images_to),
            "assumed": not facts.images_to,
        },
        "result": facts.result,
        "phase": facts.phase,
        "message": facts.message,
        "totalSeconds": facts.seconds,
        "settledSeconds": facts.settled_seconds,
        "peakPods": facts.peak_pods,
        "podReadySeconds": facts.pod_ready_seconds,
        "steps": [_step(item) for item in facts.steps],
        "pauses": {
            "timed": pauses.timed,
            "totalSeconds": pauses.total_seconds,
            "longest": _pause(pauses.longest),
            "shortest": _pause(pauses.shortest),
            "unbounded": [index + 1 for index in pauses.unbounded],
        },
        "persons": [
            {"atSeconds": item.at, "number": item.index + 1, "reason": item.reason}
            for item in facts.persons
        ],
        "runs": [_run(item) for item in facts.runs],
        "aborts": [_call(item) for item in facts.aborts],
        "terminates": [_call(item) for item in facts.terminates],
        "timeline": [
            {
                "atSeconds": item.at,
                "number": None if item.index is None else item.index + 1,
                "phase": item.phase,
                "weight": item.weight,
                "traffic": item.traffic,
                "canary": plain(item.canary),
                "stable": plain(item.stable),
            }
            for item in facts.samples
        ],
        "events": [
            {
                "atSeconds": item.at,
                "type": item.type,
                "reason": item.reason,
                "message": item.message,
            }
            for item in facts.events
        ],
        "assumptions": {
            "plugins": list(plan.assumed_plugins),
            "metrics": sorted(
                {metric.name for run in facts.runs for metric in run.metrics if metric.assumed}
            ),
            "image": not facts.images_to,
            "notes": [plain(item) for item in facts.notes],
        },
        "exitCode": 0 if facts.result is Ending.PROMOTED else 1,
    }


def _step(step: PlannedStep) -> Document:
    took = None if step.at is None or step.ends is None else round(step.ends - step.at, 1)
    return {
        "number": step.index + 1,
        "index": step.index,
        "type": step.kind,
        "text": step.text,
        "result": step.result,
        "startSeconds": step.at,
        "endSeconds": step.ends,
        "lastsSeconds": took,
        "weight": step.weight,
        "traffic": step.traffic,
        "canary": plain(step.canary),
        "stable": plain(step.stable),
        "person": step.person or None,
        "pause": plain(step.pause),
        "plugin": plain(step.plugin),
        "abort": _abort(step.abort),
    }


def _abort(abort: PlannedAbort | None) -> Document | None:
    if abort is None:
        return None
    return {
        "calls": [_call(item) for item in abort.calls],
        "canary": plain(abort.canary),
        "stable": plain(abort.stable),
        "stableSeconds": abort.stable_seconds,
        "canarySeconds": abort.canary_seconds,
        "trafficSeconds": abort.traffic_seconds,
        "phase": abort.phase,
        "message": abort.message,
    }


def _call(call: PlannedCall) -> Document:
    return {
        "number": call.index + 1,
        "index": call.index,
        "plugin": call.name,
        "phase": call.phase,
        "message": call.message,
    }


def _run(run: PlannedRun) -> Document:
    return {
        "kind": run.kind,
        "name": run.name,
        "role": run.role or None,
        "number": None if run.index is None else run.index + 1,
        "startSeconds": run.at,
        "endSeconds": run.ends,
        "phase": run.phase,
        "message": run.message,
        "metrics": [plain(item) for item in run.metrics],
    }


def _pause(found: tuple[int, float] | None) -> dict[str, Any] | None:
    return None if found is None else {"number": found[0] + 1, "seconds": found[1]}
