"""Shapes of `render.documents.changes`."""

from __future__ import annotations

from rolloutctl.domain.decision import Action, Note
from rolloutctl.domain.endings import End
from rolloutctl.domain.gitops import Tool
from rolloutctl.domain.reports import Did
from rolloutctl.domain.status import Awaiting
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
    many,
    maybe,
    obj,
    one_of,
    ref,
)

_POSITION = obj(
    {
        "step": maybe(ref("StepPlace")),
        "phase": maybe(TEXT),
        "message": maybe(TEXT),
        "aborted": FLAG,
        "held": FLAG,
        "full": FLAG,
    }
)
_PLUGIN = obj(
    {
        "number": WHOLE,
        "index": WHOLE,
        "name": TEXT,
        "phase": TEXT,
        "abort": maybe(ref("PluginCall")),
        "terminate": maybe(ref("PluginCall")),
    }
)
_STEP = obj({"number": WHOLE, "index": WHOLE, "text": TEXT, "plugin": maybe(ref("ChangedPlugin"))})
_RESTART = obj({"at": maybe(MOMENT), "was": maybe(MOMENT), "pods": WHOLE, "atOnce": WHOLE})
_DIFFERENCE = obj({"path": TEXT, "reordered": FLAG}, **{"from": ANYTHING, "to": ANYTHING})
_MANAGED_BY = many(obj({"tool": one_of(Tool), "application": maybe(TEXT)}))
_UNDO = obj(
    {
        "from": obj({"revision": maybe(WHOLE), "images": OBJECT}),
        "to": obj(
            {
                "revision": WHOLE,
                "replicaSet": TEXT,
                "hash": TEXT,
                "created": maybe(MOMENT),
                "images": OBJECT,
            }
        ),
        "workload": maybe(TEXT),
        "stableRevision": maybe(WHOLE),
        "differences": many(ref("Difference")),
        "managedBy": _MANAGED_BY,
    }
)
_SET_IMAGE = obj(
    {
        "containers": many(obj({"container": TEXT, "list": TEXT, "from": maybe(TEXT), "to": TEXT})),
        "workload": maybe(TEXT),
        "managedBy": _MANAGED_BY,
    }
)
_OUTCOME = obj(
    {
        "end": one_of(End),
        "phase": TEXT,
        "message": TEXT,
        "awaiting": maybe(one_of(Awaiting)),
        "seconds": NUMBER,
        "step": maybe(ref("StepPlace")),
        "aborted": many(ref("ChangedPlugin")),
        "terminated": many(ref("ChangedPlugin")),
        "uncalled": many(ref("ChangedPlugin")),
    }
)
_RESULT = obj(
    {
        "namespace": TEXT,
        "name": TEXT,
        "action": one_of(Action),
        "result": one_of(Did),
        "exitCode": WHOLE,
        "from": maybe(_POSITION),
        "to": maybe(_POSITION),
        "skips": many(_STEP),
        "pauses": many(TEXT),
        "terminates": maybe(ref("ChangedPlugin")),
        "leavesRunning": many(ref("ChangedPlugin")),
        "aborts": many(ref("ChangedPlugin")),
        "muted": many(ref("ChangedPlugin")),
        "ends": many(obj({"kind": TEXT, "name": TEXT, "type": TEXT})),
        "notes": many(one_of(Note)),
        "restart": maybe(_RESTART),
        "undo": maybe(_UNDO),
        "managedBy": _MANAGED_BY,
        "scale": maybe(obj({"from": WHOLE, "to": WHOLE})),
        "then": maybe(
            obj(
                {
                    "action": one_of(Action),
                    "skips": many(_STEP),
                    "terminates": maybe(ref("ChangedPlugin")),
                }
            )
        ),
        "setImage": maybe(_SET_IMAGE),
        "patches": many(
            obj({"kind": TEXT, "name": TEXT, "subresource": TEXT, "operations": many(OBJECT)})
        ),
        "error": maybe(ref("Problem")),
        "outcome": maybe(_OUTCOME),
    }
)
SHAPES: dict[str, Schema] = {
    "Changes": document(
        "Changes",
        {"action": one_of(Action), "exitCode": WHOLE, "results": many(ref("ChangeResult"))},
    ),
    "ChangeResult": {"title": "A line of Changes with -o jsonl", **_RESULT},
    "ChangedPlugin": _PLUGIN,
    "Difference": _DIFFERENCE,
    "Problem": obj({"message": TEXT, "hint": TEXT, "exitCode": WHOLE}),
    "StepPlace": obj({"number": maybe(WHOLE), "index": WHOLE, "count": WHOLE, "text": maybe(TEXT)}),
}
