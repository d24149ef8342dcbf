"""The Experiments of one rollout's steps: made, ended, and what their results mean for it.

Source: argo-rollouts, rollout/experiment.go.
"""

from __future__ import annotations

from .context import Context
from .objects import Obj


def reconcile(context: Context) -> None:
    """Make the Experiment of the current step, end those of others, take in the result.

    A result may abort or pause the rollout (`context.pausing`).
    """


def write(context: Context, canary: Obj) -> None:
    """Put `currentExperiment` into the canary part of the status."""


def step_is_done(context: Context) -> bool:
    """Whether the Experiment of the current step was Successful."""
    return False
