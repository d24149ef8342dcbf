"""Shapes of `render.documents.waited` and `render.documents.lockstep`."""

from __future__ import annotations

from rolloutctl.domain import lockstep, waited
from rolloutctl.domain.decision import Action
from rolloutctl.render.schemas.shapes import (
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
)

_RESULT = document(
    "WaitResult",
    {
        "namespace": TEXT,
        "name": TEXT,
        "for": many(TEXT),
        "result": one_of(waited.Came),
        "reached": maybe(TEXT),
        "reason": maybe(TEXT),
        "afterSeconds": NUMBER,
        "exitCode": WHOLE,
        "rollout": maybe(ref("RolloutRowFacts")),
    },
)
_MEMBER = obj(
    {
        "namespace": TEXT,
        "name": TEXT,
        "standing": one_of(lockstep.Standing),
        "step": maybe(ref("StepPlace")),
        "phase": TEXT,
        "message": TEXT,
    }
)
_GROUP = document(
    "GroupChange",
    {
        "selector": TEXT,
        "end": one_of(lockstep.Came),
        "rounds": WHOLE,
        "exitCode": WHOLE,
        "members": many(_MEMBER),
        "failed": many(TEXT),
        "sent": many(
            obj(
                {
                    "namespace": TEXT,
                    "name": TEXT,
                    "action": one_of(Action),
                    "error": maybe(ref("Problem")),
                }
            )
        ),
    },
)
SHAPES: dict[str, Schema] = {
    "WaitResult": _RESULT,
    "WaitResultList": list_of("WaitResultList", "WaitResult"),
    "GroupChange": _GROUP,
}
