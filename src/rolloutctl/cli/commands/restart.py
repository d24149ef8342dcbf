"""`rolloutctl restart`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import duration
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, shipping
from rolloutctl.errors import ExitCode

app = new_app()


def moment(text: str) -> datetime:
    """A moment as RFC 3339 writes it, with its offset. Raises BadParameter."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise typer.BadParameter(
            f'"{text}" is no time with its offset; write 2026-03-01T06:00:00Z or ...+01:00'
        )
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise typer.BadParameter(f'"{text}" is beyond the calendar') from None


@command(app)
@shipping
def restart(
    ctx: typer.Context,
    asked: Asked,
    later: Annotated[
        float | None,
        typer.Option(
            "--in",
            metavar="DURATION",
            parser=duration,
            help="Restart so much later, as 10m.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at",
            metavar="TIME",
            parser=moment,
            help="Restart at this time, as 2026-03-01T06:00:00Z; one that has passed restarts the"
            " pods that are older.",
            show_default=False,
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Also when a restart is set or under way already."),
    ] = False,
    cancel: Annotated[
        bool,
        typer.Option("--cancel", help="Call off a restart that is set, or end one under way."),
    ] = False,
) -> ExitCode:
    """Restart the pods of rollouts, a few at a time, without a new version.

    The controller evicts the pods that are older than the time set (spec.restartAt), as many at
    once as may be missing (maxUnavailable, at least one), and honours PodDisruptionBudgets. A new
    version calls it off. Where all pods would go at once, as the only one does, it asks; where
    there is no terminal to ask on that needs --yes.

    With --wait it follows until all pods are new and there (0), another version or restart takes
    its place (6), or the time is up (4).

    \b
    Examples:
      rolloutctl restart checkout
      rolloutctl restart checkout cart --wait --timeout 10m
      rolloutctl restart checkout --at 2026-03-01T06:00:00Z
      rolloutctl restart checkout --cancel
      rolloutctl restart --selector team=pay --batch 10 --wait
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action
    from rolloutctl.errors import UsageError

    if later is not None and at is not None:
        raise UsageError("--in and --at are two times: give one")
    if later is not None and later > 366 * 86400:
        raise UsageError("--in is more than a year")
    if cancel and (replace or later is not None or at is not None):
        raise UsageError("--cancel sets no time: without --in, --at and --replace")
    if cancel and asked.wait:
        raise UsageError("--wait does not go with --cancel: there is nothing to wait for")
    run = Run.of(ctx)
    intent = Intent(
        Action.RESTART,
        at=at,
        delay=later or 0.0,
        replace=replace,
        cancel=cancel,
        clock=run.environment.now,
    )
    return change(run, intent, asked)
