"""`rolloutctl demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
def demo(
    ctx: typer.Context,
    speed: Annotated[
        float,
        typer.Option("--speed", min=1, max=100, help="Pauses and gates run so many times as fast."),
    ] = 5.0,
) -> ExitCode:
    """Watch the tool at work on a cluster of its own, in two minutes.

    Starts a sandbox, tells the story of a canary with gates, an outage of Jenkins, a full
    promotion and an abort, each line of it a real command, and cleans up, also when interrupted.
    Ends with exit code 1 when a command did not end as the story says.

    \b
    Examples:
      rolloutctl demo
      rolloutctl demo --speed 20
    """
    from rolloutctl.cli.demo.teller import tell

    return tell(Run.of(ctx).environment, speed=speed)
