"""Shapes of `render.documents.rollout`."""

from __future__ import annotations

from rolloutctl.domain.facts import (
    ActionName,
    AnalysisFacts,
    BlueGreenFacts,
    ExperimentFacts,
    PingPongFacts,
    ReplicaSetFacts,
    RouteFacts,
    RunUnderWay,
    Stage,
)
from rolloutctl.domain.plugins import Availability
from rolloutctl.domain.status import Awaiting
from rolloutctl.domain.steps import Completion, StepState
from rolloutctl.render.schemas.shapes import (
    ANYTHING,
    FLAG,
    MOMENT,
    NUMBER,
    OBJECT,
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

IMAGES = obj({"from": many(TEXT), "to": many(TEXT)})
MISSING = many(obj({"what": TEXT, "why": TEXT}))

_STATUS = {
    "phase": TEXT,
    "message": TEXT,
    "since": maybe(MOMENT),
    "observed": FLAG,
    "aborted": FLAG,
    "awaiting": maybe(one_of(Awaiting)),
}
_FACTS = obj(
    {
        **_STATUS,
        "cause": TEXT,
        "endsAt": maybe(MOMENT),
        "strategy": TEXT,
        "revision": WHOLE,
        "stableRevision": maybe(WHOLE),
        "images": IMAGES,
        "weights": obj(
            {
                "desired": maybe(WHOLE),
                "set": maybe(WHOLE),
                "actual": maybe(WHOLE),
                "router": TEXT,
                "verified": maybe(FLAG),
                "stable": maybe(WHOLE),
                "maximum": WHOLE,
                "routes": many(TEXT),
            }
        ),
        "routes": many(struct(RouteFacts)),
        "blueGreen": maybe(struct(BlueGreenFacts)),
        "pingPong": maybe(struct(PingPongFacts)),
        "workload": maybe(TEXT),
        "step": obj({"number": maybe(WHOLE), "count": WHOLE}),
        "completion": maybe(one_of(Completion)),
        "failedStep": maybe(WHOLE),
        "replicas": obj({"desired": WHOLE, "ready": WHOLE, "available": WHOLE, "updated": WHOLE}),
    }
)
_STEP = obj(
    {
        "number": WHOLE,
        "index": WHOLE,
        "type": TEXT,
        "text": TEXT,
        "state": one_of(StepState),
        "plugin": maybe(TEXT),
        "startedAt": maybe(MOMENT),
        "endsAt": maybe(MOMENT),
    }
)
_CALL = obj(
    {
        "phase": TEXT,
        "message": TEXT,
        "startedAt": maybe(MOMENT),
        "finishedAt": maybe(MOMENT),
    }
)
_PLUGIN = obj(
    {
        "number": WHOLE,
        "index": WHOLE,
        "name": TEXT,
        "phase": TEXT,
        "message": TEXT,
        "executions": WHOLE,
        "backoffSeconds": maybe(NUMBER),
        "nextCallAt": maybe(MOMENT),
        "startedAt": maybe(MOMENT),
        "updatedAt": maybe(MOMENT),
        "finishedAt": maybe(MOMENT),
        "disabled": FLAG,
        "availability": one_of(Availability),
        "status": ANYTHING,
        "abort": maybe(ref("PluginCall")),
        "terminate": maybe(ref("PluginCall")),
    }
)
_POD = obj(
    {
        "name": TEXT,
        "ready": FLAG,
        "state": TEXT,
        "restarts": WHOLE,
        "message": TEXT,
        "createdAt": maybe(MOMENT),
    }
)
_REVISION = obj(
    {
        "revision": WHOLE,
        "replicaSet": TEXT,
        "hash": TEXT,
        "roles": many(TEXT),
        "state": TEXT,
        "images": many(TEXT),
        "desired": WHOLE,
        "current": WHOLE,
        "ready": WHOLE,
        "available": WHOLE,
        "createdAt": maybe(MOMENT),
        "scaleDownAt": maybe(MOMENT),
        "pods": many(ref("Pod")),
    }
)
_ACTION = obj(
    {
        "action": one_of(ActionName),
        "toStep": maybe(WHOLE),
        "toRevision": maybe(WHOLE),
        "completes": FLAG,
        "needsForce": FLAG,
        "skips": many(WHOLE),
        "passesOver": many(WHOLE),
        "terminates": maybe(WHOLE),
        "aborts": many(WHOLE),
        "switches": maybe(TEXT),
        "analysisAgain": FLAG,
        "skipsAnalysis": FLAG,
        "ends": many(struct(RunUnderWay)),
    }
)
_ROLLOUT = document(
    "Rollout",
    {
        "namespace": TEXT,
        "name": TEXT,
        "metadata": obj(
            {"uid": TEXT, "labels": OBJECT, "generation": WHOLE, "createdAt": maybe(MOMENT)}
        ),
        "rollout": ref("RolloutFacts"),
        "steps": many(_STEP),
        "plugins": many(ref("PluginStep")),
        "revisions": many(_REVISION),
        "analysisRuns": many(struct(AnalysisFacts)),
        "experiments": many(
            struct(
                ExperimentFacts,
                duration=None,
                durationSeconds=maybe(NUMBER),
                replicaSets=many(struct(ReplicaSetFacts)),
            )
        ),
        "nextActions": many(_ACTION),
        "unavailable": MISSING,
    },
)
_ROW = document(
    "RolloutRow",
    {
        "namespace": TEXT,
        "name": TEXT,
        "metadata": obj({"labels": OBJECT}),
        "rollout": ref("RolloutRowFacts"),
    },
)
_ROW_FACTS = obj(
    {
        "phase": TEXT,
        "message": TEXT,
        "aborted": FLAG,
        "failedStep": maybe(WHOLE),
        "since": maybe(MOMENT),
        "awaiting": maybe(one_of(Awaiting)),
        "endsAt": maybe(MOMENT),
        "stage": maybe(one_of(Stage)),
        "workload": maybe(TEXT),
        "strategy": TEXT,
        "revision": WHOLE,
        "images": IMAGES,
        "weight": maybe(WHOLE),
        "step": obj(
            {
                "number": maybe(WHOLE),
                "count": WHOLE,
                "text": maybe(TEXT),
                "pluginPhase": maybe(TEXT),
            }
        ),
        "replicas": obj({"desired": WHOLE, "ready": WHOLE}),
    }
)
SHAPES: dict[str, Schema] = {
    "Rollout": _ROLLOUT,
    "RolloutRow": _ROW,
    "RolloutList": list_of("RolloutList", "RolloutRow", "Rollout"),
    "List": document("List", {"items": many(OBJECT)}),
    "RolloutRowChange": document(
        "RolloutRowChange",
        {
            "at": MOMENT,
            "change": {"type": "string", "examples": ["added", "changed", "deleted"]},
            "row": ref("RolloutRow"),
        },
    ),
    "RolloutChange": document(
        "RolloutChange",
        {
            "at": MOMENT,
            "news": TEXT,
            "changes": many(
                obj({"what": TEXT, "of": maybe(TEXT), "from": maybe(TEXT), "to": TEXT})
            ),
            "now": ref("Rollout"),
        },
    ),
    "RolloutFacts": _FACTS,
    "RolloutRowFacts": _ROW_FACTS,
    "Pod": _POD,
    "PluginStep": _PLUGIN,
    "PluginCall": _CALL,
}
"""By name. `List` has the server's own objects (--raw), or documents of several clusters."""
