"""Shapes of `render.documents.creating`."""

from __future__ import annotations

from rolloutctl.domain.creating import Made
from rolloutctl.render.schemas.shapes import (
    FLAG,
    NUMBER,
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

_RESULT = {
    "objectApiVersion": TEXT,
    "objectKind": TEXT,
    "namespace": maybe(TEXT),
    "name": TEXT,
    "file": TEXT,
    "result": one_of(Made),
    "exitCode": WHOLE,
    "error": maybe(ref("Problem")),
    "outcome": maybe(
        obj(
            {
                "phase": maybe(TEXT),
                "message": TEXT,
                "good": maybe(FLAG),
                "seconds": NUMBER,
                "timedOut": FLAG,
            }
        )
    ),
}
SHAPES: dict[str, Schema] = {
    "Creations": document(
        "Creations", {"exitCode": WHOLE, "dryRun": maybe(TEXT), "results": many(obj(_RESULT))}
    ),
    "Creation": document("Creation", _RESULT),
}
