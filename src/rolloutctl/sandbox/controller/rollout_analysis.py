"""The AnalysisRuns of one rollout: made, ended, and what their results mean for it.

Source: argo-rollouts, rollout/analysis.go.
"""

from __future__ import annotations

from .context import Context
from .objects import Obj

CANARY_FIELDS = ("currentStepAnalysisRunStatus", "currentBackgroundAnalysisRunStatus")
BLUE_GREEN_FIELDS = ("prePromotionAnalysisRunStatus", "postPromotionAnalysisRunStatus")


def reconcile(context: Context) -> None:
    """Make the runs that should be, end those that should not, and take in the results.

    A result may abort or pause the rollout (`context.pausing`).
    """


def write(context: Context, status: Obj) -> None:
    """Put the fields about the current runs into `status`' canary or blueGreen part."""


def step_is_done(context: Context) -> bool:
    """Whether the run of the current canary step was Successful."""
    return False
