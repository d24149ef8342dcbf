"""Shapes of `render.documents.ending_runs`."""

from __future__ import annotations

from rolloutctl.domain.ending_runs import Effect, RunAction, RunDid
from rolloutctl.render.schemas.shapes import (
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

_RESULT: dict[str, Schema] = {
    "objectKind": TEXT,
    "namespace": TEXT,
    "name": TEXT,
    "result": one_of(RunDid),
    "exitCode": WHOLE,
    "phase": maybe(TEXT),
    "effect": maybe(one_of(Effect)),
    "owner": maybe(TEXT),
    "step": maybe(WHOLE),
    "patch": maybe(many(OBJECT)),
    "ended": maybe(TEXT),
    "message": maybe(TEXT),
    "error": maybe(ref("Problem")),
}
SHAPES: dict[str, Schema] = {
    "RunChanges": document(
        "RunChanges",
        {"action": one_of(RunAction), "exitCode": WHOLE, "results": many(obj(_RESULT))},
    ),
    "RunChange": document("RunChange", _RESULT),
}
