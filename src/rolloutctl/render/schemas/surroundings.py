"""Shapes of what the tool says of itself: its settings, its sandbox."""

from __future__ import annotations

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
)

_FREEZE = obj(
    {
        "name": TEXT,
        "from": TEXT,
        "until": TEXT,
        "timezone": TEXT,
        "contexts": many(TEXT),
        "namespaces": many(TEXT),
        "holdsUntil": maybe(MOMENT),
    }
)
_RUNNING = {
    "name": TEXT,
    "instance": TEXT,
    "pid": WHOLE,
    "url": TEXT,
    "kubeconfig": TEXT,
    "startedAt": TEXT,
    "uptimeSeconds": WHOLE,
    "speed": NUMBER,
    "plugins": many(TEXT),
    "objects": OBJECT,
    "controller": obj({"state": TEXT, "message": TEXT}),
    "jenkins": obj({"mode": TEXT, "url": TEXT, "builds": OBJECT}),
}
SHAPES: dict[str, Schema] = {
    "Configuration": document(
        "Configuration",
        {
            "path": maybe(TEXT),
            "exists": FLAG,
            "settings": many(obj({"name": TEXT, "value": ANYTHING, "source": maybe(TEXT)})),
            "contexts": many(
                obj(
                    {
                        "name": TEXT,
                        "settings": many(obj({"name": TEXT, "value": ANYTHING, "source": TEXT})),
                    }
                )
            ),
            "aliases": many(obj({"name": TEXT, "command": TEXT})),
            "freezes": many(_FREEZE),
        },
    ),
    "Sandbox": document("Sandbox", {"running": FLAG}, **_RUNNING),
}
"""Of a sandbox that does not run there is nothing else to say."""
