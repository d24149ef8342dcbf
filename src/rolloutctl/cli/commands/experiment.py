"""`rolloutctl experiment`: look at experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rolloutctl.cli.app import command, group, new_app
from rolloutctl.cli.options import Output, Selector, TimeoutOption, complete_names
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode, UsageError

if TYPE_CHECKING:
    pass

app = new_app(no_args_is_help=True)
group(app)


def _complete(ctx: typer.Context, incomplete: str) -> list[str]:
    from rolloutctl.cli.completion import object_names
    from rolloutctl.domain.cluster import EXPERIMENTS

    return object_names(ctx, incomplete, EXPERIMENTS)


@command(app, "list")
def list_(
    ctx: typer.Context,
    selector: Selector = "",
    rollout: Annotated[
        str,
        typer.Option(
            "--rollout",
            metavar="NAME",
            help="Only those of this rollout.",
            show_default=False,
            autocompletion=complete_names,
        ),
    ] = "",
    phase: Annotated[
        str,
        typer.Option(
            "--phase",
            metavar="PHASE,...",
            help="Only these: Pending, Running, Successful, Failed, Error, Inconclusive.",
            show_default=False,
        ),
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on with a line for each change.")
    ] = False,
    output: Output = None,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """List experiments: whose they are, their pods, how long they still last.

    \b
    Examples:
      rolloutctl experiment list
      rolloutctl experiment list -A --phase Running
      rolloutctl experiment list -o jsonl
      rolloutctl experiment list -w
    """
    from rolloutctl.cli import listing_runs, runs

    return listing_runs.show(
        Run.of(ctx),
        runs.experiments(),
        listing_runs.Asked(selector, rollout, phase),
        watch=watch,
        output=output,
        timeout=timeout,
    )


@command(app)
def get(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="Experiments: NAME or exp/NAME.",
            show_default=False,
            autocompletion=_complete,
        ),
    ],
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow what is shown.")] = False,
    output: Output = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="With -o json|yaml|jsonl: the object as the server has it."),
    ] = False,
    timeout: TimeoutOption = None,
) -> ExitCode:
    """Show an experiment: each version with its pods, its analyses, when it ends.

    With --watch the picture is redrawn in place on a terminal; elsewhere a line, or with -o jsonl
    the whole document, is printed per change.

    \b
    Examples:
      rolloutctl experiment get price-trial
      rolloutctl experiment get price-trial -o yaml
      rolloutctl experiment get price-trial -w
    """
    from rolloutctl.cli import runs

    run = Run.of(ctx)
    if watch:
        from rolloutctl.cli import following_experiment

        return following_experiment.follow(run, names, output=output, raw=raw, timeout=timeout)
    if timeout is not None:
        raise UsageError("--timeout needs --watch")
    return runs.show_experiment(run, names, output, raw)
