"""Shapes of `render.documents.lint`."""

from __future__ import annotations

from rolloutctl.domain.lint.finding import Severity
from rolloutctl.render.schemas.shapes import TEXT, WHOLE, Schema, document, many, maybe, obj, one_of

_FINDING: dict[str, Schema] = {
    "rule": TEXT,
    "severity": one_of(Severity),
    "message": TEXT,
    "hint": maybe(TEXT),
    "file": TEXT,
    "line": maybe(WHOLE),
    "column": maybe(WHOLE),
    "path": maybe(TEXT),
    "object": maybe(obj({"kind": TEXT, "namespace": maybe(TEXT), "name": maybe(TEXT)})),
}
SHAPES: dict[str, Schema] = {
    "LintReport": document(
        "LintReport",
        {
            "files": WHOLE,
            "objects": WHOLE,
            "errors": WHOLE,
            "warnings": WHOLE,
            "notes": WHOLE,
            "findings": many(obj(_FINDING)),
        },
    ),
    "LintFinding": document("LintFinding", _FINDING),
}
