"""`rolloutctl history`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Name, Output
from rolloutctl.cli.run import Run
from rolloutctl.cli.selecting import whole
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
def history(
    ctx: typer.Context,
    name: Name,
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision",
            metavar="N",
            parser=whole(1, 10**12),
            help="One revision in full: its template, events and analysis runs.",
            show_default=False,
        ),
    ] = None,
    output: Output = None,
) -> ExitCode:
    """List the revisions of a rollout: images, who changed it, and how each ended.

    Newest first, as many as there are ReplicaSets (revisionHistoryLimit). How a revision ended
    (promoted, promoted in full, aborted and why, superseded) and who made or stopped it comes from
    the events about the rollout, which most clusters keep for an hour: what is not known any more
    is "-". Changes made with rolloutctl say who made them, and why.

    \b
    Examples:
      rolloutctl history checkout
      rolloutctl history checkout -o wide
      rolloutctl history checkout --revision 1
      rolloutctl history checkout -o json --query "revisions[?outcome=='aborted'].detail"
    """
    from rolloutctl.cli import histories

    run = Run.of(ctx)
    (ref,) = run.refs([name])
    return histories.show(run, ref, revision, output)
