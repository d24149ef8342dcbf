"""Shapes of `render.documents.fleet`."""

from __future__ import annotations

from rolloutctl.domain.fleet.causes import Cause
from rolloutctl.domain.fleet.summary import Counts
from rolloutctl.domain.status import Awaiting
from rolloutctl.render.schemas.shapes import (
    MOMENT,
    TEXT,
    WHOLE,
    Schema,
    document,
    many,
    maybe,
    obj,
    one_of,
    ref,
    struct,
)


def _listed(shape: Schema) -> Schema:
    return obj({"total": WHOLE, "items": many(shape)})


_NAMED = {"cluster": maybe(TEXT), "namespace": TEXT, "name": TEXT}
_PLACE = obj({**_NAMED, "at": maybe(MOMENT)})
_GROUP = obj({"name": maybe(TEXT), "counts": ref("FleetCounts")})
_CAUSE = obj(
    {
        "cause": one_of(Cause),
        "name": maybe(TEXT),
        "phase": maybe(TEXT),
        "text": maybe(TEXT),
        "count": WHOLE,
        "message": maybe(TEXT),
        "rollouts": many(ref("FleetPlace")),
    }
)
_CAUSES = obj({"total": WHOLE, "causes": _listed(_CAUSE)})
_AWAITING = obj(
    {
        **_NAMED,
        "awaiting": maybe(one_of(Awaiting)),
        "since": maybe(MOMENT),
        "forSeconds": maybe(WHOLE),
    }
)
_STUCK = obj({**_NAMED, "since": maybe(MOMENT), "forSeconds": maybe(WHOLE), "plugin": maybe(TEXT)})
_PLUGIN = obj(
    {
        "name": TEXT,
        "rollouts": WHOLE,
        "steps": WHOLE,
        "running": _listed(ref("FleetPlace")),
        "failing": _listed(ref("FleetPlace")),
        "failed": _listed(ref("FleetPlace")),
        "disabledIn": many(TEXT),
        "notConfiguredIn": many(TEXT),
        "unknownIn": many(TEXT),
    }
)
SHAPES: dict[str, Schema] = {
    "FleetSummary": document(
        "FleetSummary",
        {
            "at": MOMENT,
            "sinceSeconds": WHOLE,
            "stuckSeconds": WHOLE,
            "counts": ref("FleetCounts"),
            "by": TEXT,
            "strategies": _listed(_GROUP),
            "clusters": _listed(_GROUP),
            "groups": _listed(_GROUP),
            "awaiting": _listed(_AWAITING),
            "aborted": _CAUSES,
            "abortedBefore": WHOLE,
            "degraded": _CAUSES,
            "plugins": _listed(_PLUGIN),
            "stuck": _listed(_STUCK),
        },
    ),
    "FleetCounts": struct(Counts),
    "FleetPlace": _PLACE,
}
