"""`rolloutctl version`."""

from __future__ import annotations

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.run import Run
from rolloutctl.cli.version import version as installed

app = new_app()


@command(app)
def version(ctx: typer.Context) -> None:
    """Print the version of rolloutctl.

    \b
    Examples:
      rolloutctl version
    """
    Run.of(ctx).out(f"rolloutctl {installed()}")
