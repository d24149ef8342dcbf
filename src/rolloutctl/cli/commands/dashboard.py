"""`rolloutctl dashboard`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Fresh, Selector
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode

app = new_app()


@command(app)
def dashboard(
    ctx: typer.Context,
    query: Annotated[
        str,
        typer.Argument(
            metavar="[FILTER]",
            help='What is typed into the filter: "checkout", "ns:shop phase:degraded", "awaiting".',
            show_default=False,
        ),
    ] = "",
    selector: Selector = "",
    fresh: Fresh = False,
) -> ExitCode:
    """Keep an eye on all rollouts, live, and act on them.

    Of all namespaces, or of the one -n names; of several clusters with --context a,b or
    --all-contexts. Everything has a key: ? lists them. What changes anything asks first and says
    exactly what will happen; --read-only makes it impossible.

    \b
    Examples:
      rolloutctl dashboard
      rolloutctl dashboard awaiting
      rolloutctl dashboard -n shop "phase:degraded"
      rolloutctl dashboard --all-contexts --read-only
    """
    from rolloutctl.cli.dashboard import Asked, show

    return show(Run.of(ctx), Asked(query, selector, fresh))
