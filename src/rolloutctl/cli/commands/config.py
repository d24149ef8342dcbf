"""`rolloutctl config`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rolloutctl.cli.app import command, group, new_app
from rolloutctl.cli.options import Output
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

app = new_app(help="See and change the settings of rolloutctl.", no_args_is_help=True)
group(app)

Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY", help="A setting: output, contexts.prod.read-only, aliases.ship, ..."
    ),
]


@command(app)
def view(ctx: typer.Context, output: Output = None) -> ExitCode:
    """Show what is set, and where.

    An option on the command line wins over a variable ROLLOUTCTL_*, that over [contexts.NAME] of
    the configuration file, and that over the rest of the file. Only read-only is different: whoever
    says so wins.

    \b
    Examples:
      rolloutctl config view
      rolloutctl config view -o json
    """
    from rolloutctl.cli import configuring

    run = Run.of(ctx)
    if output in (None, "wide"):
        run.emit(configuring.lines(run))
    elif output == "name":
        raise UsageError("-o name has nothing to name here", hint="known: json, yaml, jsonl, wide")
    else:
        from rolloutctl.cli.output import write

        write(run, [configuring.document(run)], output)
    return ExitCode.OK


@command(app)
def path(ctx: typer.Context) -> ExitCode:
    """Print where the configuration file is, or would be.

    $ROLLOUTCTL_CONFIG names it, else it is $XDG_CONFIG_HOME/rolloutctl/config.toml, or
    ~/.config/rolloutctl/config.toml.

    \b
    Examples:
      rolloutctl config path
    """
    from rolloutctl.cli import configuring

    run = Run.of(ctx)
    run.out(str(configuring.path(run)))
    return ExitCode.OK


@command(app, name="set")
def set_(
    ctx: typer.Context,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="What it is to be.")],
) -> ExitCode:
    """Set one setting in the configuration file; the rest stays as it is, comments too.

    \b
    Settings:
      output           -o of what shows things: json, yaml, jsonl, name or wide
      columns          --columns of list, and of get without a name
      timeout          --timeout of what waits, as 10m
      request-timeout  limit of one request, as 30s
      confirm          when a terminal is asked: normal; always, before every change; risky, not
                       before a promotion by one step that skips nothing
      read-only        true: nothing can be changed
      record           false: no Event says who changed something
      no-color         true: plain text
      contexts.NAME.KEY  any of these, for one context
      aliases.NAME     a command line, as "promote --wait --timeout 10m"

    Freezes are written in the file itself: [[freeze]] with name, from, until (2026-12-24T18:00:00Z
    or "Fri 16:00"), timezone, contexts and namespaces. In one, promote, retry, undo, set image and
    restart need --override-freeze and --reason; abort and pause never do.

    \b
    Examples:
      rolloutctl config set output wide
      rolloutctl config set contexts.prod.read-only true
      rolloutctl config set aliases.ship "promote --wait --timeout 10m"
    """
    return _edit(ctx, key, value)


@command(app)
def unset(ctx: typer.Context, key: Key) -> ExitCode:
    """Take one setting out of the configuration file.

    \b
    Examples:
      rolloutctl config unset output
    """
    return _edit(ctx, key, None)


def _edit(ctx: Any, key: str, value: str | None) -> ExitCode:
    from rolloutctl.cli import configuring

    run = Run.of(ctx)
    run.note(configuring.edit(run, key, value))
    return ExitCode.OK
