"""`rolloutctl demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import duration
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()
_READING = 7.0
"""Seconds to read a part of the story in; with these it takes two minutes."""


@command(app)
def demo(
    ctx: typer.Context,
    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            metavar="N",
            min=1,
            max=100,
            help="Pauses and gates run N times as fast.",
        ),
    ] = 5.0,
    pace: Annotated[
        float | None,
        typer.Option(
            "--pace",
            metavar="DURATION",
            parser=duration,
            help="Rest between the parts of the story; else 7s on a terminal, none elsewhere.",
            show_default=False,
        ),
    ] = None,
) -> ExitCode:
    """Watch the tool at work on a cluster of its own, in two minutes.

    Starts a sandbox, tells the story of a canary with gates, an outage of Jenkins, a full
    promotion and an abort, each line of it a real command, and cleans up, also when interrupted.
    Ends with exit code 1 when a command did not end as the story says. On a terminal it rests
    between its parts, for you to read; elsewhere it runs straight through.

    \b
    Examples:
      rolloutctl demo
      rolloutctl demo --pace 10s
      rolloutctl demo --speed 20 --pace 0
    """
    from rolloutctl.cli.demo.teller import tell

    environment = Run.of(ctx).environment
    if pace is None:
        pace = _READING if environment.stdout.isatty() else 0.0
    return tell(environment, speed=speed, pace=pace)
