"""One reconcile of a blue-green rollout.

Source: argo-rollouts, rollout/bluegreen.go.
"""

from __future__ import annotations

from .context import Context


def reconcile(context: Context) -> None:
    """Bring it one step on. `context.new` is there and carries its revision."""
