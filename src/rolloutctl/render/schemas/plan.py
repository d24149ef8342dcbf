"""Shapes of `render.documents.plan`."""

from __future__ import annotations

from rolloutctl.domain.plan import (
    Ending,
    Note,
    PlannedMetric,
    PlannedPause,
    PlannedPlugin,
    Pods,
    StepResult,
)
from rolloutctl.render.schemas.shapes import (
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Schema,
    document,
    list_of,
    many,
    maybe,
    obj,
    one_of,
    ref,
    struct,
)

_ABORT = obj(
    {
        "calls": many(ref("PlannedCall")),
        "canary": ref("PlannedPods"),
        "stable": ref("PlannedPods"),
        "stableSeconds": maybe(NUMBER),
        "canarySeconds": maybe(NUMBER),
        "trafficSeconds": maybe(NUMBER),
        "phase": TEXT,
        "message": TEXT,
    }
)
_STEP = obj(
    {
        "number": WHOLE,
        "index": WHOLE,
        "type": TEXT,
        "text": TEXT,
        "result": one_of(StepResult),
        "startSeconds": maybe(NUMBER),
        "endSeconds": maybe(NUMBER),
        "lastsSeconds": maybe(NUMBER),
        "weight": maybe(WHOLE),
        "traffic": maybe(WHOLE),
        "canary": maybe(ref("PlannedPods")),
        "stable": maybe(ref("PlannedPods")),
        "person": maybe(TEXT),
        "pause": maybe(struct(PlannedPause)),
        "plugin": maybe(struct(PlannedPlugin)),
        "abort": maybe(_ABORT),
    }
)
_PAUSE = obj({"number": WHOLE, "seconds": NUMBER})
_RUN = obj(
    {
        "kind": TEXT,
        "name": TEXT,
        "role": maybe(TEXT),
        "number": maybe(WHOLE),
        "startSeconds": NUMBER,
        "endSeconds": maybe(NUMBER),
        "phase": TEXT,
        "message": TEXT,
        "metrics": many(struct(PlannedMetric)),
    }
)
_SAMPLE = obj(
    {
        "atSeconds": NUMBER,
        "number": maybe(WHOLE),
        "phase": TEXT,
        "weight": maybe(WHOLE),
        "traffic": maybe(WHOLE),
        "canary": ref("PlannedPods"),
        "stable": ref("PlannedPods"),
    }
)
_PLAN = document(
    "Plan",
    {
        "namespace": TEXT,
        "name": TEXT,
        "strategy": TEXT,
        "replicas": WHOLE,
        "routed": FLAG,
        "images": obj({"from": many(TEXT), "to": many(TEXT), "assumed": FLAG}),
        "result": one_of(Ending),
        "phase": TEXT,
        "message": TEXT,
        "totalSeconds": maybe(NUMBER),
        "settledSeconds": maybe(NUMBER),
        "peakPods": WHOLE,
        "podReadySeconds": NUMBER,
        "steps": many(_STEP),
        "pauses": obj(
            {
                "timed": WHOLE,
                "totalSeconds": NUMBER,
                "longest": maybe(_PAUSE),
                "shortest": maybe(_PAUSE),
                "unbounded": many(WHOLE),
            }
        ),
        "persons": many(obj({"atSeconds": NUMBER, "number": WHOLE, "reason": TEXT})),
        "runs": many(_RUN),
        "aborts": many(ref("PlannedCall")),
        "terminates": many(ref("PlannedCall")),
        "timeline": many(_SAMPLE),
        "events": many(obj({"atSeconds": NUMBER, "type": TEXT, "reason": TEXT, "message": TEXT})),
        "assumptions": obj(
            {
                "plugins": many(TEXT),
                "metrics": many(TEXT),
                "image": FLAG,
                "notes": many(struct(Note)),
            }
        ),
        "exitCode": WHOLE,
    },
)
SHAPES: dict[str, Schema] = {
    "Plan": _PLAN,
    "PlanList": list_of("PlanList", "Plan"),
    "PlannedPods": struct(Pods),
    "PlannedCall": obj(
        {"number": WHOLE, "index": WHOLE, "plugin": TEXT, "phase": TEXT, "message": TEXT}
    ),
}
