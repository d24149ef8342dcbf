"""`rolloutctl resume`."""

from __future__ import annotations

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, shipping
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
@shipping
def resume(ctx: typer.Context, asked: Asked) -> ExitCode:
    """Let a rollout go on that a person holds; nothing is skipped.

    A rollout that pauses at a step goes on with promote. With --wait it follows until the rollout
    is Healthy or waits for a person (0), is degraded or aborted (1), or the time is up (4).

    Many are selected by --selector, --phase, --plugin, --awaiting or -f; see promote for the plan,
    the confirmation, the pace, and how to go on after an interrupt.

    \b
    Examples:
      rolloutctl resume checkout
      rolloutctl resume checkout --wait
      rolloutctl resume -f left.txt
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action

    return change(Run.of(ctx), Intent(Action.RESUME), asked)
