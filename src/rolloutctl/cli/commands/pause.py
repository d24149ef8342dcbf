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

    Many are selected by --selector, --phase, --plugin, --awaiting or -f; see promote for the plan,
    the confirmation, the pace, and how to go on after an interrupt.

    \b
    Examples:
      rolloutctl pause checkout
      rolloutctl list -n shop -o name | rolloutctl pause -n shop -f - --yes
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action

    return change(Run.of(ctx), Intent(Action.PAUSE), asked)
