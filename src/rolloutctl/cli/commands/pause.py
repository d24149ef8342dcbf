"""`rolloutctl pause`."""

from __future__ import annotations

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
def pause(
    ctx: typer.Context,
    names: Names,
    wait: Wait = False,
    timeout: TimeoutOption = None,
    trial: DryRunOption = "",
    yes: Yes = False,
    output: Output = None,
) -> ExitCode:
    """Hold a rollout where it is, until it is resumed.

    No step completes and no pods are moved meanwhile. With --wait it follows until the controller
    has seen it.

    \b
    Examples:
      rolloutctl pause checkout
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action

    return change(
        Run.of(ctx),
        names,
        Intent(Action.PAUSE),
        yes=yes,
        dry_run=dry_run(trial),
        wait=wait,
        timeout=timeout,
        output=output,
    )
