"""Shapes of `render.documents.notifications`."""

from __future__ import annotations

from rolloutctl.render.schemas.shapes import (
    FLAG,
    OBJECT,
    TEXT,
    Schema,
    document,
    list_of,
    many,
    maybe,
    obj,
)

_CONDITION: dict[str, Schema] = {
    "when": maybe(TEXT),
    "oncePer": maybe(TEXT),
    "send": many(TEXT),
    "description": maybe(TEXT),
}
_ROLLOUT = maybe(obj({"namespace": TEXT, "name": TEXT}))
_OUTCOME = {"holds": maybe(FLAG), "always": FLAG, "reason": maybe(TEXT)}
SHAPES: dict[str, Schema] = {
    "NotificationTrigger": document(
        "NotificationTrigger",
        {
            "name": TEXT,
            "conditions": many(obj(_CONDITION)),
            "missingTemplates": many(TEXT),
            "problem": maybe(TEXT),
        },
    ),
    "NotificationTriggerList": list_of("NotificationTriggerList", "NotificationTrigger"),
    "NotificationTemplate": document(
        "NotificationTemplate",
        {"name": TEXT, "content": OBJECT, "problem": maybe(TEXT)},
    ),
    "NotificationTemplateList": list_of("NotificationTemplateList", "NotificationTemplate"),
    "NotificationTriggerRun": document(
        "NotificationTriggerRun",
        {
            "name": TEXT,
            "rollout": _ROLLOUT,
            "conditions": many(obj({**_CONDITION, **_OUTCOME})),
        },
    ),
    "NotificationPreview": document(
        "NotificationPreview",
        {
            "name": TEXT,
            "rollout": _ROLLOUT,
            "texts": many(obj({"path": TEXT, "text": TEXT})),
            "left": many(TEXT),
        },
    ),
}
