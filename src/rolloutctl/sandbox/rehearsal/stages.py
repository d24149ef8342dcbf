"""A blue-green update has no steps; these are what it passes through, told like steps.

Source: argo-rollouts, rollout/bluegreen.go.
"""

from __future__ import annotations

from rolloutctl.sandbox.controller.objects import Obj, dig, items, mapping, number, text

PREVIEW = "preview"
PRE = "prePromotionAnalysis"
PAUSE = "pause"
SWITCH = "switch"
POST = "postPromotionAnalysis"


def stages(rollout: Obj) -> list[str]:
    """Which of them the rollout has, in order."""
    blue_green = mapping(rollout, "spec", "strategy", "blueGreen")
    there = {
        PREVIEW: True,
        PRE: blue_green.get(PRE) is not None,
        PAUSE: pause(rollout) is not None,
        SWITCH: True,
        POST: blue_green.get(POST) is not None,
    }
    return [stage for stage, is_there in there.items() if is_there]


def index_of_run(rollout: Obj, role: str) -> int | None:
    """The stage to which an AnalysisRun of that `rollout-type` belongs."""
    stage = {"PrePromotion": PRE, "PostPromotion": POST}.get(role)
    there = stages(rollout)
    return there.index(stage) if stage in there else None


def pause(rollout: Obj) -> Obj | None:
    """How long it pauses before the switch, None if it does not."""
    blue_green = mapping(rollout, "spec", "strategy", "blueGreen")
    if blue_green.get("autoPromotionEnabled") is False:
        return {"seconds": None, "shortest_seconds": None, "longest_seconds": None}
    seconds = float(number(blue_green, "autoPromotionSeconds"))
    if seconds <= 0:
        return None
    return {
        "seconds": seconds,
        "shortest_seconds": max(0.0, seconds - 1),
        "longest_seconds": seconds,
    }


def place(rollout: Obj, new: str) -> int | None:
    """The number of the stage it is at; past the last one when promoted, None when aborted."""
    status = mapping(rollout, "status")
    if status.get("abort") is True:
        return None
    there = stages(rollout)
    if text(status, "stableRS") == new:
        return len(there)
    if text(status, "blueGreen", "activeSelector") == new:
        return there.index(POST) if POST in there else there.index(SWITCH)
    if items(status, "pauseConditions") and PAUSE in there:
        return there.index(PAUSE)
    if dig(status, "blueGreen", "prePromotionAnalysisRunStatus") is not None and PRE in there:
        return there.index(PRE)
    return 0
