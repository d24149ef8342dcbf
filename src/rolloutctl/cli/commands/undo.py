"""`rolloutctl undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import Asked, shipping, whole
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
@shipping
def undo(
    ctx: typer.Context,
    asked: Asked,
    to_revision: Annotated[
        int | None,
        typer.Option(
            "--to-revision",
            metavar="N",
            parser=whole(1, 10**12),
            help="The revision to go back to; else the one before the present.",
            show_default=False,
        ),
    ] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Promote it in full as soon as the controller has turned to it."
        ),
    ] = False,
) -> ExitCode:
    """Go back to the pod template of an earlier revision.

    It says how the templates differ and what follows (steps that run, or are skipped), and asks;
    where there is no terminal to ask on it needs --yes. Back to the stable version, or within the
    rollback window, the controller runs no steps; any other version goes out like a new one.

    The template goes back as the earlier ReplicaSet has it, without what the controller put there.
    With a workloadRef the Deployment, ReplicaSet or PodTemplate is changed. When somebody changes
    the template meanwhile, nothing is overwritten.

    With --full no step of it is waited for: when the controller has turned to the earlier version
    (a minute or --timeout at most), it is promoted in full, provided that no other version came
    meanwhile. Sooner that would ship the version that was undone.

    With --wait it follows until the rollout is Healthy or waits for a person (0), is degraded or
    aborted (1), gets yet another version (6), or the time is up (4).

    \b
    Examples:
      rolloutctl undo checkout
      rolloutctl undo checkout --to-revision 1 --yes --wait --timeout 10m
      rolloutctl undo checkout --full --yes
      rolloutctl undo checkout --dry-run
      rolloutctl undo --selector team=pay --phase Degraded
    """
    from rolloutctl.actions.promotion import Intent
    from rolloutctl.cli.changing import change
    from rolloutctl.domain.decision import Action

    run = Run.of(ctx)
    return change(
        run,
        Intent(Action.UNDO, to_revision=to_revision, full=full, clock=run.environment.now),
        asked,
    )
