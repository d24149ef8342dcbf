"""`rolloutctl pause`."""

from __future__ import annotations

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, acting
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
@acting
def pause(ctx: typer.Context, asked: Asked) -> ExitCode:
    """Hold rollouts where they are, until they are resumed.

    No step completes and no pods are moved meanwhile. With --wait it follows until the controller
    has seen it.

    \b
    Examples:
      rolloutctl pause checkout
      rolloutctl pause -A --phase Progressing --dry-run
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action

    return change(Run.of(ctx), Intent(Action.PAUSE), asked)
