"""`rolloutctl scale`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, acting, whole
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
@acting
def scale(
    ctx: typer.Context,
    asked: Asked,
    replicas: Annotated[
        int,
        typer.Option("--replicas", metavar="N", parser=whole(0, 1_000_000), help="How many pods."),
    ],
    current: Annotated[
        int | None,
        typer.Option(
            "--current-replicas",
            metavar="N",
            parser=whole(0, 1_000_000),
            help="Only where it is set to so many now.",
            show_default=False,
        ),
    ] = None,
) -> ExitCode:
    """Set how many pods rollouts have; it starts no update.

    It says when an autoscaler would take that back, when an update is under way, and asks before
    scaling to none. Nothing is overwritten when somebody else scales meanwhile.

    With --wait it follows until all pods are available (0), the rollout is degraded (1), somebody
    else scales it (6), or the time is up (4).

    \b
    Examples:
      rolloutctl scale checkout --replicas 5
      rolloutctl scale checkout --replicas 12 --current-replicas 10 --dry-run
      rolloutctl scale checkout cart --replicas 2 --wait --timeout 2m
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action

    return change(Run.of(ctx), Intent(Action.SCALE, replicas=replicas, current=current), asked)
