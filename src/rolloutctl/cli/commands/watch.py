"""`rolloutctl watch`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Name, Output, TimeoutOption
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
def watch(
    ctx: typer.Context,
    name: Name,
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="GOAL",
            help="End when it is so: healthy, done, paused, awaiting, aborted, degraded, deleted,"
            " generation[=N], step=N, weight=N, revision=N, phase=PHASE[,PHASE],"
            " plugin=NAME[:PHASE], image=IMAGE, condition=TYPE[=STATUS].",
            show_default=False,
        ),
    ] = "",
    timeout: TimeoutOption = None,
    output: Output = None,
) -> ExitCode:
    """Follow one rollout live.

    On a terminal the picture is redrawn in place; elsewhere a line is printed per change (with
    -o jsonl a JSON document). Dropped connections are survived. Exit codes: 0 the goal of --until
    is reached; 1 it can no longer be reached, as after an abort (the cause is said); 4 --timeout is
    over; 5 the rollout was deleted; 6 another version took its place; 130 interrupted.

    \b
    Examples:
      rolloutctl watch checkout
      rolloutctl watch checkout --until healthy --timeout 15m
      rolloutctl watch checkout --until step=4
      rolloutctl watch checkout -o jsonl
    """
    from rolloutctl.cli import watching
    from rolloutctl.domain.goals import parse_goal

    run = Run.of(ctx)
    goal = parse_goal(until) if until else None
    (ref,) = run.refs([name])
    return watching.watch(run, ref, output=output, timeout=timeout, until=goal)
