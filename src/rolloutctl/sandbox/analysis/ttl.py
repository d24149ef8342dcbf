"""How long a run that has ended stays.

Source: argo-rollouts, analysis/controller.go, `ttlStrategy`.
"""

from __future__ import annotations

from rolloutctl.sandbox.controller.objects import Obj, mapping, text, uid
from rolloutctl.sandbox.controller.timing import Timing

_BY_PHASE = {
    "Successful": "secondsAfterSuccess",
    "Failed": "secondsAfterFailure",
    "Error": "secondsAfterFailure",
}


def seconds_to_live(run: Obj, timing: Timing) -> float | None:
    """Until a run at its end is deleted, 0 or less when it is time, None if it stays."""
    strategy, ended = mapping(run, "spec", "ttlStrategy"), text(run, "status", "completedAt")
    stays = strategy.get(_BY_PHASE.get(text(run, "status", "phase"), ""))
    if stays is None:
        stays = strategy.get("secondsAfterCompletion")
    if not isinstance(stays, int) or not ended:
        return None
    return stays - timing.elapsed(uid(run), "completed", ended)
