"""`rolloutctl abort`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import (
    DryRunOption,
    Names,
    Output,
    TimeoutOption,
    Wait,
    Yes,
    dry_run,
)
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
def abort(
    ctx: typer.Context,
    names: Names,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Also let go what a person holds; its pods stay as they are otherwise."
        ),
    ] = False,
    wait: Wait = False,
    timeout: TimeoutOption = None,
    trial: DryRunOption = "",
    yes: Yes = False,
    output: Output = None,
) -> ExitCode:
    """Stop an update and go back to the stable version.

    A full promotion under way is called off too. With --wait it follows until traffic and pods are
    back (with traffic routing: traffic) and reports what each plugin's Abort came to, in the order
    the controller called them. The rollout stays Degraded until it is retried, or gets a new
    image.

    \b
    Examples:
      rolloutctl abort checkout
      rolloutctl abort checkout --wait --timeout 2m
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action

    return change(
        Run.of(ctx),
        names,
        Intent(Action.ABORT, resume=resume),
        yes=yes,
        dry_run=dry_run(trial),
        wait=wait,
        timeout=timeout,
        output=output,
    )
