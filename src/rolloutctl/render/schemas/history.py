"""Shapes of `render.documents.history`."""

from __future__ import annotations

from rolloutctl.domain.history import Outcome
from rolloutctl.render.schemas.shapes import (
    FLAG,
    MOMENT,
    NUMBER,
    OBJECT,
    TEXT,
    WHOLE,
    Schema,
    document,
    many,
    maybe,
    obj,
    one_of,
    ref,
)

_AUDIT = obj(
    {
        "action": TEXT,
        "by": maybe(TEXT),
        "reason": maybe(TEXT),
        "from": maybe(TEXT),
        "to": maybe(TEXT),
        "at": maybe(MOMENT),
    }
)
_VERSION: dict[str, Schema] = {
    "revision": WHOLE,
    "replicaSet": TEXT,
    "hash": TEXT,
    "roles": many(TEXT),
    "replicas": WHOLE,
    "createdAt": maybe(MOMENT),
    "images": OBJECT,
    "imageChanges": many(obj({"container": TEXT, "from": maybe(TEXT), "to": TEXT})),
    "outcome": maybe(one_of(Outcome)),
    "detail": maybe(TEXT),
    "changedBy": maybe(ref("Audit")),
    "changeCause": maybe(TEXT),
    "writtenBy": maybe(TEXT),
    "stoppedBy": maybe(ref("Audit")),
    "startedAt": maybe(MOMENT),
    "endedAt": maybe(MOMENT),
    "tookSeconds": maybe(NUMBER),
    "stepsDone": maybe(WHOLE),
    "steps": maybe(WHOLE),
    "analysisRuns": many(obj({"name": TEXT, "phase": TEXT, "message": TEXT})),
}
_NAMED: dict[str, Schema] = {"namespace": TEXT, "name": TEXT}
_SIDE = obj({"what": TEXT, "revision": maybe(WHOLE), "file": maybe(TEXT)})
SHAPES: dict[str, Schema] = {
    "RolloutHistory": document(
        "RolloutHistory",
        {
            **_NAMED,
            "revisions": many(obj(_VERSION)),
            "unavailable": many(obj({"what": TEXT, "why": TEXT})),
        },
    ),
    "RolloutRevision": document("RolloutRevision", {**_NAMED, **_VERSION, "template": OBJECT}),
    "TemplateDiff": document(
        "TemplateDiff",
        {
            **_NAMED,
            "from": _SIDE,
            "to": _SIDE,
            "same": FLAG,
            "differences": many(ref("Difference")),
        },
    ),
    "Audit": _AUDIT,
}
