"""`rolloutctl retry`."""

from __future__ import annotations

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, shipping
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
@shipping
def retry(ctx: typer.Context, asked: Asked) -> ExitCode:
    """Start an aborted update again, from its first step, with the same version.

    With --wait it follows until the rollout is Healthy or waits for a person (0), is degraded or
    aborted again (1), or the time is up (4).

    Many are selected by --selector, --phase, --plugin, --awaiting or -f; see promote for the plan,
    the confirmation, the pace, and how to go on after an interrupt.

    \b
    Examples:
      rolloutctl retry checkout
      rolloutctl retry checkout --wait --timeout 10m
      rolloutctl retry -n payments --phase Degraded --batch 5 --wait
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action

    return change(Run.of(ctx), Intent(Action.RETRY), asked)
