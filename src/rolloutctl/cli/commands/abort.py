"""`rolloutctl abort`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, acting
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
@acting
def abort(
    ctx: typer.Context,
    asked: Asked,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Also let go what a person holds; its pods stay as they are otherwise."
        ),
    ] = False,
) -> ExitCode:
    """Stop an update and go back to the stable version.

    A full promotion under way is called off too. With --wait it follows until traffic and pods are
    back (with traffic routing: traffic) and reports what each plugin's Abort came to, in the order
    the controller called them. The rollout stays Degraded until it is retried, or gets a new
    image.

    Many are selected by --selector, --phase, --plugin, --awaiting or -f; see promote for the plan,
    the confirmation, the pace, and how to go on after an interrupt.

    \b
    Examples:
      rolloutctl abort checkout
      rolloutctl abort checkout --wait --timeout 2m
      rolloutctl abort -n payments --plugin demo/jenkins-gate --phase Progressing
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action

    return change(Run.of(ctx), Intent(Action.ABORT, resume=resume), asked)
