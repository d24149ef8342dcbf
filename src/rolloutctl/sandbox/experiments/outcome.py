"""What becomes of an Experiment by its templates and analyses.

Source: argo-rollouts, experiments/experiment.go (assessTemplates, assessAnalysisRuns).
"""

from __future__ import annotations

from rolloutctl.sandbox.controller.objects import Obj, dig, text
from rolloutctl.sandbox.controller.run_history import FINAL

from .look import Look

_WORST_FIRST = ("Failed", "Error", "Inconclusive")
REQUIRED_DONE = "Required AnalysisRuns completed"


def decide(look: Look) -> tuple[str, str]:
    """The phase the Experiment is in now, and the message with it."""
    statuses = look.template_statuses()
    ended = _worst(statuses, "status")
    if ended is not None:
        return ended
    analyses = [look.analysis_status(text(each, "name")) for each in look.analyses]
    ended = _worst([each for each in analyses if each is not None], "phase")
    if ended is not None:
        return ended
    if dig(look.experiment, "spec", "terminate") is True:
        return "Successful", ""
    required = [
        look.analysis_status(text(each, "name"))
        for each in look.analyses
        if each.get("requiredForCompletion") is True
    ]
    all_required = all(text(each, "phase") == "Successful" for each in required)
    if all(text(each, "status") in FINAL for each in statuses):
        return ("Successful", "") if all_required else ("Running", "")
    if required and all_required and not text(look.experiment, "spec", "duration"):
        return "Successful", REQUIRED_DONE
    if look.status.get("availableAt") or all(
        text(each, "status") == "Running" for each in statuses
    ):
        return "Running", ""
    return "Pending", ""


def _worst(entries: list[Obj], key: str) -> tuple[str, str] | None:
    for phase in _WORST_FIRST:
        for each in entries:
            if text(each, key) == phase:
                return phase, text(each, "message")
    return None
