"""Shapes of `render.documents.doctor`."""

from __future__ import annotations

from rolloutctl.domain.doctor import Check, Severity
from rolloutctl.domain.rights import Can, Place
from rolloutctl.render.schemas.shapes import (
    FLAG,
    OBJECT,
    TEXT,
    WHOLE,
    Schema,
    document,
    list_of,
    many,
    obj,
    one_of,
    ref,
)

_FINDING = obj(
    {
        "check": one_of(Check),
        "severity": one_of(Severity),
        "message": TEXT,
        "advice": many(TEXT),
        "facts": OBJECT,
    }
)
_RIGHTS = obj(
    {
        "command": TEXT,
        "can": one_of(Can),
        "missing": many(
            obj(
                {
                    "apiGroup": TEXT,
                    "resource": TEXT,
                    "verb": TEXT,
                    "place": one_of(Place),
                    "optional": FLAG,
                }
            )
        ),
    }
)
SHAPES: dict[str, Schema] = {
    "Diagnosis": document(
        "Diagnosis",
        {
            "exitCode": WHOLE,
            "findings": many(_FINDING),
            "rights": many(ref("CommandRights")),
        },
    ),
    "DiagnosisList": list_of("DiagnosisList", "Diagnosis"),
    "Rights": document("Rights", {"rights": many(ref("CommandRights"))}),
    "RightsList": list_of("RightsList", "Rights"),
    "CommandRights": _RIGHTS,
}
