"""`rolloutctl events`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Names, Output, TimeoutOption
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

app = new_app()

TYPES = ("Normal", "Warning")


def _types(text: str) -> str:
    known = {name.lower(): name for name in TYPES}
    parts = [part.strip().lower() for part in text.split(",") if part.strip()]
    for part in parts:
        if part not in known:
            raise typer.BadParameter(f'"{part}" is no type of an event; known: {", ".join(TYPES)}')
    return ",".join(known[part] for part in parts)


@command(app)
def events(
    ctx: typer.Context,
    names: Names,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on with each event that comes.")
    ] = False,
    own: Annotated[
        bool,
        typer.Option("--own", help="Only of the rollout itself, not of its pods, runs and so on."),
    ] = False,
    every: Annotated[
        bool,
        typer.Option("--all", help="Also of objects of the rollout that are gone, by their names."),
    ] = False,
    types: Annotated[
        str,
        typer.Option(
            "--types",
            metavar="TYPE,...",
            parser=_types,
            help="Only these: Normal, Warning.",
            show_default=False,
        ),
    ] = "",
    output: Output = None,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Show the events of rollouts, and of their ReplicaSets, pods, analysis runs, experiments.

    The oldest comes first. Changes made with rolloutctl say who made them and why. A cluster drops
    events after a while, an hour mostly. With -o wide there is how often an event was seen, since
    when, and who wrote it.

    \b
    Examples:
      rolloutctl events checkout
      rolloutctl events checkout --types Warning
      rolloutctl events checkout -w
      rolloutctl events checkout --own -o jsonl
    """
    from rolloutctl.cli import events as command

    run = Run.of(ctx)
    refs = run.refs(names)
    asked = command.Asked(
        own=own,
        gone=every,
        types=frozenset(part for part in types.split(",") if part),
        output=output,
    )
    if watch:
        return command.follow(run, refs, asked, timeout)
    if timeout is not None:
        raise UsageError("--timeout needs --watch")
    return command.show(run, refs, asked)
