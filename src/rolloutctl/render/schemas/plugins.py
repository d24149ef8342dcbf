"""Shapes of `render.documents.plugins`."""

from __future__ import annotations

from rolloutctl.domain.gitops import Tool
from rolloutctl.domain.plugin_change import Restarted
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

_CONTROLLER = obj(
    {
        "namespace": TEXT,
        "deployment": maybe(TEXT),
        "startedAt": maybe(MOMENT),
        "configChangedAt": maybe(MOMENT),
        "pendingRestart": maybe(FLAG),
        "unknown": maybe(TEXT),
    }
)
_RUN = obj(
    {
        "namespace": TEXT,
        "rollout": TEXT,
        "rolloutPhase": maybe(TEXT),
        "plugin": TEXT,
        "number": WHOLE,
        "index": WHOLE,
        "phase": TEXT,
        "message": TEXT,
        "executions": WHOLE,
        "startedAt": maybe(MOMENT),
        "updatedAt": maybe(MOMENT),
        "nextCallAt": maybe(MOMENT),
        "status": ANYTHING,
    }
)
_PLUGIN = document(
    "Plugin",
    {
        "name": TEXT,
        "type": TEXT,
        "configured": FLAG,
        "disabled": FLAG,
        "location": maybe(TEXT),
        "sha256": maybe(TEXT),
        "disabledNote": maybe(obj({"reason": TEXT, "by": TEXT, "at": maybe(MOMENT)})),
        "usedBy": obj({"rollouts": WHOLE, "steps": WHOLE, "templates": WHOLE}),
        "inFlight": WHOLE,
        "failed24h": WHOLE,
        "rollouts": many(TEXT),
        "runs": many(ref("PluginRun")),
    },
)
_LIST = document(
    "PluginList",
    {
        "controller": ref("Controller"),
        "countedIn": maybe(TEXT),
        "problems": many(
            obj({"key": TEXT, "line": maybe(WHOLE), "column": maybe(WHOLE), "message": TEXT})
        ),
        "notes": many(TEXT),
        "items": many(ref("Plugin")),
    },
)
_PLAN = document(
    "PluginSwitchPlan",
    {
        "disable": FLAG,
        "changed": many(TEXT),
        "unchanged": many(TEXT),
        "diff": many(TEXT),
        "patch": many(OBJECT),
        "controller": ref("Controller"),
        "inFlight": many(ref("PluginRun")),
        "locations": many(
            obj({"plugin": TEXT, "location": TEXT, "reachable": maybe(FLAG), "detail": TEXT})
        ),
        "managedBy": many(obj({"tool": one_of(Tool), "application": maybe(TEXT)})),
    },
)
_SWITCH = document(
    "PluginSwitch",
    {
        "disable": FLAG,
        "namespace": TEXT,
        "changed": many(TEXT),
        "unchanged": many(TEXT),
        "diff": many(TEXT),
        "attempts": WHOLE,
        "pendingRestart": maybe(FLAG),
        "inFlightSavedTo": maybe(TEXT),
        "restart": maybe(
            obj(
                {
                    "outcome": one_of(Restarted),
                    "seconds": NUMBER,
                    "pod": TEXT,
                    "fatal": maybe(TEXT),
                    "problem": maybe(TEXT),
                }
            )
        ),
        "passedOver": many(ref("PluginRun")),
        "notPassedOver": many(ref("PluginRun")),
        "unblocked": many(TEXT),
    },
)
SHAPES: dict[str, Schema] = {
    "Plugin": _PLUGIN,
    "PluginList": _LIST,
    "PluginRunList": document(
        "PluginRunList",
        {
            "controller": ref("Controller"),
            "countedIn": maybe(TEXT),
            "items": many(ref("PluginRun")),
        },
    ),
    "PluginRunsInFlight": document(
        "PluginRunsInFlight",
        {"plugins": many(TEXT), "savedAt": MOMENT, "items": many(ref("PluginRun"))},
    ),
    "PluginSwitch": _SWITCH,
    "PluginSwitchPlan": _PLAN,
    "PluginRun": {
        "title": "A line of PluginRunList with -o jsonl",
        **_RUN,
        "properties": {**_RUN["properties"], "cluster": TEXT},
    },
    "Controller": _CONTROLLER,
}
