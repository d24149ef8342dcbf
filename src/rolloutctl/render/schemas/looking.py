"""Shapes of `render.documents.events`, `render.documents.logs` and `render.documents.owned`."""

from __future__ import annotations

from rolloutctl.render.schemas.rollout import MISSING
from rolloutctl.render.schemas.shapes import (
    FLAG,
    MOMENT,
    TEXT,
    WHOLE,
    Schema,
    document,
    list_of,
    many,
    maybe,
    obj,
    ref,
)

_AUDIT = obj(
    {
        "action": TEXT,
        "by": maybe(TEXT),
        "reason": maybe(TEXT),
        "from": maybe(TEXT),
        "to": maybe(TEXT),
    }
)
_EVENT = document(
    "Event",
    {
        "namespace": TEXT,
        "name": TEXT,
        "object": obj({"kind": TEXT, "name": TEXT, "uid": maybe(TEXT)}),
        "type": TEXT,
        "reason": TEXT,
        "message": TEXT,
        "count": WHOLE,
        "firstAt": maybe(MOMENT),
        "lastAt": maybe(MOMENT),
        "component": maybe(TEXT),
        "audit": maybe(_AUDIT),
    },
)
_LINE = document(
    "LogLine",
    {
        "namespace": TEXT,
        "of": TEXT,
        "role": maybe(TEXT),
        "pod": TEXT,
        "container": TEXT,
        "at": maybe(MOMENT),
        "message": TEXT,
    },
)
_NODE = obj(
    {
        "kind": TEXT,
        "namespace": TEXT,
        "name": TEXT,
        "uid": maybe(TEXT),
        "state": maybe(TEXT),
        "message": TEXT,
        "ready": maybe(WHOLE),
        "desired": maybe(WHOLE),
        "revision": maybe(WHOLE),
        "roles": many(TEXT),
        "createdAt": maybe(MOMENT),
        "children": many(ref("TreeNode")),
    }
)
_NAMED = obj(
    {
        "kind": TEXT,
        "namespace": maybe(TEXT),
        "name": TEXT,
        "for": TEXT,
        "found": maybe(FLAG),
        "why": maybe(TEXT),
    }
)
SHAPES: dict[str, Schema] = {
    "Event": _EVENT,
    "EventList": list_of("EventList", "Event"),
    "LogLine": _LINE,
    "LogLineList": list_of("LogLineList", "LogLine"),
    "Tree": document(
        "Tree",
        {
            "namespace": TEXT,
            "name": TEXT,
            "root": ref("TreeNode"),
            "names": many(_NAMED),
            "unavailable": MISSING,
        },
    ),
    "TreeList": list_of("TreeList", "Tree"),
    "TreeNode": _NODE,
}
