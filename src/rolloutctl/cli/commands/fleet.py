"""`rolloutctl fleet`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Fresh, Output, Selector, TimeoutOption, duration
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()


def _number(text: str | int) -> int:
    """A number from 0 on. Raises BadParameter."""
    # Not left to Typer: its adapter for numbers in a range is slow to import.
    if not str(text).isdecimal() or not str(text).isascii():
        raise typer.BadParameter(f'"{text}" is not a number from 0 on')
    return int(text)


@command(app)
def fleet(
    ctx: typer.Context,
    selector: Selector = "",
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="namespace|LABEL",
            help="Count by it; else by team, owner or app.kubernetes.io/part-of where at least"
            " half of the rollouts have that label, else by namespace.",
            show_default=False,
        ),
    ] = "",
    since: Annotated[
        float,
        typer.Option(
            "--since",
            metavar="DURATION",
            parser=duration,
            help="How far back aborts and failed plugin runs count.",
        ),
    ] = "6h",  # type: ignore[assignment]
    stuck: Annotated[
        float,
        typer.Option(
            "--stuck",
            metavar="DURATION",
            parser=duration,
            help="Progressing, or a plugin running, for longer than that is too long.",
        ),
    ] = "30m",  # type: ignore[assignment]
    top: Annotated[
        int,
        typer.Option(
            "--top", metavar="N", parser=_number, help="How many of each are listed; 0: all."
        ),
    ] = 10,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow the fleet.")] = False,
    output: Output = None,
    timeout: TimeoutOption = None,
    fresh: Fresh = False,
) -> ExitCode:
    """Sum up all rollouts: phases, aborts by cause, who waits, plugins, what takes too long.

    Of all namespaces, or of the one -n names. What was aborted within --since is grouped by its
    cause, the most frequent first. With --watch the page is rewritten in place on a terminal;
    elsewhere it is printed anew (-o json: on a line) when something changes, at most once a
    second. Exit code 1 when some rollouts or clusters could not be read.

    \b
    Examples:
      rolloutctl fleet
      rolloutctl fleet --since 24h --by team
      rolloutctl fleet -l tier=web -w
      rolloutctl fleet --all-contexts -o json
    """
    from datetime import timedelta

    from rolloutctl.cli import fleet as fleets

    asked = fleets.Asked(
        selector=selector,
        by=by,
        since=timedelta(seconds=since),
        stuck=timedelta(seconds=stuck),
        top=top,
        output=output,
        timeout=timeout or None,
        fresh=fresh,
    )
    run = Run.of(ctx)
    return fleets.follow(run, asked) if watch else fleets.show(run, asked)
