"""`rolloutctl dashboard`."""

from __future__ import annotations

from typing import Annotated

import typer

from rolloutctl.cli.app import command, new_app
from rolloutctl.cli.options import Fresh, Selector
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

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
    web: Annotated[
        bool,
        typer.Option(
            "--web",
            help="Serve it to a browser on this machine; the address is printed. Read-only, unless"
            " --allow-changes is given.",
        ),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="PORT",
            min=0,
            max=65535,
            help="With --web: its port; else any free one.",
            show_default=False,
        ),
    ] = None,
    allow_changes: Annotated[
        bool,
        typer.Option("--allow-changes", help="With --web: its pages may change rollouts."),
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="With --web: open it in the browser.")
    ] = False,
) -> ExitCode:
    """Keep an eye on all rollouts, live, and act on them.

    Of all namespaces, or of the one -n names; of several clusters with --context a,b or
    --all-contexts. Everything has a key: ? lists them. What changes anything asks first and says
    exactly what will happen; --read-only makes it impossible.

    With --web it is served to browsers on this machine, and only to those that have the address
    printed on stdout: a random token is in it. What is read-only by --read-only or by a setting
    stays so with --allow-changes.

    \b
    Examples:
      rolloutctl dashboard
      rolloutctl dashboard awaiting
      rolloutctl dashboard -n shop "phase:degraded"
      rolloutctl dashboard --all-contexts --read-only
      rolloutctl dashboard --web --open
      rolloutctl dashboard --web --port 8000 --allow-changes
    """
    from rolloutctl.cli.dashboard import Asked, show

    asked = Asked(query, selector, fresh)
    if web:
        from rolloutctl.cli.dashboard_web import Web, serve

        return serve(Run.of(ctx), asked, Web(port or 0, allow_changes, open_browser))
    for option, given in (
        ("--port", port is not None),
        ("--allow-changes", allow_changes),
        ("--open", open_browser),
    ):
        if given:
            raise UsageError(f"{option} is for --web", hint="leave it out, or add --web")
    return show(Run.of(ctx), asked)
