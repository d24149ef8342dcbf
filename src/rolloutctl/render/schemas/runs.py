"""Shapes of `render.documents.runs`."""

from __future__ import annotations

from rolloutctl.domain.analyses import Counts
from rolloutctl.domain.explain.facts import Limit
from rolloutctl.render.schemas.rollout import MISSING
from rolloutctl.render.schemas.shapes import (
    FLAG,
    MOMENT,
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

_OWNER = maybe(obj({"kind": TEXT, "name": TEXT}))
_RUN = {
    "namespace": TEXT,
    "name": TEXT,
    "owner": _OWNER,
    "type": TEXT,
    "stepNumber": maybe(WHOLE),
    "revision": maybe(WHOLE),
    "podTemplateHash": maybe(TEXT),
    "phase": TEXT,
    "message": TEXT,
    "terminated": FLAG,
    "createdAt": maybe(MOMENT),
    "startedAt": maybe(MOMENT),
    "completedAt": maybe(MOMENT),
    "metrics": WHOLE,
    "measurements": ref("MeasurementCounts"),
}
_MEASUREMENT = obj(
    {
        "phase": TEXT,
        "value": maybe(TEXT),
        "number": maybe(NUMBER),
        "message": TEXT,
        "startedAt": maybe(MOMENT),
        "finishedAt": maybe(MOMENT),
        "job": maybe(obj({"namespace": maybe(TEXT), "name": TEXT})),
    }
)
_METRIC = obj(
    {
        "name": TEXT,
        "phase": TEXT,
        "message": TEXT,
        "dryRun": FLAG,
        "provider": maybe(TEXT),
        "query": maybe(TEXT),
        "address": maybe(TEXT),
        "successCondition": maybe(TEXT),
        "failureCondition": maybe(TEXT),
        "interval": maybe(TEXT),
        "initialDelay": maybe(TEXT),
        "count": WHOLE,
        "countLimit": maybe(WHOLE),
        "successful": WHOLE,
        "failed": WHOLE,
        "failureLimit": maybe(WHOLE),
        "inconclusive": WHOLE,
        "inconclusiveLimit": maybe(WHOLE),
        "error": WHOLE,
        "consecutiveError": WHOLE,
        "consecutiveErrorLimit": maybe(WHOLE),
        "consecutiveSuccess": maybe(WHOLE),
        "consecutiveSuccessLimit": maybe(WHOLE),
        "passedLimit": maybe(one_of(Limit)),
        "threshold": maybe(NUMBER),
        "measurements": many(_MEASUREMENT),
    }
)
_EXPERIMENT = {
    "namespace": TEXT,
    "name": TEXT,
    "owner": _OWNER,
    "revision": maybe(WHOLE),
    "phase": TEXT,
    "message": TEXT,
    "terminated": FLAG,
    "createdAt": maybe(MOMENT),
    "availableAt": maybe(MOMENT),
    "durationSeconds": maybe(NUMBER),
    "endsAt": maybe(MOMENT),
    "pods": obj({"desired": WHOLE, "ready": WHOLE}),
}
_VERSION = obj(
    {
        "name": TEXT,
        "status": maybe(TEXT),
        "message": TEXT,
        "desired": WHOLE,
        "ready": WHOLE,
        "available": WHOLE,
        "service": maybe(TEXT),
        "weight": maybe(WHOLE),
        "replicaSet": maybe(TEXT),
        "podTemplateHash": maybe(TEXT),
        "images": many(TEXT),
        "scaleDownAt": maybe(MOMENT),
        "pods": many(ref("Pod")),
    }
)
_ANALYSIS = obj(
    {
        "name": TEXT,
        "template": maybe(TEXT),
        "clusterScope": FLAG,
        "requiredForCompletion": FLAG,
        "analysisRun": maybe(TEXT),
        "phase": TEXT,
        "message": TEXT,
        "measurements": maybe(ref("MeasurementCounts")),
    }
)


def _change(row: str) -> Schema:
    """A line of a followed list."""
    change = {"type": "string", "examples": ["changed", "deleted"]}
    return document(f"{row}Change", {"at": MOMENT, "change": change, "row": ref(row)})


SHAPES: dict[str, Schema] = {
    "AnalysisRunRow": document("AnalysisRunRow", _RUN),
    "AnalysisRunList": list_of("AnalysisRunList", "AnalysisRunRow", "AnalysisRun"),
    "AnalysisRun": document(
        "AnalysisRun",
        {
            **_RUN,
            "arguments": many(obj({"name": TEXT, "value": maybe(TEXT), "source": maybe(TEXT)})),
            "metricResults": many(_METRIC),
        },
    ),
    "AnalysisRunRowChange": _change("AnalysisRunRow"),
    "ExperimentRow": document("ExperimentRow", _EXPERIMENT),
    "ExperimentRowChange": _change("ExperimentRow"),
    "ExperimentList": list_of("ExperimentList", "ExperimentRow", "Experiment"),
    "Experiment": document(
        "Experiment",
        {
            **_EXPERIMENT,
            "progressDeadlineSeconds": NUMBER,
            "versions": many(_VERSION),
            "analyses": many(_ANALYSIS),
            "unavailable": MISSING,
        },
    ),
    "MeasurementCounts": struct(Counts),
}
